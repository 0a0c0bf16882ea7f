//! `resolver`: the domain name system.

use crate::bindings::xmpp::plugin::resolver::{Host, Service};
use crate::host::admin::{AdminAnswer, AdminRequest};
use crate::run::state::State;

impl Host for State {
    async fn addresses(&mut self, name: String) -> Result<Vec<String>, ()> {
        let call = self.call.as_ref().ok_or(())?;
        match call.host.admin(AdminRequest::Addresses(name)).await {
            AdminAnswer::Names(addresses) => Ok(addresses),
            _ => Err(()),
        }
    }

    async fn services(&mut self, name: String) -> Result<Vec<Service>, ()> {
        let call = self.call.as_ref().ok_or(())?;
        match call.host.admin(AdminRequest::Services(name)).await {
            AdminAnswer::Services(records) => Ok(records
                .into_iter()
                .map(|record| Service { target: record.target, port: record.port })
                .collect()),
            _ => Err(()),
        }
    }
}
