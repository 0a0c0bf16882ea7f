//! What the first start does, which makes the admin accounts and says how to log in; and what every start says of
//! accounts that nobody can log in to, and of administrators that there are none of.

use anyhow::Context as _;
use base64::Engine as _;
use ring::rand::SecureRandom as _;
use waxwing_config::Settings;
use waxwing_server::Server;
use waxwing_xmpp::Jid;

/// Random bytes in a password: 144 bits.
const PASSWORD_BYTES: usize = 18;

/// Make the admin accounts, with random passwords, if the default virtual host has no account yet.
/// They are printed once, before, and kept nowhere in clear.
pub async fn make_admins(settings: &Settings, server: &Server) -> anyhow::Result<()> {
    let vhosts = server.vhosts();
    let default = settings.default_virtual_host.first().map(String::as_str);
    let Some(domain) = default.or(vhosts.first().map(|vhost| vhost.domain())) else { return Ok(()) };
    if !server.accounts(domain, None, 1).await?.is_empty() {
        return Ok(());
    }
    for admin in &settings.admins {
        let account = Jid::parse(admin).with_context(|| format!("admins: '{admin}'"))?;
        if server.vhost(account.domain()).is_none() {
            continue;
        }
        let password = random_password()?;
        // First: an account must not be left whose password nobody has seen, whenever this is cut short. The next start
        // makes what was not made, with another password.
        println!("Making the account {account} with the password {password}");
        println!("It is shown only this once. Change it with: waxwing user passwd {account}");
        server.create_account(&account, &password).await.with_context(|| format!("making {account}"))?;
    }
    Ok(())
}

/// Warn of administrators who cannot log in, and of accounts whose domain is not served.
pub async fn look_around(settings: &Settings, server: &Server) -> anyhow::Result<()> {
    let mut found = false;
    for account in server.administrators() {
        if server.vhost(account.domain()).is_none() {
            let domain = account.domain();
            tracing::warn!("admins: {account} cannot log in, because {domain} is not served here");
        } else {
            found |= server.has_account(&account).await?;
        }
    }
    if let (false, Some(admin)) = (found, settings.admins.first()) {
        tracing::warn!("admins: none of them has an account; make one with: waxwing user add {admin}");
    }
    for domain in server.unserved_domains().await? {
        tracing::warn!(
            "there are accounts of {domain}, which is not served here: was it taken out of 'default-virtual-host' or \
             'virtual-hosts'?"
        );
    }
    Ok(())
}

fn random_password() -> anyhow::Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
