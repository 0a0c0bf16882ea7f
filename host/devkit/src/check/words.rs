//! What a plugin declares, in plain words.

use waxwing_plugins::{CommandInfo, Serial, ServiceInfo, SessionEvents};

/// The session events, one phrase each.
pub(crate) fn events(events: SessionEvents) -> Vec<&'static str> {
    let all = [
        (SessionEvents::BOUND, "a session has begun"),
        (SessionEvents::AVAILABLE, "a session becomes available"),
        (SessionEvents::PRIORITY, "a session changes its priority"),
        (SessionEvents::UNAVAILABLE, "a session becomes unavailable"),
        (SessionEvents::CLOSED, "a session has ended"),
    ];
    all.into_iter().filter(|(event, _)| events.contains(*event)).map(|(_, words)| words).collect()
}

/// Which calls wait for each other.
pub(crate) fn serial(serial: Serial) -> Option<&'static str> {
    match serial {
        Serial::None => None,
        Serial::BySender => Some("one at a time for each sending account"),
        Serial::ByRecipient => Some("one at a time for each account or room that is addressed"),
    }
}

/// A name that the plugin owns.
pub(crate) fn service(service: &ServiceInfo) -> String {
    let ServiceInfo { name, category, ty, label, .. } = service;
    format!("{name}.DOMAIN: {label} ({category}/{ty})")
}

/// A command that it offers.
pub(crate) fn command(command: &CommandInfo) -> String {
    format!("{}: {}, for {}", command.node, command.label, command.access)
}
