//! From the first byte to a bound resource: stream headers, STARTTLS, SASL, resource binding
//! (RFC 6120, sections 4 to 7).

use super::features::{Offer, after_login};
use super::io::Socket;
use super::login::{Exchange, Login};
use super::manage::{failed, handled, too_high};
use super::{Ending, Link, Shared};
use crate::admission::network;
use crate::listener::Door;
use crate::tls::{Secured, TlsStart};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::{Instant, timeout_at};
use waxwing_config::ClientCertificate;
use waxwing_server::{BindError, ResumeError, Resumed, Session, Vhost};
use waxwing_xmpp::sasl::{SaslCondition, SaslError};
use waxwing_xmpp::{
    Condition, Element, Frame, Jid, Kind, Stanza, StanzaError, StreamCondition, StreamError, Type, escape, ns,
};

/// Bring a new connection to a bound session, within the time that the settings give it.
pub async fn negotiate<T: Socket>(
    link: &mut Link<T>,
    peer: SocketAddr,
    door: Door,
    shared: &Arc<Shared>,
) -> Result<Arc<Session>, Ending> {
    let deadline = Instant::now() + shared.settings.limits.login_timeout;
    let Login { account, anonymous } =
        bounded(log_in(link, peer.ip(), door, shared), deadline, shared).await?;
    loop {
        let request = match bounded(bind_request(link, &account, shared), deadline, shared).await? {
            Start::Bind(request) => request,
            Start::Resumed(session) => {
                session.comes_from(peer.ip(), link.transport.is_tls());
                return Ok(session);
            }
        };
        let wish = request.child("bind", ns::BIND).and_then(|bind| bind.element().ok());
        let wish = wish.and_then(|bind| bind.child_text("resource"));
        // Not to be cancelled: a session that was made must be finished.
        let bound = match anonymous {
            true => {
                let network = Some(network(peer.ip()));
                shared.server.bind_anonymous(&account, wish.as_deref(), network).await
            }
            false => shared.server.bind(&account, wish.as_deref()).await,
        };
        match bound {
            Ok(session) => {
                session.comes_from(peer.ip(), link.transport.is_tls());
                let jid = escape(session.jid.as_str()).into_owned();
                let result = format!("<bind xmlns='{}'><jid>{jid}</jid></bind>", ns::BIND);
                request.iq_result(&result).write_to(link.output.buffer());
                if *shared.stopping.borrow() {
                    session.end(StreamError::new(StreamCondition::SystemShutdown));
                }
                return Ok(session);
            }
            Err(BindError::Refused(error)) => {
                if let Some(reply) = request.error_reply(&error) {
                    reply.write_to(link.output.buffer());
                }
                bounded(link.flush(), deadline, shared).await?;
            }
        }
    }
}

/// A part of the negotiation, until it takes too long or the server stops.
async fn bounded<R>(
    part: impl Future<Output = Result<R, Ending>>,
    deadline: Instant,
    shared: &Shared,
) -> Result<R, Ending> {
    let mut stopping = shared.stopping.clone();
    tokio::select! {
        // An error here means that whoever could stop the server is gone, as good as stopping.
        _ = stopping.wait_for(|stopping| *stopping) => Err(StreamCondition::SystemShutdown.into()),
        result = timeout_at(deadline, part) => {
            result.unwrap_or_else(|_| Err(StreamCondition::ConnectionTimeout.into()))
        }
    }
}

/// How a stream that has not logged in goes on.
enum Step {
    StartTls,
    LoggedIn(Login),
}

async fn log_in<T: Socket>(
    link: &mut Link<T>,
    address: IpAddr,
    door: Door,
    shared: &Shared,
) -> Result<Login, Ending> {
    let mut secured = Secured::default();
    if door.start == TlsStart::Direct {
        let default = shared.default_domain();
        secured = start_tls(link, door.start, [default, default], shared).await?;
    }
    loop {
        let vhost = open_stream(link, None, door, shared).await?;
        let settings = vhost.settings();
        let tls = link.transport.is_tls();
        if tls
            && settings.client_certificate == ClientCertificate::Required
            && secured.client_of.as_deref() != Some(vhost.domain())
        {
            let error = StreamError::new(StreamCondition::PolicyViolation);
            let text = "This domain takes a certificate of the client: show one, and name the domain in the TLS \
                        handshake";
            return Err(error.with_text(text).into());
        }
        let tls_required = vhost.tls_required();
        let offer = Offer { tls, tls_required, settings: &settings, binding: &secured.binding };
        link.push(&offer.to_xml(&shared.server.features_before_login(&vhost, tls)));
        link.flush().await?;
        match before_login(link, &vhost, address, offer, shared).await? {
            Step::StartTls => {
                let domains = [vhost.domain(), shared.default_domain()];
                secured = start_tls(link, TlsStart::StartTls, domains, shared).await?;
            }
            Step::LoggedIn(login) => {
                restart(link);
                let vhost = open_stream(link, Some(&login.account), door, shared).await?;
                link.push(&after_login(&shared.server.features_after_login(&vhost)));
                link.flush().await?;
                return Ok(login);
            }
        }
        restart(link);
    }
}

