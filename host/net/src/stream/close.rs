//! The end of a stream (RFC 6120, sections 4.4 and 4.9.1): error, closing tag, TLS, TCP, in this order.

use super::io::{Scratch, Socket, Transport};
use super::{Ending, Link, Shared};
use std::future::poll_fn;
use std::io;
use std::sync::atomic::Ordering;
use std::task::{Poll, ready};
use tokio::time::timeout;
use waxwing_xmpp::StreamCondition;

/// A peer that goes on talking is listened to for so many more bytes.
const LINGER_BYTES: usize = 1024 * 1024;

/// Say why the stream ends and close the connection.
pub async fn close<T: Socket>(mut link: Link<T>, ending: Ending, shared: &Shared) {
    if say_goodbye(&mut link, ending, shared).await {
        linger(link.transport, shared).await;
    }
}

/// Write what is still to be written, then why the stream ends. Answers whether all of it went out in time.
pub async fn say_goodbye<T: Socket>(link: &mut Link<T>, ending: Ending, shared: &Shared) -> bool {
    let ending = match ending {
        Ending::Moved => StreamCondition::Conflict.into(),
        ending => ending,
    };
    match ending {
        Ending::Moved | Ending::Lost => return false,
        Ending::Closed => tracing::debug!("stream closed"),
        Ending::Error(_) if matches!(link.transport, Transport::Lost) => return false,
        Ending::Error(error) => {
            tracing::debug!(condition = %error.condition, text = error.text, "stream error");
            shared.stats.stream_errors.fetch_add(1, Ordering::Relaxed);
            // An error in answer to the peer's header comes after this side's header.
            if !link.header_sent {
                let id = shared.random_text().unwrap_or_default();
                link.push_header(&id, shared.default_domain(), None);
            }
            link.push(&error.to_xml());
        }
    }
    if link.header_sent {
        link.push("</stream:stream>");
    }
    matches!(timeout(shared.settings.limits.close_timeout, link.flush()).await, Ok(Ok(())))
}

/// Close this side, then wait a little for the peer to close the other: a connection closed with unread bytes is reset,
/// and the reset can overtake what was written last.
pub async fn linger<T: Socket>(mut transport: Transport<T>, shared: &Shared) {
    let closed = async {
        poll_fn(|cx| transport.poll_shutdown(cx)).await?;
        let mut left = LINGER_BYTES;
        while left > 0 {
            let count = poll_fn(|cx| {
                let mut scratch = Scratch::take();
                let bytes = ready!(scratch.poll_read(&mut transport, cx))?;
                Poll::Ready(Ok::<_, io::Error>(bytes.len()))
            })
            .await?;
            if count == 0 {
                break;
            }
            left = left.saturating_sub(count);
        }
        Ok::<_, io::Error>(())
    };
    // However it ends, the connection is dropped now.
    let _ = timeout(shared.settings.limits.close_timeout, closed).await;
}
