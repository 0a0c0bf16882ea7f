//! What a call costs.

use crate::dry::DryError;
use crate::engine::Engine;
use crate::host::Host;
use crate::input::Input;
use crate::options::Scope;
use crate::pool::Lease;
use crate::record::host::Asked;
use crate::record::live::Live;
use crate::trace::Trace;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Engine {
    /// Make the same dry call (see [`Engine::dry_call`]) up to `calls` times, but begin none after `patience`:
    /// the traces, in order. Unlike a single dry call, these use warm instances, as calls of a server do, so
    /// that what the plugin keeps in memory is as they leave it. For tools with an engine of their own.
    ///
    /// # Errors
    /// As for a dry call.
    pub async fn measure(
        &self,
        name: &str,
        scope: &Scope,
        input: &Input,
        calls: usize,
        patience: Duration,
    ) -> Result<Vec<Trace>, DryError> {
        let plugin = self.named(name, scope)?;
        let host = self.host.upgrade().ok_or(DryError::NoHost)?;
        let shared = plugin.callable.shared.clone();
        let live = Live { host, shared: shared.clone(), dry: true };
        let host = Arc::new(Asked { oracle: live, shared }) as Arc<dyn Host>;
        let (mut traces, begun) = (Vec::new(), Instant::now());
        while traces.len() < calls && (traces.is_empty() || begun.elapsed() < patience) {
            traces.push(plugin.dry(&host, input, Lease::Warm).await?);
        }
        Ok(traces)
    }
}
