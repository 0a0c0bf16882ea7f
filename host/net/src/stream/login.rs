//! One SASL exchange over a stream (RFC 6120, section 6.4).

use super::features::Offer;
use super::io::Socket;
use super::{Ending, Link, Shared};
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use waxwing_server::{AccountError, Credentials};
use waxwing_xmpp::sasl::{self, ClientFirst, Hash, Mechanism, Plain, SaslCondition, SaslError};
use waxwing_xmpp::{Element, Frame, Jid, StreamCondition, ns};

/// How an exchange fails.
enum Failure {
    /// The client may try again.
    Refused(SaslError),
    /// The stream is over.
    Ended(Ending),
}

impl From<SaslError> for Failure {
    fn from(error: SaslError) -> Self {
        Self::Refused(error)
    }
}

impl From<SaslCondition> for Failure {
    fn from(condition: SaslCondition) -> Self {
        Self::Refused(condition.into())
    }
}

impl From<Ending> for Failure {
    fn from(ending: Ending) -> Self {
        Self::Ended(ending)
    }
}

/// Who has logged in.
pub struct Login {
    /// The bare JID.
    pub account: Jid,
    /// There is no such account: the address lasts as long as the session (XEP-0175).
    pub anonymous: bool,
}

/// A client that wants to log in: to which domain, from where, with what it was offered.
pub struct Exchange<'a, T> {
    pub link: &'a mut Link<T>,
    pub shared: &'a Shared,
    pub domain: &'a str,
    pub address: IpAddr,
    pub offer: Offer<'a>,
}

