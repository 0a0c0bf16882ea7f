//! Imports and hooks are permissions: what is not granted is not linked, and not loaded.

use crate::declare::http_host::HttpHost;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

macro_rules! grants {
    ($($(#[$doc:meta])* $name:ident = $interface:literal, $allows:literal;)+) => {
        /// A permission: one interface of `xmpp:plugin`, imported or exported.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Hook before routing.
    Pre = "pre", "see, stop and rewrite stanzas that users send, before they are routed";
    /// Hook for what comes for users.
    Incoming = "incoming", "see, stop and rewrite stanzas that come for users, from wherever, before they are delivered";
    /// Hook for requests.
    Process = "process", "answer requests to the server, to accounts and to streams that have not logged in";
    /// Hook for what nobody takes.
    Post = "post", "take stanzas whose recipient is offline";
    /// Hook before writing.
    Filter = "filter", "see, stop and rewrite stanzas once for each session that they are written to";
    /// Hook for sessions.
    Sessions = "sessions", "hear when users come online, change their priority and go";
    /// Hook for a name of its own.
    Service = "service", "answer at names of its own under the virtual hosts, as listed in `services`";
    /// Hook for ad-hoc commands.
    Commands = "commands", "offer commands, with forms, to those who may run them";
    /// Hook for alarms.
    Alarms = "alarms", "be called at times that it has set";
    /// Hook for replies.
    Replies = "replies", "hear the replies to requests that it has made";
    /// Hook for export and import.
    Portable = "portable", "give out and take what it keeps of accounts, when they move from one server to another";
    /// Needed by every hook that is shown stanzas.
    Stanzas = "stanzas", "read the content of the stanzas that match its interests";
    /// Sending, and who is online.
    Router = "router", "send stanzas in the name of any address of its virtual hosts and see who is online";
    /// Limiting its own interests.
    Marks = "marks", "mark sessions, to limit which stanzas it is shown";
    /// Tables and logs.
    Storage = "storage", "keep data in the database, in the stores listed in `stores`";
    /// Small data of accounts.
    AccountData = "account-data", "keep up to 64 KiB for each account";
    /// Alarms.
    Scheduler = "scheduler", "set alarms";
    /// Reading accounts and rosters.
    Accounts = "accounts", "see which accounts exist, whom they know and who is subscribed to whom";
    /// Changing accounts.
    AccountAdmin = "account-admin", "list accounts, create, disable and remove them, and change passwords";
    /// Changing virtual hosts.
    Vhosts = "vhosts", "add virtual hosts, change their settings and remove them";
    /// Who is connected, and ending that.
    Connections = "connections", "see who is connected, since when and from where, and end sessions";
    /// Certificates of virtual hosts.
    Certificates = "certificates", "see the certificates of virtual hosts and put others in their place";
    /// The access lists of the whole server, and stopping it.
    ServerControl = "server-control", "choose who administers the server and whom it shuts out, and stop or restart it";
    /// The DNS.
    Resolver = "resolver", "look up names in the DNS";
    /// Clock, log, counters, randomness, settings of virtual hosts.
    Runtime = "runtime", "read the clock, write to the log and draw random numbers";
}

/// The hooks, in the order of the grants for them.
pub(crate) const HOOKS: [Grant; 11] = [
    Grant::Pre,
    Grant::Incoming,
    Grant::Process,
    Grant::Post,
    Grant::Filter,
    Grant::Sessions,
    Grant::Service,
    Grant::Commands,
    Grant::Alarms,
    Grant::Replies,
    Grant::Portable,
];

impl Grant {
    /// The grant of this name.
    pub fn named(name: &str) -> Option<Grant> {
        Grant::ALL.iter().copied().find(|grant| grant.name() == name)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of interfaces.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Interfaces(u32);

impl Interfaces {
    /// No interface at all.
    pub const NONE: Interfaces = Interfaces(0);
    /// Every interface.
    pub const ALL: Interfaces = Interfaces((1 << Grant::ALL.len()) - 1);

    /// The same, with one more.
    #[must_use]
    pub fn with(self, grant: Grant) -> Interfaces {
        Interfaces(self.0 | 1 << grant as u32)
    }

    /// The same, without one.
    #[must_use]
    pub fn without(self, grant: Grant) -> Interfaces {
        Interfaces(self.0 & !(1 << grant as u32))
    }

    /// Whether an interface is among them.
    pub fn has(self, grant: Grant) -> bool {
        self.0 & 1 << grant as u32 != 0
    }

    /// Those among them, in the order of [`Grant::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Grant> {
        Grant::ALL.iter().copied().filter(move |grant| self.has(*grant))
    }

    /// What is in this set and not in another.
    #[must_use]
    pub fn beyond(self, other: Interfaces) -> Interfaces {
        Interfaces(self.0 & !other.0)
    }

    /// By the names of the interfaces; an error names the first that there is not.
    pub fn named<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Interfaces, UnknownInterface> {
        names.into_iter().try_fold(Interfaces::NONE, |all, name| match Grant::named(name.as_ref()) {
            Some(grant) => Ok(all.with(grant)),
            None => Err(UnknownInterface(name.as_ref().to_owned())),
        })
    }
}

impl FromIterator<Grant> for Interfaces {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        grants.into_iter().fold(Interfaces::NONE, Interfaces::with)
    }
}

impl fmt::Debug for Interfaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Grant::name)).finish()
    }
}

