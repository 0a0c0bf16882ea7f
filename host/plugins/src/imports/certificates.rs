//! `certificates`: those of virtual hosts.

use crate::bindings::xmpp::plugin::certificates::{Certificate, Host};
use crate::blob::Secret;
use crate::host::admin::{AdminAnswer, AdminError, AdminRequest, Authority, CertificateInfo};
use crate::run::state::State;

impl Host for State {
    async fn all(&mut self) -> Vec<Certificate> {
        let Some(call) = &self.call else { return Vec::new() };
        let answer = call.host.admin(AdminRequest::Certificates).await;
        let AdminAnswer::Certificates(all) = answer else { return Vec::new() };
        let mut own = all;
        own.retain(|certificate| self.managing(&certificate.domain, Authority::Admin).is_some());
        own.into_iter().map(Into::into).collect()
    }

    async fn put(&mut self, domain: String, pem: String) -> Result<Certificate, String> {
        let denied = || format!("You may not change the certificate of {domain}");
        let call = self.managing(&domain, Authority::Admin).ok_or_else(denied)?;
        let request = AdminRequest::PutCertificate { domain: domain.clone(), pem: Secret(pem) };
        match call.host.admin(request).await {
            AdminAnswer::Certificates(mut kept) if kept.len() == 1 => {
                kept.pop().map(Into::into).ok_or_else(String::new)
            }
            AdminAnswer::Refused(AdminError::Invalid(why)) => Err(why),
            _ => Err("The certificate cannot be kept now".to_owned()),
        }
    }
}

impl From<CertificateInfo> for Certificate {
    fn from(info: CertificateInfo) -> Self {
        let CertificateInfo { domain, names, issuer, not_before, not_after, self_signed } = info;
        Certificate { domain, names, issuer, not_before, not_after, self_signed }
    }
}