impl<T: Socket> Exchange<'_, T> {
    /// Go through the exchange that `<auth/>` begins, and tell the client how it went. Who it is, if that is proven.
    pub async fn run(mut self, auth: &Element) -> Result<Option<Login>, Ending> {
        match self.exchange(auth).await {
            Ok((login, last)) => {
                self.link.push(&format!("<success xmlns='{}'>{}</success>", ns::SASL, sasl::encode(&last)));
                self.link.flush().await?;
                Ok(Some(login))
            }
            Err(Failure::Refused(error)) => {
                tracing::info!(address = %self.address, domain = self.domain, "login failed: {error}");
                self.shared.stats.failed_logins.fetch_add(1, Ordering::Relaxed);
                if error.condition == SaslCondition::NotAuthorized {
                    self.shared.admission.login_failed(self.address);
                }
                self.link.push(&error.to_xml());
                self.link.flush().await?;
                Ok(None)
            }
            Err(Failure::Ended(ending)) => Err(ending),
        }
    }

    /// Who it is, and the last message of the mechanism.
    async fn exchange(&mut self, auth: &Element) -> Result<(Login, Vec<u8>), Failure> {
        let mechanism = auth.attr("mechanism").and_then(Mechanism::from_name);
        let mechanism = mechanism.ok_or(SaslCondition::InvalidMechanism)?;
        if !self.offer.allows(mechanism) {
            let needs_tls = self.offer.has(mechanism)
                && (!self.offer.login() || (mechanism == Mechanism::Plain && !self.offer.tls));
            let condition =
                if needs_tls { SaslCondition::EncryptionRequired } else { SaslCondition::InvalidMechanism };
            return Err(condition.into());
        }
        if self.shared.admission.is_blocked(self.address) {
            self.shared.stats.blocked_logins.fetch_add(1, Ordering::Relaxed);
            let text = "Too many failed logins from your address: try again later";
            return Err(SaslError::new(SaslCondition::TemporaryAuthFailure, text).into());
        }
        if mechanism == Mechanism::Anonymous {
            return Ok((self.anonymous(&auth.text())?, Vec::new()));
        }
        let first = match auth.text() {
            // The client speaks first in all these mechanisms: invite it to.
            text if text.is_empty() => self.challenge(b"").await?,
            text => sasl::decode(&text)?,
        };
        let (account, last) = match mechanism.hash() {
            Some(hash) => self.scram(hash, mechanism.is_plus(), &first).await?,
            None => (self.plain(&first).await?, Vec::new()),
        };
        Ok((Login { account, anonymous: false }, last))
    }

    /// RFC 4505. What the client says of itself tells nothing that could be relied on, so it is not asked for it, and
    /// what it says unasked is neither kept nor logged.
    fn anonymous(&self, trace: &str) -> Result<Login, Failure> {
        sasl::decode(trace)?;
        let random = self.shared.random_text().map_err(|error| Failure::Ended(error.into()))?;
        Ok(Login { account: sasl::account(&random, self.domain)?, anonymous: true })
    }

    async fn scram(&mut self, hash: Hash, plus: bool, first: &[u8]) -> Result<(Jid, Vec<u8>), Failure> {
        let mut first = ClientFirst::parse(first, hash, plus, self.offer.binding())?;
        let authzid = first.authzid.take();
        let account = sasl::account(&first.username, self.domain)?;
        let found = self.shared.server.credentials(&account, hash).await;
        let Credentials { account, salt, iterations, keys, enabled, .. } = known(found)?;
        let nonce = self.shared.random_text().map_err(|error| Failure::Ended(error.into()))?;
        let (scram, challenge) = first.challenge(&nonce, &salt, iterations, keys);
        let last = scram.finish(&self.challenge(&challenge).await?)?;
        admit(&account, enabled, authzid.as_deref())?;
        Ok((account, last))
    }

    async fn plain(&mut self, message: &[u8]) -> Result<Jid, Failure> {
        let Plain { authzid, username, password } = Plain::parse(message)?;
        let account = sasl::account(&username, self.domain)?;
        let known = known(self.shared.server.password_credentials(&account).await)?;
        let busy = SaslError::from(SaslCondition::TemporaryAuthFailure);
        let _permit = self.shared.password_checks.acquire().await.map_err(|_| busy)?;
        let check = move || {
            let Credentials { keys, hash, salt, iterations, .. } = &known;
            let right = sasl::is_password_of(keys, *hash, &password, salt, *iterations);
            (right.unwrap_or(false), password, known)
        };
        let (right, password, known) = tokio::task::spawn_blocking(check).await.map_err(|_| busy)?;
        if !right {
            return Err(SaslCondition::NotAuthorized.into());
        }
        admit(&known.account, known.enabled, authzid.as_deref())?;
        self.shared.server.complete_keys(&known.account, &password, &known).await;
        Ok(known.account)
    }

    /// Send a challenge and wait for the response.
    async fn challenge(&mut self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        self.link.push(&format!("<challenge xmlns='{}'>{}</challenge>", ns::SASL, sasl::encode(message)));
        self.link.flush().await?;
        match self.link.next_frame().await? {
            Frame::Nonza(element) if element.is("response", ns::SASL) => Ok(sasl::decode(&element.text())?),
            Frame::Nonza(element) if element.is("abort", ns::SASL) => Err(SaslCondition::Aborted.into()),
            other => Err(Ending::unexpected(&other, StreamCondition::NotAuthorized).into()),
        }
    }
}

/// What a login is checked with, unless the server cannot tell.
fn known(found: Result<Credentials, AccountError>) -> Result<Credentials, SaslError> {
    found.map_err(|error| {
        match error {
            // The storage itself says so, once, not for every login.
            AccountError::Unavailable(_) => tracing::debug!("a login cannot be checked: {error}"),
            _ => tracing::error!("a login cannot be checked: {error}"),
        }
        SaslCondition::TemporaryAuthFailure.into()
    })
}

/// What is checked once the client has proven that it knows the password.
fn admit(account: &Jid, enabled: bool, authzid: Option<&str>) -> Result<(), SaslError> {
    if !enabled {
        return Err(SaslCondition::AccountDisabled.into());
    }
    sasl::authorize(account, authzid)
}
