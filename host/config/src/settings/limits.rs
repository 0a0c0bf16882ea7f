//! What one client may cost the server.

use super::block::block;
use std::time::Duration;

block! {
    /// Limits that keep one client, or one address, from spoiling the server for the others.
    pub struct Limits {
        /// Largest stanza, in bytes. A larger one closes the stream with `policy-violation`
        /// (RFC 6120, section 13.12, asks for at least 10000).
        "stanza-bytes" => stanza_bytes: usize = 256 * 1024,
        /// How deep elements may be nested in a stanza.
        "depth" => depth: u32 = 64,
        /// Attributes that one element may have.
        "attributes" => attributes: u32 = 64,
        /// Time from connecting to being logged in, after which the connection is closed.
        "login-timeout" => login_timeout: Duration = Duration::from_secs(30),
        /// Failed logins on one stream before it is closed (RFC 6120, section 6.4.5: 2 to 5).
        "login-attempts" => login_attempts: u32 = 5,
        /// Failed logins from one address within `'failed-logins-window'`, after which it may not try
        /// until the window has passed; 0 is no limit.
        "failed-logins" => failed_logins: u32 = 30,
        /// The time in which failed logins from one address are counted.
        "failed-logins-window" => failed_logins_window: Duration = Duration::from_secs(5 * 60),
        /// Requests that one stream may make before it logs in, such as to register accounts (XEP-0077). With more
        /// it is closed with `policy-violation`.
        "requests-before-login" => requests_before_login: u32 = 100,
        /// Requests before login that one address may make within a minute, on all its streams; 0 is no limit.
        /// More are answered with `resource-constraint`.
        "requests-before-login-per-address" => requests_before_login_per_address: u32 = 1000,
        /// Client connections open at the same time; 0 is no limit but the system's (`ulimit -n`), less
        /// `'reserved-descriptors'`.
        "connections" => connections: u32 = 0,
        /// File descriptors of the process (`ulimit -n`) that are not for clients but for the database, files, plugins
        /// and the command line tools: at most half of them.
        "reserved-descriptors" => reserved_descriptors: u32 = 100,
        /// Connections open at the same time from one address; 0 is no limit.
        "connections-per-address" => connections_per_address: u32 = 1000,
        /// Sessions (connected clients) of one account at the same time.
        "sessions-per-account" => sessions_per_account: u32 = 20,
        /// Sessions of clients without an account (XEP-0175) from one address at the same time; 0 is no limit.
        "anonymous-per-address" => anonymous_per_address: u32 = 10,
        /// Stanzas that a client without an account may send in a second, on average; those of ten seconds may come at
        /// once. More of them wait. 0 is no limit.
        "anonymous-stanzas" => anonymous_stanzas: u32 = 5,
        /// Bytes that one field of an ad-hoc command's form may hold.
        "form-field-bytes" => form_field_bytes: usize = 64 * 1024,
        /// How long an ad-hoc command waits for its next step.
        "command-timeout" => command_timeout: Duration = Duration::from_secs(10 * 60),
        /// Ad-hoc commands of one account that wait for their next step. One more, and the oldest is given up.
        "commands-per-account" => commands_per_account: u32 = 16,
        /// The same for all users of one domain; the oldest of the account that has most is given up. Those of
        /// administrators of the server do not count.
        "commands-per-domain" => commands_per_domain: u32 = 250,
        /// The same for all users; the domain that has most gives one up. Those of administrators of the server
        /// do not count.
        "commands" => commands: u32 = 1000,
        /// Addresses on one of the server's access lists: administrators, blacklist, whitelist.
        "access-list-entries" => access_list_entries: u32 = 2000,
        /// Contacts in one account's roster.
        "roster-items" => roster_items: u32 = 2000,
        /// Bytes that may wait for one session's client to read them. Beyond it those who send to the session are
        /// slowed down, and of presence only the latest of each sender is kept.
        "outgoing-bytes" => outgoing_bytes: usize = 1024 * 1024,
        /// Bytes that wait for one session's client when its session is closed with `resource-constraint` and
        /// what waits is routed again. More than `'outgoing-bytes'` and `'plugin-outbox-bytes'` together, or else
        /// the answer of one plugin may be too much for whoever has asked.
        "outgoing-bytes-limit" => outgoing_bytes_limit: usize = 8 * 1024 * 1024,
        /// How long a client may read nothing while more than `'outgoing-bytes'` wait for it before its session
        /// is closed.
        "slow-reader-timeout" => slow_reader_timeout: Duration = Duration::from_secs(30),
        /// How long one stanza may hold up its sender because others do not read, with all that it sets off and
        /// however many they are.
        "sender-patience" => sender_patience: Duration = Duration::from_millis(500),
        /// Silence after which the system asks whether a client is still there (TCP keepalive). One that
        /// does not answer within three minutes is gone.
        "keepalive" => keepalive: Duration = Duration::from_secs(10 * 60),
        /// How long a client has to close its side after the server has closed the stream.
        "close-timeout" => close_timeout: Duration = Duration::from_secs(5),
        /// How long a stopping server waits while nothing gets on: no session ends and no message is kept.
        "shutdown-timeout" => shutdown_timeout: Duration = Duration::from_secs(10),
    }
}
