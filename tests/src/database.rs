//! The database of a server under test, of the engine that `$WAXWING_TEST_ENGINE` names.

use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};

/// `sqlite`, which is the default, or `postgres`.
const ENGINE: &str = "WAXWING_TEST_ENGINE";
/// A PostgreSQL in which databases may be made and dropped.
const POSTGRES: &str = "WAXWING_TEST_POSTGRES";

/// Where a server keeps its data. What was made for it goes with this.
pub(crate) enum Database {
    /// A file in the server's folder.
    Sqlite,
    /// A database of its own in the PostgreSQL of `$WAXWING_TEST_POSTGRES`.
    Postgres(OwnDatabase),
}

impl Database {
    /// An empty one of the engine that is to be tested.
    pub(crate) fn of_engine() -> Database {
        match env::var(ENGINE).as_deref() {
            Err(_) | Ok("sqlite") => Database::Sqlite,
            Ok("postgres") => Database::Postgres(OwnDatabase::create()),
            Ok(other) => panic!("{ENGINE}={other}: `sqlite` or `postgres` is expected"),
        }
    }

    /// The lines of `dataSource { default { ... } }` for a server whose files are in this folder.
    pub(crate) fn settings(&self, dir: &Path) -> String {
        match self {
            Database::Sqlite => format!("uri = 'sqlite:{}/waxwing.db'", dir.display()),
            Database::Postgres(own) => own.data_source(),
        }
    }
}

/// A database of its own in the PostgreSQL of `$WAXWING_TEST_POSTGRES`. Dropped with this.
pub struct OwnDatabase {
    name: String,
    uri: String,
}

impl OwnDatabase {
    /// An empty one.
    pub fn create() -> OwnDatabase {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("waxwing_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let server = server_uri();
        execute(&server, &format!("CREATE DATABASE {name}")).expect("a database can be made");
        OwnDatabase { uri: with_database(&server, &name), name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The lines of `dataSource { default { ... } }` for a server that uses it.
    pub fn data_source(&self) -> String {
        format!("uri = '{}'\n'pool-size' = 3", self.uri)
    }

    /// Does something from outside of it, as the superuser.
    pub fn on_server(&self, statement: &str) {
        execute(&server_uri(), statement).expect("the superuser may do that");
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        // Not a panic: this may be on the way out of another. What is left is gone with the server.
        if let Err(error) = execute(&server_uri(), &format!("DROP DATABASE {} WITH (FORCE)", self.name)) {
            eprintln!("{} stays: {error}", self.name);
        }
    }
}

fn server_uri() -> String {
    env::var(POSTGRES).unwrap_or_else(|_| {
        panic!(
            "this needs a PostgreSQL in {POSTGRES}, for example that of \
             `scripts/postgres.sh with env {ENGINE}=postgres cargo test --workspace --test messages`"
        )
    })
}

/// This URI with another database in it.
fn with_database(uri: &str, name: &str) -> String {
    let (path, query) = uri.find('?').map_or((uri, ""), |at| uri.split_at(at));
    let (server, _) = path.rsplit_once('/').expect("a URI with the name of a database");
    format!("{server}/{name}{query}")
}

fn execute(uri: &str, statement: &str) -> Result<(), postgres::Error> {
    Client::connect(uri, NoTls)?.batch_execute(statement)
}
