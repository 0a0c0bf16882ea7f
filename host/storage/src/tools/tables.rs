//! All tables with their columns, for both engines. A test compares this with what the migrations make.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Int,
    Bool,
    Bytes,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// So many of the first columns are the primary key, in its order.
    pub(crate) key: usize,
    /// The column with the bare JID whose data a row is, if it is anybody's.
    pub(crate) owner: Option<&'static str>,
    pub(crate) columns: &'static [Column],
}

impl Table {
    /// The names of its columns, with commas between them.
    pub(crate) fn column_list(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    /// The names of its key columns, with commas between them.
    pub(crate) fn key_list(&self) -> String {
        self.columns.iter().take(self.key).map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    /// All rows in order of their key.
    pub(crate) fn select(&self) -> String {
        format!("SELECT {} FROM {} ORDER BY {}", self.column_list(), self.name, self.key_list())
    }

    /// Where a column stands.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }
}

/// The table whose ids are never given twice: they go on after the greatest that there was.
pub(crate) const NUMBERED: &str = "log_entry";
/// The engines' own note of which migrations have been applied. Not data.
pub(crate) const MIGRATIONS: &str = "migration";

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false }
}

const fn nullable(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: true }
}

use Kind::{Bool, Bytes, Int, Text};

/// In the order in which they are copied.
pub(crate) const TABLES: [Table; 9] = [
    Table {
        name: "account",
        key: 2,
        owner: Some("jid"),
        columns: &[
            column("domain", Text),
            column("jid", Text),
            column("sha1_iterations", Int),
            column("sha1_salt", Bytes),
            column("sha1_stored_key", Bytes),
            column("sha1_server_key", Bytes),
            column("sha256_iterations", Int),
            column("sha256_salt", Bytes),
            column("sha256_stored_key", Bytes),
            column("sha256_server_key", Bytes),
            column("created", Int),
            column("enabled", Bool),
            nullable("rfc6122", Text),
        ],
    },
    Table {
        name: "roster",
        key: 1,
        owner: Some("owner"),
        columns: &[column("owner", Text), column("version", Int)],
    },
    Table {
        name: "roster_item",
        key: 2,
        owner: Some("owner"),
        columns: &[
            column("owner", Text),
            column("contact", Text),
            column("name", Text),
            column("group_names", Text),
            column("sub_from", Bool),
            column("sub_to", Bool),
            column("pending_out", Bool),
            nullable("pending_in", Text),
            column("approved", Bool),
            column("hidden", Bool),
            column("version", Int),
        ],
    },
    Table {
        name: "vhost",
        key: 1,
        owner: None,
        columns: &[column("domain", Text), column("enabled", Bool), column("settings", Text)],
    },
    Table {
        name: "table_entry",
        key: 3,
        owner: Some("owner"),
        columns: &[column("owner", Text), column("store", Text), column("key", Text), column("value", Bytes)],
    },
    Table {
        name: "log_entry",
        key: 1,
        owner: Some("owner"),
        columns: &[
            column("id", Int),
            column("owner", Text),
            column("store", Text),
            column("at", Int),
            nullable("expires", Int),
            nullable("tag", Text),
            column("value", Bytes),
        ],
    },
    Table {
        name: "alarm",
        key: 3,
        owner: Some("owner"),
        columns: &[
            column("owner", Text),
            column("plugin", Text),
            column("name", Text),
            column("at", Int),
            column("data", Bytes),
        ],
    },
    Table {
        name: "component",
        key: 1,
        owner: None,
        columns: &[column("sha256", Bytes), column("bytes", Bytes)],
    },
    Table {
        name: "plugin",
        key: 2,
        owner: None,
        columns: &[
            column("name", Text),
            column("scope", Text),
            column("sha256", Bytes),
            nullable("previous", Bytes),
            column("manifest", Text),
        ],
    },
];
