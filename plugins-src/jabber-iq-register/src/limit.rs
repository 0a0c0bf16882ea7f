//! How many accounts a client makes: counted for each hour of the clock and each virtual host, in the table
//! `registrations` of the domain. Keys are `HOUR/CLIENT`, so that those of hours that are over come first.

use std::net::IpAddr;
use waxwing_plugin::prelude::*;
use waxwing_plugin::storage::Range;

/// Milliseconds.
const HOUR: u64 = 3_600_000;

/// Count one more account of the client; if none is made, the call fails and it does not count.
///
/// # Errors
/// `resource-constraint` if there are as many already as there may be within the hour.
pub fn count(vhost: &str, most: u64) -> Result<()> {
    if most == 0 {
        return Ok(());
    }
    let table = storage::open_table("registrations")?;
    let hour = format!("{:08}", runtime::now() / HOUR);
    let key = format!("{hour}/{}", client());
    let made = table.get_text(vhost, &key)?.and_then(|made| made.parse::<u64>().ok()).unwrap_or(0);
    if made >= most {
        return Err(Condition::ResourceConstraint
            .text("Too many accounts were made from your address: try again later"));
    }
    table.set_text(vhost, &key, &(made + 1).to_string())?;
    // More than the one that each call adds.
    for old in table.scan(vhost, &Range { before: Some(hour), ..Range::default() })? {
        table.unset(vhost, &old.key)?;
    }
    Ok(())
}

/// Who the client is: its address, of IPv6 what one customer usually has. Those without one are one client.
fn client() -> String {
    let text = account_admin::client_address().unwrap_or_default();
    match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(address) => address.to_string(),
        Err(_) => text,
    }
}
