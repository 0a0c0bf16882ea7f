//! Why an operation on an installed plugin was not carried out.

use super::own_limits::OwnLimits;
use super::scope::{option, shown};
use crate::declare::error::{LoadError, Reason};

/// Why an operation was not carried out. After each of these everything is as before.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// What was given is not a plugin for this server.
    #[error("the file cannot be used: {0}")]
    NoPlugin(Reason),
    /// It does not load as it is to run.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It is larger than `plugin-file-bytes`.
    #[error("the component has {size} bytes; `plugin-file-bytes` allows {most}")]
    TooLarge {
        /// Bytes of the component.
        size: usize,
        /// Bytes that are allowed.
        most: usize,
    },
    /// The config file says what happens with it.
    #[error("the plugin {0:?} is listed in the config file; change it there")]
    Listed(String),
    /// The config file names it, so its component is a file of the plugins folder.
    #[error(
        "the plugin {0:?} is listed in the config file: put the new version in the place of its file in the \
         plugins folder, then run `waxwing plugin reload {0}`"
    )]
    ListedFile(String),
    /// `reload` is for what the config file lists.
    #[error("the plugin {0:?} is not listed in the config file, so there is no file to read again")]
    NotListed(String),
    /// It is there.
    #[error(
        "the plugin {name:?} is installed already for {}; bring a new version with `waxwing plugin upgrade FILE`",
        shown(scope)
    )]
    Installed {
        /// Its name.
        name: String,
        /// The scope in which it is.
        scope: String,
    },
    /// It is not there.
    #[error("no plugin {0:?} is installed; `waxwing plugin list` shows those that are")]
    NotInstalled(String),
    /// It is there, but not in this scope, or in several.
    #[error("the plugin {name:?} is installed for {}; say which with `--vhost`", scopes.join(", "))]
    WhichScope {
        /// Its name.
        name: String,
        /// The scopes in which it is.
        scopes: Vec<String>,
    },
    /// It is there for all virtual hosts, and not for just the one that is meant.
    #[error(
        "the plugin {name:?} is installed for all virtual hosts, and there is none for {domain} alone. To have {domain} do \
         without it, add it to those of `waxwing ctl vhost-man comp-repo-item-update item-list={domain} 'Plugins not \
         used={name}'`; to have it run differently there, install it once more with `--vhost {domain}`"
    )]
    ForAll {
        /// Its name.
        name: String,
        /// The virtual host that is meant.
        domain: String,
    },
    /// A scope that is no virtual host.
    #[error("{0:?} is no virtual host here; `waxwing vhost list` shows those that are")]
    NoVhost(String),
    /// Another plugin than was named.
    #[error("the file is the plugin {found:?}, not {wanted:?}")]
    Other {
        /// The name that was given.
        wanted: String,
        /// The name that the component gives itself.
        found: String,
    },
    /// A component would stand where an account is.
    #[error("its component {name:?} would have the address of the account {account}")]
    ComponentTaken {
        /// The name of the component.
        name: String,
        /// The bare JID of the account.
        account: String,
    },
    /// Which hosts a plugin may reach cannot be read off it.
    #[error("it asks for outgoing HTTP; name the hosts that it may reach with `--http HOST`")]
    HttpHosts,
    /// The same of one that is there already.
    #[error(
        "it now asks for outgoing HTTP; first name the hosts that it may reach with `waxwing plugin grant {0} --http HOST`"
    )]
    HttpHostsFirst(String),
    /// A limit that nothing could work with.
    #[error("the limit `{0}` must not be 0")]
    ZeroLimit(&'static str),
    /// A limit that there is not.
    #[error("there is no limit `{0}`; there are: {all}", all = OwnLimits::NAMES.join(", "))]
    UnknownLimit(String),
    /// Nothing to go back to.
    #[error("there is no earlier version of {0:?} to go back to")]
    NoPrevious(String),
    /// Its data is not its alone.
    #[error("{name:?} also runs for {}, with the same data: remove it there first, or keep the data", scopes.join(", "))]
    DataInUse {
        /// Its name.
        name: String,
        /// The other scopes.
        scopes: Vec<String>,
    },
    /// What is stored of it cannot be read.
    #[error(
        "what is stored of the plugin {name:?} cannot be read ({why}); remove it with `waxwing plugin remove {name}{}` \
         and install it again",
        option(scope)
    )]
    Damaged {
        /// Its name.
        name: String,
        /// Its scope.
        scope: String,
        /// What is wrong.
        why: String,
    },
    /// An installed plugin does not start with the server.
    #[error(
        "an installed plugin does not start: {why}. Mend it and run `waxwing plugin enable {name}{0}`, or do without it: \
         `waxwing plugin disable {name}{0}`",
        option(scope)
    )]
    Start {
        /// Its name.
        name: String,
        /// Its scope.
        scope: String,
        /// Why it does not start.
        why: String,
    },
    /// It is listed in the config file, and installed too.
    #[error(
        "the plugin {name:?} is installed for {} and listed in the config file as well: take it out there, or run \
         `waxwing plugin remove {name}{}`",
        shown(scope),
        option(scope)
    )]
    Both {
        /// Its name.
        name: String,
        /// Its scope.
        scope: String,
    },
    /// It could not be remembered, so it was not done.
    #[error("{0}; nothing has changed")]
    Storage(#[from] waxwing_storage::Error),
    /// There is no server any more.
    #[error("the server is stopping; nothing has changed")]
    Stopping,
}
