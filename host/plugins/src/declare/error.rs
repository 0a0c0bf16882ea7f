//! Why a plugin cannot be loaded, in sentences that say what to do.

use crate::declare::grants::{Grant, Interfaces};
use std::path::PathBuf;

/// A plugin that cannot be loaded, and why.
#[derive(Debug, thiserror::Error)]
#[error("plugin {plugin:?}: {reason}")]
pub struct LoadError {
    /// Its name in the config file.
    pub plugin: String,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a plugin or with the engine's own set-up.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The runtime itself does not start.
    #[error("the WebAssembly runtime does not start: {0}")]
    Runtime(String),
    /// The file cannot be read.
    #[error("cannot read {}: {error}. Build it with `make plugins`, or correct the path", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The system does not give it the memory that its instances start with.
    #[error("its memory cannot be prepared: {0}. Try again when the machine has memory to spare")]
    Memory(String),
    /// Something else than WebAssembly.
    #[error("the file is not a WebAssembly component")]
    NotAComponent,
    /// What compilers make before it is wrapped.
    #[error("the file is a core WebAssembly module; make it a component with `waxwing plugin build`")]
    CoreModule,
    /// The compiler refuses it.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// The process that compiles it has refused it.
    #[error("{0}")]
    Compiler(String),
    /// The process that compiles it has got no more memory.
    #[error("compiling it takes more memory than `plugin-compile-memory` allows")]
    CompileMemory,
    /// The process that compiles it has got no more time.
    #[error("compiling it takes more processor time than `plugin-compile-cpu` allows")]
    CompileTime,
    /// Built for a version that is not spoken here.
    #[error(
        "it was built for xmpp:plugin {found}, and this server speaks {ours}; build it again with that version"
    )]
    Version {
        /// The version of the component.
        found: String,
        /// The version of this server.
        ours: &'static str,
    },
    /// It needs permissions that the operator has not given.
    #[error("it asks for more than it is granted: {}. To allow it, add {} to `allow` in its grants", sentences(.0), quoted(.0))]
    NotGranted(Interfaces),
    /// It wants to send HTTP requests and may send none.
    #[error(
        "it asks for outgoing HTTP (wasi:http); to allow it, list the hosts that it may reach as `http` in its grants"
    )]
    NoHttp,
    /// It wants a name that it may not have.
    #[error(
        "it wants the name {0:?} under its virtual hosts; to allow it, add it to `services` in its grants"
    )]
    ServiceNotGranted(String),
    /// Somebody else has that name.
    #[error("it wants the name {name:?} under its virtual hosts, which the plugin {owner:?} has")]
    ServiceTaken {
        /// The name.
        name: String,
        /// The plugin that has it.
        owner: String,
    },
    /// No name can be made of it.
    #[error(
        "it wants the name {0:?} under its virtual hosts; a name has lower case letters, digits and dashes only"
    )]
    BadService(String),
    /// Commands that cannot be told apart.
    #[error("it declares commands with the same node, or with none")]
    BadCommands,
    /// A list that is longer than anybody needs.
    #[error("it declares {count} {what}; at most {most} are accepted")]
    TooMany {
        /// What is in the list.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// A text that is too long, or more than a line of visible characters.
    #[error(
        "its description has a text with a line break or a control character, or of more than 1024 bytes: {0:?}..."
    )]
    BadText(String),
    /// It needs something that nobody here offers.
    #[error(
        "it imports `{0}`, which this server does not offer; it offers the interfaces of xmpp:plugin and WASI 0.2"
    )]
    UnknownImport(String),
    /// Every plugin exports this.
    #[error("it does not export the interface `lifecycle`, which every plugin has")]
    NoLifecycle,
    /// An interface does not have the types that the WIT gives it.
    #[error(
        "it was built against another state of the contract, whose interface `{interface}` is not that of xmpp:plugin \
         {ours}; build it again, with `make plugins` if it came with the server: {error}"
    )]
    Mismatch {
        /// The interface.
        interface: &'static str,
        /// The version of this server.
        ours: &'static str,
        /// The first difference.
        error: String,
    },
    /// It failed before it could say what it is, or while it was set up.
    #[error("`{function}` failed: {error}")]
    Failed {
        /// The function of `lifecycle`.
        function: &'static str,
        /// What happened.
        error: String,
    },
    /// `init` returned an error.
    #[error("it does not start with these settings: {0}")]
    Refused(String),
    /// The name in the config file is not the plugin's own.
    #[error("the component calls itself {0:?}; use that name in the config file")]
    Name(String),
    /// A name that cannot be one.
    #[error(
        "the name {0:?} cannot be used: a letter, and then up to 63 letters, digits and `:`, `.`, `_`, `-`"
    )]
    BadName(String),
    /// Two plugins of one name.
    #[error("it is there twice")]
    Twice,
    /// It declares something for which it lacks the hook.
    #[error("it declares {what}, but does not export the interface `{hook}`")]
    NoHook {
        /// What it declares.
        what: &'static str,
        /// The hook.
        hook: Grant,
    },
    /// It sets alarms that nobody hears.
    #[error("it imports the interface `scheduler`, but does not export `alarms`, where alarms ring")]
    NoAlarms,
    /// A `type` that the kind of stanza does not have.
    #[error("an interest names the type {found:?}, which a {kind} cannot have")]
    BadType {
        /// The kind of stanza.
        kind: &'static str,
        /// The type.
        found: String,
    },
    /// A payload that is no Clark name.
    #[error(
        "an interest names the payload {0:?}; it must look like `{{namespace}}name`, `{{namespace}}*` or \
         `{{namespace}}name[attribute='value']`"
    )]
    BadPayload(String),
    /// A portable element that is no Clark name.
    #[error(
        "it names the portable element {0:?}; it must look like `{{namespace}}name`, or `{{namespace}}name/*` for \
         its children"
    )]
    BadPortable(String),
    /// An interest that could never match.
    #[error("an interest in stage `process` names no target, so that it would never match")]
    NoTarget,
    /// A mark that is not in the list of marks.
    #[error("an interest looks at the mark {0:?}, which is not in the list of marks")]
    UndeclaredMark(String),
    /// More marks than a session can carry.
    #[error("there are more than 64 marks in all plugins together")]
    TooManyMarks,
    /// A stream feature that only the server itself can offer.
    #[error("its stream feature {0:?} is in a namespace of the server's own")]
    ServersFeature(String),
    /// A stream feature that is not one element.
    #[error("its stream feature {0:?} is not one well-formed XML element")]
    BadStreamFeature(String),
}

fn sentences(interfaces: &Interfaces) -> String {
    let sentences = interfaces.iter().map(|grant| format!("with `{grant}` it may {}", grant.allows()));
    sentences.collect::<Vec<_>>().join("; ")
}

fn quoted(interfaces: &Interfaces) -> String {
    interfaces.iter().map(|grant| format!("'{grant}'")).collect::<Vec<_>>().join(", ")
}
