//! Calls of which nothing comes to be.

use crate::declare::grants::Grant;
use crate::declare::options::Scope;
use crate::host::Host;
use crate::run::call::Meter;
use crate::run::input::{Input, InputError, Prepared};
use crate::run::notes::Notes;
use crate::run::plugin::Plugin;
use crate::run::pool::Lease;
use crate::run::state::Call;
use crate::run::verdict::settle;
use crate::watch::trace::Trace;
use std::sync::Arc;

/// Why a call could not even be tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DryError {
    /// There is no such plugin.
    #[error(transparent)]
    NoPlugin(#[from] NoPlugin),
    /// It has no such hook.
    #[error("it has no hook `{0}`")]
    NoHook(Grant),
    /// The hook cannot be told this.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The server is going down.
    #[error("the server is going down")]
    NoHost,
}

/// A plugin that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no plugin {name:?} is loaded for {scope}; see `waxwing plugin list`")]
pub struct NoPlugin {
    /// Its name.
    pub name: String,
    /// The virtual hosts that it was looked for at.
    pub scope: Scope,
}

impl Plugin {
    /// Make a call that changes nothing. The host must be one that lets nothing through.
    pub(crate) async fn dry(
        &self,
        host: &Arc<dyn Host>,
        input: &Input,
        lease: Lease,
    ) -> Result<Trace, DryError> {
        let no_hook = DryError::NoHook(input.hook());
        if !self.hooks.contains(&input.hook()) {
            return Err(no_hook);
        }
        let prepared = Prepared::new(input)?;
        let stanza = prepared.stanza.as_ref();
        let hook = prepared.hook().ok_or(no_hook)?;
        let notes = Arc::new(Notes::dry());
        let mut meter = Meter::start();
        let mut call = Call::new(host, stanza, Some(notes.clone()));
        call.client = prepared.client();
        let result = self.callable.run(call, &hook, lease, &mut meter).await;
        let limits = &self.callable.shared.limits;
        let result =
            result.and_then(|(answer, effects)| settle(answer, effects, hook.grant(), stanza, limits));
        Ok(Trace::of(hook.grant(), &result, &notes, self.callable.shared.marks(), (meter.cpu, meter.time())))
    }
}
