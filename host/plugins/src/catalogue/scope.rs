//! Scopes, as they are stored and as people read them.

use crate::declare::options::Scope;
use std::collections::BTreeSet;

/// The scope of what is installed everywhere, as it is stored and shown.
pub const EVERYWHERE: &str = "*";

/// The scope that is stored as this.
pub(crate) fn parse(stored: &str) -> Scope {
    match stored {
        EVERYWHERE => Scope::Everywhere,
        domain => Scope::Only(BTreeSet::from([domain.to_owned()])),
    }
}

/// A scope for people.
pub(crate) fn shown(scope: &str) -> &str {
    if scope == EVERYWHERE { "all virtual hosts" } else { scope }
}

/// What a command needs to mean this scope.
pub(super) fn option(scope: &str) -> String {
    if scope == EVERYWHERE { String::new() } else { format!(" --vhost {scope}") }
}
