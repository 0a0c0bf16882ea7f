//! What `<stream:features/>` offers in each phase (RFC 6120, section 4.3.2).

use waxwing_config::{ClientCertificate, VhostSettings};
use waxwing_xmpp::ns;
use waxwing_xmpp::sasl::{ChannelBinding, Mechanism};

/// What decides the offers to a stream that has not logged in.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Whether the stream has TLS.
    pub tls: bool,
    /// Whether the virtual host takes it.
    pub tls_required: bool,
    /// Those of its virtual host.
    pub settings: &'a VhostSettings,
    /// What it could be bound to.
    pub binding: &'a ChannelBinding,
}

impl<'a> Offer<'a> {
    /// Whether it must have TLS. Without it no client can show a certificate.
    pub fn tls_required(&self) -> bool {
        self.tls_required || self.settings.client_certificate == ClientCertificate::Required
    }

    /// Whether logging in is allowed at all yet.
    pub fn login(&self) -> bool {
        self.tls || !self.tls_required()
    }

    /// The mechanisms that may be used now, strongest first.
    pub fn mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL.into_iter().filter(|mechanism| self.allows(*mechanism))
    }

    /// Whether this mechanism may be used now. PLAIN takes TLS, PLUS takes something to be bound to.
    pub fn allows(&self, mechanism: Mechanism) -> bool {
        self.login()
            && self.has(mechanism)
            && match mechanism {
                Mechanism::Plain => self.tls,
                other => !other.is_plus() || self.binding.is_available(),
            }
    }

    /// Whether the virtual host lets clients use this mechanism, once the stream is fit for it.
    pub fn has(&self, mechanism: Mechanism) -> bool {
        if mechanism == Mechanism::Anonymous && !self.settings.anonymous {
            return false;
        }
        let listed = &self.settings.sasl_mechanisms;
        listed.is_empty() || listed.iter().any(|name| name.eq_ignore_ascii_case(mechanism.name()))
    }

    /// What clients can bind a login to. Nothing where the virtual host has no mechanism for that: then a client that
    /// could has been told of none, and is right to say so (RFC 5802, section 6).
    pub fn binding(&self) -> &'a ChannelBinding {
        static NONE: ChannelBinding = ChannelBinding { exporter: None, end_point: None };
        if self.mechanisms().any(Mechanism::is_plus) { self.binding } else { &NONE }
    }

    /// The features, with `extra` ones once logging in is allowed.
    pub fn to_xml(self, extra: &str) -> String {
        let mut xml = String::from("<stream:features>");
        if !self.tls {
            let required = if self.tls_required() { "<required/>" } else { "" };
            xml.push_str(&format!("<starttls xmlns='{}'>{required}</starttls>", ns::TLS));
        }
        if self.login() {
            let names = self.mechanisms().map(|it| format!("<mechanism>{}</mechanism>", it.name()));
            let names: String = names.collect();
            // It is never empty (RFC 6120, section 6.3.3).
            if !names.is_empty() {
                xml.push_str(&format!("<mechanisms xmlns='{}'>{names}</mechanisms>", ns::SASL));
            }
            if self.binding().is_available() {
                xml.push_str(&format!("<sasl-channel-binding xmlns='{}'>", ns::SASL_CB));
                for kind in self.binding().types() {
                    xml.push_str(&format!("<channel-binding type='{kind}'/>"));
                }
                xml.push_str("</sasl-channel-binding>");
            }
            xml.push_str(extra);
        }
        xml.push_str("</stream:features>");
        xml
    }
}

/// The features of a stream that has logged in. `session` is a no-op that old clients ask for (RFC 3921).
pub fn after_login(extra: &str) -> String {
    format!(
        "<stream:features><bind xmlns='{}'/><session xmlns='{}'><optional/></session>{extra}</stream:features>",
        ns::BIND,
        ns::SESSION
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(offer: Offer<'_>) -> Vec<&'static str> {
        offer.mechanisms().map(Mechanism::name).collect()
    }

    fn settings(tls_required: bool) -> VhostSettings {
        VhostSettings { tls_required, ..VhostSettings::default() }
    }

    #[test]
    fn only_tls_where_it_is_required() {
        let with_certificates =
            VhostSettings { client_certificate: ClientCertificate::Required, ..settings(false) };
        for settings in [settings(true), with_certificates] {
            let offer = Offer {
                tls: false,
                tls_required: settings.tls_required,
                settings: &settings,
                binding: &ChannelBinding::default(),
            };
            assert_eq!(
                offer.to_xml("<extra/>"),
                "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
            );
            assert!(names(offer).is_empty());
        }
    }

    #[test]
    fn mechanisms_depend_on_tls_and_binding() {
        let none = ChannelBinding::default();
        let binding = ChannelBinding { exporter: Some(vec![1]), end_point: None };
        let plain = Offer { tls: false, tls_required: false, settings: &settings(false), binding: &none };
        assert_eq!(names(plain), ["SCRAM-SHA-256", "SCRAM-SHA-1"]);
        assert_eq!(names(Offer { tls: true, ..plain }), ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]);
        let bound = Offer { tls: true, tls_required: true, settings: &settings(true), binding: &binding };
        assert_eq!(
            names(bound),
            ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
        );
        let xml = bound.to_xml("<extra/>");
        assert!(xml.contains("<channel-binding type='tls-exporter'/>") && xml.contains("<extra/>"));
        assert!(!xml.contains("tls-server-end-point") && !xml.contains("starttls"));
    }

    #[test]
    fn only_mechanisms_of_the_virtual_host() {
        let binding = ChannelBinding { exporter: Some(vec![1]), end_point: None };
        let listing = |names: &[&str]| VhostSettings {
            sasl_mechanisms: names.iter().map(|name| (*name).to_owned()).collect(),
            ..VhostSettings::default()
        };
        let settings = listing(&["plain", "SCRAM-SHA-256"]);
        let offer = Offer { tls: true, tls_required: true, settings: &settings, binding: &binding };
        assert_eq!(names(offer), ["SCRAM-SHA-256", "PLAIN"]);
        assert!(!offer.to_xml("").contains("channel-binding"));
        assert!(!offer.binding().is_available());
        let settings = listing(&["SCRAM-SHA-256-PLUS"]);
        let offer = Offer { settings: &settings, ..offer };
        assert_eq!(names(offer), ["SCRAM-SHA-256-PLUS"]);
        assert!(offer.binding().is_available());
        let unbound = Offer { binding: &ChannelBinding::default(), ..offer };
        assert_eq!(unbound.to_xml(""), "<stream:features></stream:features>");
    }
}