/// Forget the stream: a new one begins on the same connection.
fn restart<T>(link: &mut Link<T>) {
    link.framer.reset();
    link.header_sent = false;
}

async fn start_tls<T: Socket>(
    link: &mut Link<T>,
    start: TlsStart,
    domains: [&str; 2],
    shared: &Shared,
) -> Result<Secured, Ending> {
    link.transport.start_tls(start, &shared.certificates, domains).await.map_err(|error| {
        tracing::debug!("TLS handshake failed: {error}");
        shared.stats.failed_handshakes.fetch_add(1, Ordering::Relaxed);
        Ending::Lost
    })
}

/// Wait for the peer's stream header and answer it with this side's, which comes before any error about it
/// (RFC 6120, section 4.9.1.1). A stream that has logged in must be to the domain of its account.
async fn open_stream<T: Socket>(
    link: &mut Link<T>,
    account: Option<&Jid>,
    door: Door,
    shared: &Shared,
) -> Result<Arc<Vhost>, Ending> {
    let header = match link.next_frame().await? {
        Frame::Open(header) => header,
        other => return Err(Ending::unexpected(&other, StreamCondition::InvalidXml)),
    };
    let vhost =
        header.to.as_ref().filter(|to| to.is_domain()).and_then(|to| shared.server.vhost(to.domain()));
    let domain = vhost.as_ref().map_or(shared.default_domain(), |vhost| vhost.domain());
    link.push_header(&shared.random_text()?, domain, header.from.as_ref());
    if header.version.is_none_or(|(major, _)| major < 1) {
        return Err(StreamCondition::UnsupportedVersion.into());
    }
    if header.ns != ns::CLIENT {
        return Err(StreamCondition::InvalidNamespace.into());
    }
    if header.to.is_none() {
        let error = StreamError::new(StreamCondition::ImproperAddressing);
        return Err(error.with_text("The stream header needs a 'to'").into());
    }
    let vhost = vhost.ok_or(StreamCondition::HostUnknown)?;
    if !vhost.enabled() {
        return Err(StreamCondition::HostGone.into());
    }
    let open = vhost.get(|settings| settings.c2s_ports.is_empty() || settings.c2s_ports.contains(&door.port));
    if !open {
        // The domain is served, so it is not `host-unknown`: it is a matter of policy where.
        let error = StreamError::new(StreamCondition::PolicyViolation);
        return Err(error.with_text("This domain is not served on this port").into());
    }
    if account.is_some_and(|account| account.domain() != vhost.domain()) {
        return Err(StreamCondition::HostUnknown.into());
    }
    Ok(vhost)
}

/// Deal with a stream that has not logged in, until it does or asks for TLS.
async fn before_login<T: Socket>(
    link: &mut Link<T>,
    vhost: &Arc<Vhost>,
    address: IpAddr,
    offer: Offer<'_>,
    shared: &Shared,
) -> Result<Step, Ending> {
    let (mut failures, mut iqs) = (0, 0);
    loop {
        match link.next_frame().await? {
            Frame::Nonza(element) if element.is("starttls", ns::TLS) => {
                // Whatever came in with it was not sent under TLS and may be somebody else's.
                let injected = link.framer.pending() > 0 || !link.input.rest().trim_ascii().is_empty();
                if offer.tls || injected {
                    link.push(&format!("<failure xmlns='{}'/>", ns::TLS));
                    return Err(Ending::Closed);
                }
                link.input.keep(0);
                link.push(&format!("<proceed xmlns='{}'/>", ns::TLS));
                link.flush().await?;
                return Ok(Step::StartTls);
            }
            Frame::Nonza(element) if element.is("auth", ns::SASL) => {
                let exchange = Exchange { link: &mut *link, shared, domain: vhost.domain(), address, offer };
                if let Some(login) = exchange.run(&element).await? {
                    return Ok(Step::LoggedIn(login));
                }
                failures += 1;
            }
            // Outside an exchange there is nothing to answer or to abort.
            Frame::Nonza(element) if element.ns() == ns::SASL => {
                let condition = match element.name() {
                    "abort" => SaslCondition::Aborted,
                    _ => SaslCondition::MalformedRequest,
                };
                link.push(&SaslError::from(condition).to_xml());
                link.flush().await?;
                failures += 1;
            }
            Frame::Stanza(stanza) if stanza.kind() == Kind::Iq && offer.login() => {
                iqs += 1;
                if iqs > shared.settings.limits.requests_before_login {
                    shared.stats.refused_requests.fetch_add(1, Ordering::Relaxed);
                    let error = StreamError::new(StreamCondition::PolicyViolation);
                    return Err(error.with_text("Too many requests before login").into());
                }
                let reply = answer_before_login(vhost, address, offer.tls, stanza, shared).await;
                let Some(reply) = reply else { continue };
                let refused = is_not_authorized(&reply);
                reply.write_to(link.output.buffer());
                if refused {
                    return Err(StreamCondition::NotAuthorized.into());
                }
                link.flush().await?;
            }
            // XEP-0198, section 3: it is refused, and the stream goes on.
            Frame::Nonza(element) if is_sm_request(&element, shared) => {
                link.push(&failed(Condition::UnexpectedRequest, None));
                link.flush().await?;
            }
            other => return Err(Ending::unexpected(&other, StreamCondition::NotAuthorized)),
        }
        if failures >= shared.settings.limits.login_attempts {
            let error = StreamError::new(StreamCondition::PolicyViolation);
            return Err(error.with_text("Too many failed logins").into());
        }
    }
}

