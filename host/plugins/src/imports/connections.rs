//! `connections`: who is connected, and ending that.

use super::bare;
use crate::bindings::xmpp::plugin::connections::{Connection, Host};
use crate::host::admin::{AdminAnswer, AdminRequest, Authority, ConnectionInfo};
use crate::run::state::State;
use waxwing_xmpp::Jid;

/// Sessions of one read.
const PAGE: u32 = 256;

impl Host for State {
    async fn page(&mut self, of: String, after: Option<String>, limit: u32) -> Vec<Connection> {
        let Some(call) = bare(&of).and_then(|of| self.managing(of.domain(), Authority::Admin)) else {
            return Vec::new();
        };
        match call.host.admin(AdminRequest::Connections { of, after, limit: limit.min(PAGE) }).await {
            AdminAnswer::Connections(connections) => connections.into_iter().map(Into::into).collect(),
            _ => Vec::new(),
        }
    }

    async fn count(&mut self, domain: String) -> u64 {
        let Some(call) = self.managing(&domain, Authority::Admin) else { return 0 };
        match call.host.admin(AdminRequest::CountConnections(domain)).await {
            AdminAnswer::Count(count, _) => count,
            _ => 0,
        }
    }

    async fn end(&mut self, jid: String, reason: String) -> u32 {
        let Some(call) = Jid::parse(&jid).ok().and_then(|jid| self.managing(jid.domain(), Authority::Admin))
        else {
            return 0;
        };
        match call.host.admin(AdminRequest::End { jid, reason }).await {
            AdminAnswer::Count(count, _) => u32::try_from(count).unwrap_or(u32::MAX),
            _ => 0,
        }
    }
}

impl From<ConnectionInfo> for Connection {
    fn from(info: ConnectionInfo) -> Self {
        let ConnectionInfo { jid, since, active, address, available } = info;
        Connection { jid, since, active, address, available }
    }
}
