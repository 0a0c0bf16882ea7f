//! The contract, against a real server.

use super::*;
use crate::contract::Place;
use crate::contract_tests;
use std::sync::atomic::{AtomicU64, Ordering};

/// A database of its own in the server that `scripts/postgres.sh with` has started.
struct Database {
    server: Address,
    name: String,
}

impl Database {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let server = std::env::var("WAXWING_TEST_POSTGRES").expect(
            "these tests need PostgreSQL: run `make test`, or `scripts/postgres.sh with cargo test --workspace`",
        );
        let server = Address::parse(&server).unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let database = Self { server, name: format!("storage_{}_{number}", std::process::id()) };
        database.on_server(&format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", database.name));
        database
    }

    fn on_server(&self, sql: &str) {
        let (server, sql) = (self.server.clone(), sql.to_owned());
        // The blocking client does not run within a runtime.
        let done = std::thread::spawn(move || {
            blocking::connect(&server, Duration::from_secs(30)).unwrap().batch_execute(&sql).unwrap();
        });
        done.join().unwrap();
    }

    fn address(&self) -> Address {
        let mut address = self.server.clone();
        address.set("dbname", &self.name).unwrap();
        address
    }

    /// Something that another program does in it.
    fn execute(&self, sql: &str) {
        Self { server: self.address(), name: String::new() }.on_server(sql);
    }

    async fn postgres(&self) -> std::result::Result<Postgres, PostgresError> {
        let options = PostgresOptions { pool_size: 2, ..PostgresOptions::default() };
        Postgres::open(&self.address(), options).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            self.on_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

impl Place for Database {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Storage>> {
        Box::pin(async { Arc::new(self.postgres().await.unwrap()) as Arc<dyn Storage> })
    }
}

contract_tests!(Database::new());
