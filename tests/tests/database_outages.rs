//! The database goes while people are online, in each way that it can, and comes back: those who need nothing of it
//! notice nothing, everybody else is told to try again, and nothing that was acknowledged is lost.
//!
//! On PostgreSQL, whatever engine the other tests run on: each test has a server of its own to ill-treat. What a file
//! can do is in `crash.rs`.

use std::io::{Write, stderr};

use waxwing_tests::{Client, Postgres, Scene, Server, eventually};

/// The outage is logged with its cause, one of these, and not once for each that it refuses.
#[track_caller]
fn is_logged_once(scene: &mut Scene, causes: &[&str], mut refuse: impl FnMut(&mut Scene)) {
    let before = scene.server.log().len();
    for _ in 0..10 {
        refuse(scene);
    }
    let complaints = scene.complaints(before);
    // It may be trying to connect again meanwhile, and say so.
    assert!(complaints.len() < 10, "logged for each refusal:\n{}", complaints.join("\n"));
    let all = scene.complaints(0);
    let is_named = all.iter().any(|line| causes.iter().any(|cause| line.contains(cause)));
    assert!(is_named, "{causes:?} is not in\n{}", all.join("\n"));
}

#[test]
fn stopped() {
    let mut postgres = Postgres::start();
    let mut scene = Scene::new(&postgres);
    for _ in 0..2 {
        postgres.stop();
        scene.chat();
        is_logged_once(&mut scene, &["shutting down", "No such file"], Scene::fails);
        postgres.start_again();
        scene.recovers();
    }
    scene.nothing_is_lost();
}

#[test]
fn killed() {
    let mut postgres = Postgres::start();
    let mut scene = Scene::new(&postgres);
    for _ in 0..2 {
        postgres.kill();
        scene.chat();
        // Whether it still listens at the first attempt is a matter of luck.
        is_logged_once(&mut scene, &["refused", "reset by peer", "closed"], Scene::fails);
        postgres.start_again();
        scene.recovers();
    }
    scene.nothing_is_lost();
}

/// Connections stay open, and nothing is answered. Nobody waits for longer than the settings say, and those who do not
/// ask the database do not wait at all.
#[test]
fn frozen() {
    let postgres = Postgres::start();
    let mut scene = Scene::new(&postgres);
    for _ in 0..2 {
        postgres.freeze();
        scene.send_to_nurse();
        scene.chat();
        scene.answer().expect_err("a message is kept by a frozen database");
        scene.fails();
        scene.chat();
        postgres.thaw();
        scene.recovers();
    }
    scene.nothing_is_lost();
}

/// Restarted at once, as for an upgrade: nobody has to wait for longer than that takes.
#[test]
fn restarted() {
    let mut postgres = Postgres::start();
    let mut scene = Scene::new(&postgres);
    for _ in 0..3 {
        postgres.stop();
        postgres.start_again();
        scene.recovers();
    }
    scene.nothing_is_lost();
}

/// All connections are ended, as an administrator or a proxy does. It was only a moment.
#[test]
fn disconnected() {
    let postgres = Postgres::start();
    let mut scene = Scene::new(&postgres);
    for _ in 0..3 {
        postgres.disconnect_all();
        scene.recovers();
    }
    scene.nothing_is_lost();
}

/// Others hold all connections. With those that it has, the server goes on; without any, it waits for one.
#[test]
fn out_of_connections() {
    let postgres =
        Postgres::start_with(&["-c", "max_connections=12", "-c", "superuser_reserved_connections=2"]);
    let mut scene = Scene::new(&postgres);
    let others = postgres.take_all_connections();
    scene.works();
    drop(others);

    // A limit of its role.
    postgres.execute("ALTER ROLE waxwing CONNECTION LIMIT 0");
    postgres.disconnect_all();
    is_logged_once(&mut scene, &["too many connections for role"], Scene::fails);
    // One may not be enough to do anything with, but it does no harm.
    postgres.execute("ALTER ROLE waxwing CONNECTION LIMIT 1");
    scene.chat();

    // The limit of the whole server, instead.
    postgres.execute("ALTER ROLE waxwing CONNECTION LIMIT 0");
    postgres.disconnect_all();
    let others = postgres.take_all_connections();
    postgres.execute("ALTER ROLE waxwing CONNECTION LIMIT -1");
    scene.fails();
    drop(others);
    scene.recovers();
    scene.nothing_is_lost();
}

/// As a standby is, or a database of which an administrator has to keep a copy.
#[test]
fn read_only() {
    let postgres = Postgres::start();
    let mut scene = Scene::new(&postgres);
    postgres.execute("ALTER DATABASE waxwing SET default_transaction_read_only = on");
    postgres.disconnect_all();
    is_logged_once(&mut scene, &["read-only"], |scene| {
        scene.writes_fail();
        scene.chat();
    });
    postgres.execute("ALTER DATABASE waxwing RESET default_transaction_read_only");
    postgres.disconnect_all();
    scene.recovers();
    scene.nothing_is_lost();
}

/// Nobody is told that an account is gone, or that there was none, while it is there.
#[test]
fn removals() {
    let mut postgres = Postgres::start();
    let users = ["romeo", "juliet"];
    let server = Server::builder().users(users).data_source(&postgres.data_source()).start();
    let mut romeo = server.online("romeo/orchard");
    let cannot = |romeo: &mut Client| {
        romeo.send("<iq type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>");
        let answer = romeo.expect("<iq type='error' id='r'/>");
        let error = answer.child("error").expect("an error");
        assert!(
            error.attr("type") == Some("wait") && error.child("resource-constraint").is_some(),
            "{answer}"
        );
    };
    postgres.execute("ALTER DATABASE waxwing SET default_transaction_read_only = on");
    postgres.disconnect_all();
    eventually("the server has noticed", || {
        romeo.send("<message to='juliet@localhost' type='chat' id='m'><body>x</body></message>");
        romeo.drain().iter().any(|node| node.attr("id") == Some("m"))
    });
    cannot(&mut romeo);
    postgres.execute("ALTER DATABASE waxwing RESET default_transaction_read_only");
    postgres.disconnect_all();
    postgres.stop();
    cannot(&mut romeo);
    postgres.start_again();
    eventually("somebody can log in", || server.try_sign_in("romeo").is_ok());
}

/// What the database has kept it has kept, and it keeps nothing more until there is room.
#[test]
fn disk_full() {
    let Some(postgres) = Postgres::on_small_disk() else {
        // Past the harness, which would keep it to itself.
        let _ = writeln!(stderr(), "disk_full is NOT TESTED: only root may mount a small disk");
        return;
    };
    let mut scene = Scene::new(&postgres);
    for _ in 0..2 {
        postgres.fill_disk();
        // There is some room in what the database has of the disk already.
        eventually("the disk is full", || scene.is_refused());
        is_logged_once(&mut scene, &["disk"], |scene| {
            scene.chat();
            assert!(scene.is_refused());
        });
        postgres.free_disk();
        scene.recovers();
    }
    scene.nothing_is_lost();
}
