//! What a stream advertises beyond what streams themselves are about (RFC 6120, section 4.3.2).

use crate::server::Server;
use crate::vhost::Vhost;
use waxwing_plugins::Phase;
use waxwing_xmpp::ns;

impl Server {
    /// The children of `<stream:features/>` that the core and its plugins add, as XML.
    pub fn stream_features(&self, vhost: &Vhost, logged_in: bool) -> String {
        let mut features = String::new();
        if logged_in {
            features.push_str(&format!(
                "<ver xmlns='{}'/><sub xmlns='{}'/>",
                ns::ROSTER_VER,
                ns::PRE_APPROVAL
            ));
            if self.settings.stream_management.enabled {
                features.push_str(&format!("<sm xmlns='{}'/>", ns::SM));
            }
            if self.settings.client_state.enabled {
                features.push_str(&format!("<csi xmlns='{}'/>", ns::CSI));
            }
        }
        features.push_str(&self.caps(vhost.domain()));
        if let Some(engine) = self.engine.get() {
            let phase = if logged_in { Phase::AfterLogin } else { Phase::BeforeLogin };
            let settings = vhost.settings();
            let is_on = |key: &str| settings.text(key).as_deref() == Some("true");
            engine
                .stream_features(vhost.domain(), phase, is_on)
                .iter()
                .for_each(|feature| features.push_str(feature));
        }
        features
    }
}
