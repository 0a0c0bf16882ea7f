//! What a stream advertises beyond what streams themselves are about (RFC 6120, section 4.3.2).

use crate::server::Server;
use crate::vhost::Vhost;
use waxwing_plugins::Phase;
use waxwing_xmpp::ns;

impl Server {
    /// The children of `<stream:features/>` that the core and its plugins add before a login, as XML. What a stranger fills
    /// in for a plugin, such as a password, takes TLS, as PLAIN does.
    pub fn features_before_login(&self, vhost: &Vhost, tls: bool) -> String {
        let mut features = self.about(vhost.domain()).caps.clone();
        if tls {
            features.push_str(&self.features_of_plugins(vhost, Phase::BeforeLogin));
        }
        features
    }

    /// The same after a login.
    pub fn features_after_login(&self, vhost: &Vhost) -> String {
        let mut features = format!("<ver xmlns='{}'/><sub xmlns='{}'/>", ns::ROSTER_VER, ns::PRE_APPROVAL);
        if self.settings.stream_management.enabled {
            features.push_str(&format!("<sm xmlns='{}'/>", ns::SM));
        }
        if self.settings.client_state.enabled {
            features.push_str(&format!("<csi xmlns='{}'/>", ns::CSI));
        }
        features.push_str(&self.about(vhost.domain()).caps);
        features.push_str(&self.features_of_plugins(vhost, Phase::AfterLogin));
        features
    }

    fn features_of_plugins(&self, vhost: &Vhost, phase: Phase) -> String {
        let Some(engine) = self.engine.get() else { return String::new() };
        let settings = vhost.settings();
        let is_on = |key: &str| settings.text(key).as_deref() == Some("true");
        engine.stream_features(vhost.domain(), phase, is_on).concat()
    }
}
