//! What the settings of a virtual host must be beyond their types.

use waxwing_config::{ClientCertificate, DomainFilter, VhostSettings};
use waxwing_xmpp::Jid;
use waxwing_xmpp::sasl::Mechanism;

/// Check settings, and write the addresses in them as addresses are compared.
///
/// # Errors
/// A sentence that says which setting is wrong, and why.
pub(crate) fn prepare(settings: &mut VhostSettings) -> Result<(), String> {
    let forward = [
        ("presence-forward", &mut settings.presence_forward),
        ("message-forward", &mut settings.message_forward),
    ];
    for (key, address) in forward {
        if let Some(text) = address {
            let jid = Jid::parse(text).map_err(|why| format!("{key}: '{text}' is no address: {why}"))?;
            *text = jid.to_string();
        }
    }
    let owner = settings.owner.iter_mut().map(|owner| ("owner", owner));
    for (key, text) in owner.chain(settings.admins.iter_mut().map(|admin| ("admins", admin))) {
        let account = Jid::parse(text).ok().filter(|jid| jid.is_bare() && jid.local().is_some());
        *text = account.ok_or_else(|| format!("{key}: '{text}' is not of the form user@domain"))?.to_string();
    }
    for text in &mut settings.domain_filter_domains {
        let domain = Jid::parse(text).ok().filter(Jid::is_domain);
        *text = domain.ok_or_else(|| format!("domain-filter-domains: '{text}' is no domain"))?.to_string();
    }
    let listing = matches!(settings.domain_filter, DomainFilter::List | DomainFilter::Blacklist);
    if listing && settings.domain_filter_domains.is_empty() {
        return Err("domain-filter: this policy takes domains in domain-filter-domains".to_owned());
    }
    for name in &mut settings.sasl_mechanisms {
        *name = name.to_ascii_uppercase();
        if Mechanism::from_name(name).is_none() {
            let all: Vec<_> = Mechanism::ALL.iter().map(|mechanism| mechanism.name()).collect();
            return Err(format!("sasl-mechanisms: '{name}' is none of {}", all.join(", ")));
        }
    }
    match settings.client_certificate {
        ClientCertificate::Optional | ClientCertificate::Required if settings.client_ca.is_empty() => {
            Err("client-certificate: it takes client-ca, who issues them".to_owned())
        }
        _ => Ok(()),
    }
}
