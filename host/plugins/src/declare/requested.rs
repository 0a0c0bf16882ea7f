//! What a component asks for, held against what it is granted.

use crate::declare::error::Reason;
use crate::declare::grants::{Grants, Interfaces};

/// What a component asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// The interfaces of `xmpp:plugin` that it imports or exports and that need a grant.
    pub interfaces: Interfaces,
    /// Whether its language brings WASI along.
    pub wasi: bool,
    /// Whether it wants to send HTTP requests.
    pub http: bool,
}

impl Requested {
    /// Fails with all that is asked for and not granted.
    pub(crate) fn check(&self, grants: &Grants) -> Result<(), Reason> {
        let missing = self.interfaces.beyond(grants.allow);
        if missing != Interfaces::NONE {
            return Err(Reason::NotGranted(missing));
        }
        if self.http && grants.http.is_empty() {
            return Err(Reason::NoHttp);
        }
        Ok(())
    }

    /// What it may do, in sentences for the operator, each to follow "it may".
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> =
            self.interfaces.iter().map(|grant| format!("{} ({grant})", grant.allows())).collect();
        if self.http {
            sentences.push("send HTTP requests to the hosts that are granted it (http)".to_owned());
        }
        sentences
    }
}
