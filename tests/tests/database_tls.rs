//! TLS on the way to the database, and passwords: `sslmode` means what it means to every other program.
//!
//! On PostgreSQL, whatever engine the other tests run on: each test has a server of its own.

use std::path::Path;

use waxwing_tests::{Listening, Postgres, Server};

/// Lines for the config of a server that comes over TCP.
fn data_source(listening: &Listening, host: &str, more: &str) -> String {
    let (port, more) = (listening.port, more.replace('&', "'\n").replace('=', " = '"));
    format!("uri = 'postgresql://waxwing@{host}:{port}/waxwing'\n'pool-size' = 2\n{more}'")
}

fn verify(mode: &str, root: &Path) -> String {
    format!("sslmode={mode}&sslrootcert={}", root.display())
}

/// Whether all connections of the server to its database are encrypted.
fn is_encrypted(postgres: &Postgres) -> bool {
    let encrypted = postgres.ask_waxwing(
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE usename = 'waxwing' AND pid <> pg_backend_pid()",
    );
    encrypted.as_deref() == Some("t")
}

#[track_caller]
fn is_served(postgres: &Postgres, data_source: &str, encrypted: bool) {
    let mut server = Server::builder().data_source(data_source).unstarted();
    server.start();
    assert_eq!(is_encrypted(postgres), encrypted, "{data_source}");
}

#[track_caller]
fn is_refused(data_source: &str, said: &str) {
    let why = Server::builder().data_source(data_source).unstarted().failing_command(&[
        "user",
        "list",
        "localhost",
    ]);
    assert!(why.contains(said), "{said:?} is not in {why}");
}

/// A certificate that nobody has signed, as Debian's PostgreSQL has one.
#[test]
fn encryption() {
    let mut postgres = Postgres::start();
    let plain = postgres.listen(None);
    is_served(&postgres, &data_source(&plain, "localhost", "sslmode=disable"), false);
    is_served(&postgres, &data_source(&plain, "localhost", "sslmode=prefer"), false);
    for mode in ["require", "verify-ca", "verify-full"] {
        is_refused(&data_source(&plain, "localhost", &format!("sslmode={mode}")), "TLS");
    }

    let secure = postgres.listen(Some("localhost"));
    is_served(&postgres, &data_source(&secure, "localhost", "sslmode=disable"), false);
    is_served(&postgres, &data_source(&secure, "localhost", "sslmode=prefer"), true);
    is_served(&postgres, &data_source(&secure, "localhost", "sslmode=require"), true);
    is_served(&postgres, &data_source(&secure, "127.0.0.1", "sslmode=require"), true);
}

#[test]
fn verification() {
    let mut postgres = Postgres::start();
    let listening = postgres.listen(Some("localhost"));
    let right = listening.certificate.clone().expect("a certificate");
    let full = verify("verify-full", &right);
    is_served(&postgres, &data_source(&listening, "localhost", &full), true);
    is_served(&postgres, &data_source(&listening, "127.0.0.1", &verify("verify-ca", &right)), true);
    // As libpq has it: who names an authority wants it asked.
    is_served(&postgres, &data_source(&listening, "127.0.0.1", &verify("require", &right)), true);
    is_refused(&data_source(&listening, "127.0.0.1", &full), "certificate");
    is_refused(&data_source(&listening, "localhost", "sslmode=verify-full"), "certificate");

    // Another certificate for the same name.
    let wrong = right.with_file_name("former.pem");
    std::fs::rename(&right, &wrong).expect("a file is renamed");
    let listening = postgres.listen(Some("localhost"));
    for mode in ["require", "verify-ca", "verify-full"] {
        is_refused(&data_source(&listening, "localhost", &verify(mode, &wrong)), "certificate");
    }
    is_refused(
        &data_source(&listening, "localhost", &verify("verify-full", Path::new("/nowhere"))),
        "/nowhere",
    );
}

#[test]
fn passwords() {
    let mut postgres = Postgres::start();
    postgres.execute("ALTER ROLE waxwing PASSWORD 'a \" \\ se/cret@1'");
    let listening = postgres.listen_for_passwords(Some("localhost"));
    let right = data_source(&listening, "localhost", "sslmode=require&password=a \" \\ se/cret@1");
    let port = listening.port;
    is_served(&postgres, &right, true);
    let in_uri =
        format!("uri = 'postgresql://waxwing:a%20%22%20%5C%20se%2Fcret%401@localhost:{port}/waxwing'");
    is_served(&postgres, &in_uri, true);
    let jdbc = format!(
        "uri = 'jdbc:postgresql://127.0.0.1:{port}/waxwing?user=waxwing&password=a%20%22%20%5C%20se%2Fcret%401&useSSL=false'"
    );
    is_served(&postgres, &jdbc, true);
    let wrong = right.replace("se/cret", "sesame");
    is_refused(&wrong, "password authentication failed");
    let server = Server::builder().data_source(&wrong).unstarted();
    assert!(!server.failing_command(&["serve"]).contains("sesame"), "the password is in the log");
}
