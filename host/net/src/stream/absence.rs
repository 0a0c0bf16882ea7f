//! A session whose stream is gone and that may be resumed (XEP-0198, section 5): others see no change. What waits in it is
//! kept meanwhile.

use super::Shared;
use super::session::{Bound, Processing};
use std::sync::Arc;
use tracing::Instrument;

/// Let a session go on without a stream, until a new one comes or its time is up. A stanza that is being
/// processed is processed to its end.
pub fn begin(session: Bound, processing: Option<Processing>, shared: &Arc<Shared>) {
    let absence = session.session.detach(processing.is_some());
    let asleep = Asleep::new(shared);
    if *shared.stopping.borrow() {
        shared.server.end_asleep();
    }
    tracing::debug!("session without a stream");
    let waiting = async move {
        let _asleep = asleep;
        let mut bound = session;
        let (server, session) = (bound.server.clone(), bound.session.clone());
        // It may wait for room in this very session's queue, of which only finishing frees it.
        let processing = async {
            if let Some(processing) = processing {
                processing.await;
                session.count_handled();
                session.idle();
            }
        };
        let waiting = async {
            let over = session.sleep(absence).await;
            if over {
                server.finish(&session).await;
            }
            over
        };
        let ((), over, ()) = tokio::join!(processing, waiting, server.keep_asleep(&session));
        bound.finished = true;
        if over {
            server.remember(&session);
            tracing::debug!("session finished: nobody has resumed it");
        }
    };
    tokio::spawn(waiting.in_current_span());
}

/// Counts a session without a stream.
struct Asleep(Arc<Shared>);

impl Asleep {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.asleep.send_modify(|asleep| *asleep += 1);
        Self(shared.clone())
    }
}

impl Drop for Asleep {
    fn drop(&mut self) {
        self.0.asleep.send_modify(|asleep| *asleep -= 1);
    }
}
