//! The tools, on both engines.

mod backups;
mod checks;
mod copies;
mod restores;
mod schema;
mod speed;
mod statuses;

use super::source;
use super::tables::TABLES;
use super::*;
use crate::postgres::tests::Database;
use crate::{
    Account, Alarm, Batch, InstalledPlugin, Location, PostgresOptions, RosterItem, ScramKeys, Storage, Vhost,
    Write,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use waxwing_xmpp::Jid;

const JULIET: &str = "juliet@example.org";

/// A database of either engine, empty at first, gone when dropped.
struct Own {
    location: Location,
    folder: TempDir,
    postgres: Option<Database>,
}

impl Own {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { location: Location::Sqlite(folder.path().join("waxwing.db")), folder, postgres: None }
    }

    fn postgres() -> Self {
        let database = Database::new();
        let location = Location::Postgres(Box::new(database.address()));
        Self { location, folder: tempfile::tempdir().unwrap(), postgres: Some(database) }
    }

    fn both() -> [Self; 2] {
        [Self::sqlite(), Self::postgres()]
    }

    /// A file beside it.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The database as a server has it.
    fn serve(&self) -> Served {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let options = PostgresOptions { pool_size: 2, ..PostgresOptions::default() };
        let storage = runtime.block_on(self.location.open(options)).unwrap();
        Served { runtime, storage }
    }

    /// Something that another program does in it.
    fn execute(&self, sql: &str) {
        match (&self.location, &self.postgres) {
            (Location::Sqlite(path), _) => {
                rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap()
            }
            (_, Some(database)) => database.execute(sql),
            _ => unreachable!(),
        }
    }

    /// With one of everything in it.
    fn filled(self) -> Self {
        let served = self.serve();
        served.commit(everything());
        served.close();
        self
    }
}

struct Served {
    runtime: Runtime,
    storage: Arc<dyn Storage>,
}

impl Served {
    fn commit(&self, writes: Vec<Write>) {
        self.runtime.block_on(self.storage.commit(Batch { writes })).unwrap();
    }

    fn close(self) {
        self.runtime.block_on(self.storage.close()).unwrap();
    }
}

fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}

fn append(owner: &str, value: &[u8], expires: Option<u64>) -> Write {
    let (store, tag) = ("msgoffline/messages".into(), Some("romeo@example.org".into()));
    Write::LogAppend {
        store,
        owner: owner.into(),
        at: 1_700_000_000_123,
        tag,
        value: value.to_vec(),
        expires,
    }
}

fn account(address: &str) -> Account {
    let keys = |length| ScramKeys {
        iterations: 4096,
        salt: vec![0, 1, 255],
        stored_key: vec![7; length],
        server_key: vec![8; length],
    };
    Account {
        jid: jid(address),
        sha1: Some(keys(20)),
        sha256: Some(keys(32)),
        created: UNIX_EPOCH,
        enabled: true,
    }
}

fn contact(address: &str) -> RosterItem {
    RosterItem {
        jid: jid(address),
        name: "a\0b \u{1} \u{1f426}".into(),
        groups: vec!["Friends".into(), "\"quoted\" \0".into()],
        from: true,
        to: false,
        pending_out: false,
        pending_in: Some("<presence type='subscribe'/>".into()),
        approved: true,
        hidden: false,
        version: 0,
    }
}

/// Something for every table, with what databases have stumbled over. The last id that was given is there no more.
fn everything() -> Vec<Write> {
    let sha256: [u8; 32] = ring::digest::digest(&ring::digest::SHA256, b"\0asm").as_ref().try_into().unwrap();
    let entry = |store: &str, key: &str, value: &[u8]| Write::TableSet {
        store: store.into(),
        owner: JULIET.into(),
        key: key.into(),
        value: value.to_vec(),
    };
    let (put, vhost) =
        (vec![contact("romeo@example.org"), contact("nurse@example.org")], "b.example".to_owned());
    vec![
        Write::CreateAccount(account(JULIET)),
        Write::CreateAccount(Account { enabled: false, ..account("romeo@example.org") }),
        Write::Roster { owner: jid(JULIET), expect: 0, put, remove: vec![] },
        Write::PutVhost(Vhost {
            domain: vhost,
            enabled: false,
            settings: vec![("a".into(), "'\0\n".into())],
        }),
        entry("vcard-temp/vcard", "", b"<vCard/>"),
        entry("account-data/private", "a\0b\u{1}", &[0, 255, 254]),
        entry("account-data/private", "\u{10ffff}", b""),
        entry("other/large", "large", &vec![b'x'; 300_000]),
        Write::TableSet {
            store: "host/secrets".into(),
            owner: String::new(),
            key: "decoy".into(),
            value: vec![9; 32],
        },
        append(JULIET, b"one", None),
        append(JULIET, &[0; 5000], Some(u64::MAX)),
        append("romeo@example.org", b"", Some(4_000_000_000_000)),
        append("example.org", b"of a domain", None),
        Write::LogTrim {
            store: "msgoffline/messages".into(),
            owner: "example.org".into(),
            through: u64::MAX,
        },
        Write::SetAlarm(Alarm {
            plugin: "amp".into(),
            owner: JULIET.into(),
            name: String::new(),
            at: u64::MAX,
            data: vec![0, 1],
        }),
        Write::PutComponent { sha256, bytes: b"\0asm".to_vec() },
        Write::PutPlugin(InstalledPlugin {
            name: "greeter".into(),
            scope: "*".into(),
            sha256,
            previous: None,
            manifest: "{}".into(),
        }),
    ]
}

/// All that is in a database, a line for each row, and the last id that was given.
fn content(location: &Location) -> (Vec<String>, i64) {
    let mut source = source::open(location).unwrap();
    let mut lines = Vec::new();
    for table in &TABLES {
        source
            .rows(table, &mut |row| {
                lines.push(format!("{}: {row:?}", table.name));
                Ok(())
            })
            .unwrap();
    }
    (lines, source.last_id().unwrap())
}

fn quiet(_: Progress) {}

/// What somebody says about it.
fn why<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}
