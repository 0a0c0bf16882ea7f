//! Looking up names in the DNS, as the system is set up to do it.

use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;
use std::time::Duration;
use tokio::sync::OnceCell;
use waxwing_plugins::{AdminAnswer, AdminError, ServiceRecord};

/// How long one server is waited for. A plugin's call has seconds in all.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is asked.
const ATTEMPTS: usize = 1;

/// Made when it is first asked for: most servers have no use for it.
#[derive(Default)]
pub(crate) struct Resolver(OnceCell<Option<TokioResolver>>);

impl Resolver {
    async fn get(&self) -> Option<&TokioResolver> {
        self.0.get_or_init(|| async { make() }).await.as_ref()
    }

    /// The IP addresses of a name, IPv4 and IPv6.
    pub async fn addresses(&self, name: &str) -> AdminAnswer {
        let Some(resolver) = self.get().await else { return unavailable() };
        match resolver.lookup_ip(absolute(name)).await {
            Ok(found) => AdminAnswer::Names(found.iter().map(|address| address.to_string()).collect()),
            Err(error) => none_or_unavailable(name, &error, AdminAnswer::Names(Vec::new())),
        }
    }

    /// The SRV records of a name (RFC 2782), those first that are to be tried first.
    pub async fn services(&self, name: &str) -> AdminAnswer {
        let Some(resolver) = self.get().await else { return unavailable() };
        match resolver.srv_lookup(absolute(name)).await {
            Ok(found) => {
                let mut records: Vec<_> = found
                    .answers()
                    .iter()
                    .filter_map(|record| match &record.data {
                        RData::SRV(srv) => Some(srv),
                        _ => None,
                    })
                    .collect();
                records.sort_by_key(|srv| srv.priority);
                let record = |target: String, port| {
                    let target = target.trim_end_matches('.').to_owned();
                    ServiceRecord { target, port }
                };
                AdminAnswer::Services(
                    records.into_iter().map(|srv| record(srv.target.to_ascii(), srv.port)).collect(),
                )
            }
            Err(error) => none_or_unavailable(name, &error, AdminAnswer::Services(Vec::new())),
        }
    }
}

fn make() -> Option<TokioResolver> {
    let builder = TokioResolver::builder_tokio().and_then(|mut builder| {
        let options = builder.options_mut();
        (options.timeout, options.attempts) = (PATIENCE, ATTEMPTS);
        builder.build()
    });
    builder.inspect_err(|why| tracing::error!("names cannot be looked up in the DNS: {why}")).ok()
}

/// A name that is not to be sought below the system's own domain.
fn absolute(name: &str) -> String {
    match name.parse::<std::net::IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => format!("{}.", name.trim_end_matches('.')),
    }
}

fn none_or_unavailable(name: &str, error: &NetError, none: AdminAnswer) -> AdminAnswer {
    if error.is_no_records_found() || error.is_nx_domain() {
        return none;
    }
    tracing::warn!(name, "a name cannot be looked up in the DNS: {error}");
    unavailable()
}

fn unavailable() -> AdminAnswer {
    AdminAnswer::Refused(AdminError::Unavailable)
}
