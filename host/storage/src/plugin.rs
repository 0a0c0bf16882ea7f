//! What the engine of plugins keeps here beside tables and logs.

/// What the name of a store that holds account data begins with; the plugin's name follows. Such
/// stores are read together by [`Storage::account_data`](crate::Storage::account_data).
pub const ACCOUNT_DATA: &str = "account-data/";

/// What plugins keep as data of one account: the plugin's name, the key and the value of each entry.
pub type AccountData = Vec<(String, String, Vec<u8>)>;

/// A time at which a plugin wants to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The name of the plugin.
    pub plugin: String,
    /// On whose behalf: a bare JID.
    pub owner: String,
    /// Tells the alarms of one plugin and owner apart.
    pub name: String,
    /// When it is due, in milliseconds since the Unix epoch.
    pub at: u64,
    /// For the plugin; the engine does not look into it.
    pub data: Vec<u8>,
}

/// A plugin that was installed at run time, in one scope: everywhere (`*`) or a virtual host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledPlugin {
    /// The name of the plugin.
    pub name: String,
    /// `*`, or the domain of a virtual host.
    pub scope: String,
    /// Names its component: the SHA-256 of the wasm file.
    pub sha256: [u8; 32],
    /// The component that it replaced, kept for going back to it.
    pub previous: Option<[u8; 32]>,
    /// JSON that the engine does not look into.
    pub manifest: String,
}
