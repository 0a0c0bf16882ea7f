//! What `<stream:features/>` offers in each phase (RFC 6120, section 4.3.2).

use waxwing_xmpp::ns;
use waxwing_xmpp::sasl::{ChannelBinding, Mechanism};

/// What decides the offers to a stream that has not logged in.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Whether the stream has TLS.
    pub tls: bool,
    /// Whether it must have.
    pub tls_required: bool,
    /// What it can be bound to.
    pub binding: &'a ChannelBinding,
}

impl Offer<'_> {
    /// Whether logging in is allowed at all yet.
    pub fn login(&self) -> bool {
        self.tls || !self.tls_required
    }

    /// The mechanisms that may be used now, strongest first.
    pub fn mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL.into_iter().filter(|mechanism| self.allows(*mechanism))
    }

    /// Whether this mechanism may be used now. PLAIN takes TLS, PLUS takes something to be bound to.
    pub fn allows(&self, mechanism: Mechanism) -> bool {
        self.login()
            && match mechanism {
                Mechanism::Plain => self.tls,
                other => !other.is_plus() || self.binding.is_available(),
            }
    }

    /// The features, with `extra` ones once logging in is allowed.
    pub fn to_xml(self, extra: &str) -> String {
        let mut xml = String::from("<stream:features>");
        if !self.tls {
            let required = if self.tls_required { "<required/>" } else { "" };
            xml.push_str(&format!("<starttls xmlns='{}'>{required}</starttls>", ns::TLS));
        }
        if self.login() {
            xml.push_str(&format!("<mechanisms xmlns='{}'>", ns::SASL));
            for mechanism in self.mechanisms() {
                xml.push_str(&format!("<mechanism>{}</mechanism>", mechanism.name()));
            }
            xml.push_str("</mechanisms>");
            if self.binding.is_available() {
                xml.push_str(&format!("<sasl-channel-binding xmlns='{}'>", ns::SASL_CB));
                for kind in self.binding.types() {
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

    #[test]
    fn only_tls_where_it_is_required() {
        let offer = Offer { tls: false, tls_required: true, binding: &ChannelBinding::default() };
        assert_eq!(
            offer.to_xml("<extra/>"),
            "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
        );
        assert!(names(offer).is_empty());
    }

    #[test]
    fn mechanisms_depend_on_tls_and_binding() {
        let none = ChannelBinding::default();
        let binding = ChannelBinding { exporter: Some(vec![1]), end_point: None };
        let plain = Offer { tls: false, tls_required: false, binding: &none };
        assert_eq!(names(plain), ["SCRAM-SHA-256", "SCRAM-SHA-1"]);
        assert_eq!(names(Offer { tls: true, ..plain }), ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]);
        let bound = Offer { tls: true, tls_required: true, binding: &binding };
        assert_eq!(
            names(bound),
            ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
        );
        let xml = bound.to_xml("<extra/>");
        assert!(xml.contains("<channel-binding type='tls-exporter'/>") && xml.contains("<extra/>"));
        assert!(!xml.contains("tls-server-end-point") && !xml.contains("starttls"));
    }
}
