//! A plugin is swapped again and again while people talk: nothing is lost, doubled or reordered, and no session
//! notices.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use waxwing_tests::Server;

const MESSAGES: usize = 2000;

#[test]
fn a_swap_under_load_loses_doubles_and_reorders_nothing() {
    // `quiet` is shown every message, before routing and before it is written.
    let server = Server::builder().users(["romeo", "juliet"]).guest("quiet").start();
    let (mut romeo, mut juliet) = (server.online("romeo/orchard"), server.online("juliet/balcony"));
    let over = AtomicBool::new(false);
    let swaps = thread::scope(|scope| {
        let operator = scope.spawn(|| {
            let mut swaps = 0;
            while !over.load(Ordering::Relaxed) {
                server.command(&["plugin", "reload", "quiet"]);
                swaps += 1;
            }
            swaps
        });
        let sender = scope.spawn(|| {
            for n in 0..MESSAGES {
                romeo.send(format!(
                    "<message to='juliet@localhost' type='chat' id='{n}'><body>{n}</body></message>"
                ));
            }
            romeo
        });
        for n in 0..MESSAGES {
            juliet.expect(format!(
                "<message from='romeo@localhost/orchard' id='{n}'><body>{n}</body></message>"
            ));
        }
        over.store(true, Ordering::Relaxed);
        sender.join().expect("everything was sent");
        operator.join().expect("every swap went well")
    });
    assert!(swaps > 0);
    juliet.expect_nothing();
}
