//! Waxwing's settings: every setting with its type, default and explanation, and the reader of the
//! format that they are written in.
//!
//! [`Settings`] is what the rest of the server sees; [`tdsl`] is a serde format that knows nothing
//! of it. The commented `etc/config.tdsl` and `docs/configuration.md` are generated from the
//! settings' own documentation (see [`Settings::reference_tdsl`]), so there is one place to change.

mod error;
mod settings;
pub mod tdsl;

pub use error::{Error, Located};
pub use settings::{
    C2s, ClientCertificate, ClientState, DataSource, DomainFilter, Invalid, Limits, OnFailure, Plugin,
    PluginGrants, PluginValues, PluginsSettings, Port, Secret, Settings, Socket, StreamManagement,
    VhostSettings, vhost_domain,
};
