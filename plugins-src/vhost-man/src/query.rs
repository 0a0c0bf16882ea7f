//! What the DNS says of a domain: `query-dns`.

use crate::VhostMan;
use crate::dns::look_up;
use waxwing_plugin::commands::{Reply, Request};
use waxwing_plugin::prelude::*;

const TITLE: &str = "DNS Query";
const FIELD: &str = "domain-name";

impl VhostMan {
    /// Take a step of asking the DNS.
    pub fn query_dns(&self, request: &Request) -> Reply {
        let form = || form(TITLE).field(jid_field(FIELD, DOMAIN).required().hint("Such as example.org"));
        let Some(domain) = request.answer(FIELD) else { return ask(form()) };
        let found = match look_up(domain) {
            Ok(found) => found,
            Err(why) => return ask(form().again(request, FIELD, &why)),
        };
        let machines = found.machines.iter().flat_map(|it| {
            let addresses = it.addresses.iter().map(|address| row(&it.name, "address", address));
            std::iter::once(row(&format!("{}.{domain}", it.service), "SRV", &it.name)).chain(addresses)
        });
        let own = found.addresses.iter().map(|address| row(domain, "address", address));
        let columns = [("name", "Name"), ("type", "Type"), ("value", "Value")];
        let result = waxwing_plugin::form(TITLE).table(&columns, machines.chain(own).collect());
        match self.compare_dns(domain, &found) {
            Ok(()) if self.knows_itself() => {
                done(&format!("The DNS leads the clients of {domain} to this server."))
            }
            Ok(()) => done(
                "Whether that is this server is not known: see the settings dns-def-ip and dns-srv-def-addr.",
            ),
            Err(why) => warned(&why),
        }
        .with(result)
    }
}

const DOMAIN: &str = "Domain name";

fn row(name: &str, kind: &str, value: &impl ToString) -> Vec<String> {
    vec![name.into(), kind.into(), value.to_string()]
}
