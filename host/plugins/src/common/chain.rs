//! What one stanza sets off, bounded.
//!
//! A plugin's stanzas are shown to plugins in turn, in stages `post` and `filter`, while the host
//! sends them. One that answers its own stanzas would go on for ever, each answer nested in the
//! last.

use crate::common::failure::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls whose stanzas may lead to each other.
const DEPTH: u8 = 8;

tokio::task_local! {
    static CHAIN: Chain;
}

/// Where in what a stanza sets off the stanzas of a call are.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    depth: u8,
    /// Stanzas that everything after the first call may still send, all together.
    left: Arc<AtomicUsize>,
}

impl Chain {
    /// A link for this many stanzas of the present call. After the first call of a chain, `most`
    /// is how many stanzas all the others may send together.
    pub fn link(stanzas: usize, most: usize) -> Result<Chain, Failure> {
        let Ok(chain) = CHAIN.try_with(Chain::clone) else {
            return Ok(Chain { depth: 1, left: Arc::new(AtomicUsize::new(most)) });
        };
        let take = |left: usize| left.checked_sub(stanzas);
        let allowed = chain.depth < DEPTH
            && chain.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if stanzas > 0 && !allowed {
            return Err(Failure::Chain);
        }
        Ok(Chain { depth: chain.depth + 1, left: chain.left })
    }

    /// Whether the present task is doing what a call has set off.
    pub fn is_nested() -> bool {
        CHAIN.try_with(|_| ()).is_ok()
    }

    /// Send with this as the link that calls are part of.
    pub async fn follow<T>(self, sending: impl Future<Output = T>) -> T {
        CHAIN.scope(self, sending).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nested(stanzas: usize, depth: u8) -> Result<u8, Failure> {
        let chain = Chain::link(stanzas, 10)?;
        Box::pin(chain.follow(nested(stanzas, depth + 1))).await.or(Ok(depth))
    }

    #[tokio::test]
    async fn a_chain_ends() {
        // Ten stanzas after the first call, three at a time; and eight calls, however few they send.
        assert_eq!(nested(3, 1).await.unwrap(), 4);
        assert_eq!(nested(1, 1).await.unwrap(), DEPTH);
    }

    #[tokio::test]
    async fn chains_do_not_touch_each_other() {
        for _ in 0..100 {
            assert!(Chain::link(100, 10).is_ok());
        }
    }
}
