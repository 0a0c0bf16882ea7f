//! Imports are permissions: what is not granted is not linked.

use std::fmt;

macro_rules! grants {
    ($($(#[$doc:meta])* $name:ident = $interface:literal, $allows:literal;)+) => {
        /// A permission: one interface of `xmpp:plugin`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Grant { $($(#[$doc])* $name,)+ }

        impl Grant {
            /// All there are.
            pub const ALL: &'static [Grant] = &[$(Grant::$name,)+];

            /// The name of the interface, which is how config files call the grant.
            pub fn name(self) -> &'static str {
                match self { $(Grant::$name => $interface,)+ }
            }

            /// What a plugin with this grant may do, to follow "it may".
            pub fn allows(self) -> &'static str {
                match self { $(Grant::$name => $allows,)+ }
            }
        }
    };
}

grants! {
    /// Needed by every hook that is shown stanzas.
    Stanzas = "stanzas", "read the content of the stanzas that match its interests";
    /// Sending, and who is online.
    Router = "router", "send stanzas in the name of any address of this server and see who is online";
    /// Limiting its own interests.
    Marks = "marks", "mark sessions, to limit which stanzas it is shown";
    /// Its own tables and logs.
    Storage = "storage", "keep data of its own in the database";
    /// Reading accounts and rosters.
    Accounts = "accounts", "see which accounts exist and who is subscribed to whom";
    /// Changing accounts.
    AccountAdmin = "account-admin", "create accounts, change passwords and remove accounts";
    /// Clock, log, counters, randomness, settings of virtual hosts.
    Runtime = "runtime", "read the clock, write to the log and draw random numbers";
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The permissions of one plugin. The default is all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants(u8);

impl Grants {
    /// No permission at all.
    pub const NONE: Grants = Grants(0);

    /// The same, with one more.
    #[must_use]
    pub fn with(self, grant: Grant) -> Grants {
        Grants(self.0 | 1 << grant as u8)
    }

    /// The same, without one.
    #[must_use]
    pub fn without(self, grant: Grant) -> Grants {
        Grants(self.0 & !(1 << grant as u8))
    }

    /// Whether a grant is among them.
    pub fn has(self, grant: Grant) -> bool {
        self.0 & 1 << grant as u8 != 0
    }
}

impl Default for Grants {
    fn default() -> Self {
        Grant::ALL.iter().fold(Grants::NONE, |grants, grant| grants.with(*grant))
    }
}