impl fmt::Display for Interfaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Grant::name).collect::<Vec<_>>().join(", "))
    }
}

/// A grant that names nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no interface `{0}` to grant; there are: {all}", all = Interfaces::ALL)]
pub struct UnknownInterface(String);

impl TryFrom<Vec<String>> for Interfaces {
    type Error = UnknownInterface;

    fn try_from(names: Vec<String>) -> Result<Self, UnknownInterface> {
        Interfaces::named(names)
    }
}

impl From<Interfaces> for Vec<String> {
    fn from(interfaces: Interfaces) -> Self {
        interfaces.iter().map(|grant| grant.name().to_owned()).collect()
    }
}

/// Any store of the plugin's own, as a name in [`Grants::stores`].
pub const ANY_STORE: &str = "*";
/// Any store that plugins share, likewise.
pub const ANY_SHARED_STORE: &str = "shared/*";

/// The permissions of one plugin. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// The interfaces that it may import and export.
    pub allow: Interfaces,
    /// The tables and logs that it may open, [`ANY_STORE`] for all of its own, and how many bytes
    /// each may hold; 0 is no limit.
    pub stores: BTreeMap<String, u64>,
    /// The names that it may own under each of its virtual hosts.
    pub services: BTreeSet<String>,
    /// The hosts that it may send HTTP requests to.
    pub http: BTreeSet<HttpHost>,
}

impl Grants {
    /// Everything but HTTP, for tools and tests.
    pub fn everything() -> Grants {
        let stores = BTreeMap::from([(ANY_STORE.to_owned(), 0), (ANY_SHARED_STORE.to_owned(), 0)]);
        let services = BTreeSet::from(["*".to_owned()]);
        Grants { allow: Interfaces::ALL, stores, services, http: BTreeSet::new() }
    }

    /// The limit of a store in bytes; `None` if the plugin may not open it. What is shared is not meant by
    /// [`ANY_STORE`].
    pub fn store(&self, name: &str) -> Option<u64> {
        let any = match name.starts_with("shared/") {
            true => ANY_SHARED_STORE,
            false => ANY_STORE,
        };
        let any = || self.stores.get(any);
        self.stores.get(name).or_else(any).copied()
    }

    /// Whether it may own a name.
    pub fn service(&self, name: &str) -> bool {
        self.services.contains(name) || self.services.contains("*")
    }

    /// Whether all of another's permissions are among these. Only names are compared, no sizes.
    pub fn include(&self, other: &Grants) -> bool {
        other.allow.beyond(self.allow) == Interfaces::NONE
            && other.stores.keys().all(|name| self.store(name).is_some())
            && other.services.iter().all(|name| self.service(name))
            && other.http.is_subset(&self.http)
    }

    /// These and others. Of a store that both name, the other's size holds.
    #[must_use]
    pub fn plus(&self, other: &Grants) -> Grants {
        let mut all = self.clone();
        all.allow = all.allow.iter().chain(other.allow.iter()).collect();
        all.stores.extend(other.stores.clone());
        all.services.extend(other.services.clone());
        all.http.extend(other.http.clone());
        all
    }

    /// What they allow, in sentences for the operator, each to follow "it may".
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> =
            self.allow.iter().map(|grant| format!("{} ({grant})", grant.allows())).collect();
        sentences.extend(self.stores.iter().map(|(name, bytes)| {
            let store = match name.as_str() {
                ANY_STORE => "each of its stores".to_owned(),
                ANY_SHARED_STORE => "each store that plugins share".to_owned(),
                name => format!("the store {name:?}"),
            };
            match bytes {
                0 => format!("keep any amount of data in {store} (stores)"),
                bytes => format!("keep up to {} in {store} (stores)", size(*bytes)),
            }
        }));
        sentences.extend(self.services.iter().map(|name| match name.as_str() {
            "*" => "own any name under its virtual hosts (services)".to_owned(),
            name => format!("own the name {name:?} under its virtual hosts (services)"),
        }));
        sentences.extend(self.http.iter().map(|host| format!("send HTTP requests to {host} (http)")));
        sentences
    }
}

/// A number of bytes for people: in the largest unit that leaves nothing over.
fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(bits, _)| bytes.trailing_zeros() >= *bits) {
        Some((bits, unit)) => format!("{} {unit}", bytes >> bits),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_and_sums() {
        let mail = Grants {
            allow: Interfaces::named(["post"]).unwrap(),
            stores: BTreeMap::from([("mail".into(), 3 << 20), (ANY_STORE.into(), 0)]),
            services: BTreeSet::from(["mail".into()]),
            http: BTreeSet::new(),
        };
        let said = mail.sentences().join("\n");
        assert_eq!(
            said,
            "take stanzas whose recipient is offline (post)\n\
             keep any amount of data in each of its stores (stores)\n\
             keep up to 3 MiB in the store \"mail\" (stores)\n\
             own the name \"mail\" under its virtual hosts (services)"
        );
        let web = Grants { http: BTreeSet::from(["a.example:1500".parse().unwrap()]), ..Grants::default() };
        let both = mail.plus(&web);
        assert!(both.include(&mail) && both.include(&web) && !mail.include(&web) && !web.include(&mail));
        assert_eq!(both.plus(&mail), both);
        assert_eq!(
            (size(1500), size(1536), size(1 << 30)),
            ("1500 bytes".into(), "1536 bytes".into(), "1 GiB".into())
        );
        assert_eq!(size(5 << 10), "5 KiB");
    }
}