/// The answer to a request of somebody who has not logged in, if there is one.
async fn answer_before_login(
    vhost: &Arc<Vhost>,
    address: IpAddr,
    tls: bool,
    stanza: Stanza,
    shared: &Shared,
) -> Option<Stanza> {
    if !shared.admission.request(address) {
        shared.stats.refused_requests.fetch_add(1, Ordering::Relaxed);
        let error = StanzaError::from(Condition::ResourceConstraint);
        return stanza.error_reply(&error.with_text("Too many requests from your address: try again later"));
    }
    shared.server.receive_before_login(vhost, Some(address), tls, stanza).await
}

/// Whether a client wants stream management, or to resume a session, too early.
fn is_sm_request(element: &Element, shared: &Shared) -> bool {
    shared.settings.stream_management.enabled
        && (element.is("enable", ns::SM) || element.is("resume", ns::SM))
}

/// Whether this is the answer to what only those may ask who have logged in.
fn is_not_authorized(reply: &Stanza) -> bool {
    reply.ty() == Type::Error
        && reply
            .child("error", ns::CLIENT)
            .and_then(|error| error.element().ok())
            .is_some_and(|error| error.child("not-authorized", ns::STANZA_ERRORS).is_some())
}

/// How a stream that has logged in comes to a session.
enum Start {
    Bind(Stanza),
    Resumed(Arc<Session>),
}

/// Wait for the request to bind a resource, or to go on with a session: nothing else is allowed before
/// (RFC 6120, section 7.1).
async fn bind_request<T: Socket>(
    link: &mut Link<T>,
    account: &Jid,
    shared: &Shared,
) -> Result<Start, Ending> {
    let managed = shared.settings.stream_management.enabled;
    loop {
        match link.next_frame().await? {
            Frame::Stanza(stanza)
                if stanza.kind() == Kind::Iq
                    && stanza.ty() == Type::Set
                    && stanza.child("bind", ns::BIND).is_some() =>
            {
                return Ok(Start::Bind(stanza));
            }
            // Such as a request without an id.
            Frame::Bad { stanza, error } if stanza.child("bind", ns::BIND).is_some() => {
                if let Some(reply) = stanza.error_reply(&error) {
                    reply.write_to(link.output.buffer());
                }
                link.flush().await?;
            }
            Frame::Nonza(element) if managed && element.is("resume", ns::SM) => {
                if let Some(session) = resume(link, account, &element, shared).await? {
                    return Ok(Start::Resumed(session));
                }
                link.flush().await?;
            }
            Frame::Nonza(element) if managed && element.is("enable", ns::SM) => {
                link.push(&failed(Condition::UnexpectedRequest, None));
                link.flush().await?;
            }
            other => return Err(Ending::unexpected(&other, StreamCondition::NotAuthorized)),
        }
    }
}

/// Go on with the session that the client names (XEP-0198, section 5). `None` if that is not possible: the
/// client may bind a resource then. Nothing is waited for once it has been: a session that has a stream must
/// be served by it.
async fn resume<T: Socket>(
    link: &mut Link<T>,
    account: &Jid,
    request: &Element,
    shared: &Shared,
) -> Result<Option<Arc<Session>>, Ending> {
    let h = handled(request)?;
    let id = request.attr("previd").unwrap_or_default();
    match shared.server.resume(account, id, h).await {
        Ok(Resumed { session, handled }) => {
            let id = escape(id);
            link.push(&format!("<resumed xmlns='{}' previd='{id}' h='{handled}'/>", ns::SM));
            Ok(Some(session))
        }
        Err(ResumeError::NotFound(handled)) => {
            link.push(&failed(Condition::ItemNotFound, handled));
            Ok(None)
        }
        Err(ResumeError::TooHigh(error)) => Err(too_high(error).into()),
    }
}
