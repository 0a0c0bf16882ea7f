//! `scheduler`: alarms.

use super::NoOwner;
use crate::bindings::xmpp::plugin::scheduler::{Error, Host};
use crate::common::usage::Held;
use crate::effects::Effects;
use crate::run::state::State;
use waxwing_storage::{Alarm, Write};

/// Bytes of a name, and of an alarm's data.
const NAME: usize = 1024;
const DATA: usize = 64 << 10;
/// Times are kept as signed numbers by databases.
const FAR: u64 = i64::MAX as u64;

impl Host for State {
    async fn set(&mut self, owner: String, name: String, at: u64, data: Vec<u8>) -> Result<(), Error> {
        let (call, shared, owner) = self.keeping(&owner).await.map_err(|why| match why {
            NoOwner::Denied => Error::Denied,
            NoOwner::Unavailable => Error::Unavailable,
        })?;
        if name.len() > NAME || data.len() > DATA {
            return Err(Error::OverQuota);
        }
        let bytes = owner.as_str().len() + name.len() + data.len();
        let (held, limit) = (Held::Alarms(shared.name.clone()), shared.limits.alarm_bytes);
        if !shared.common.usages.reserve(&held, call.host.storage(), bytes, limit, call.is_dry()).await {
            return Err(Error::OverQuota);
        }
        let (plugin, owner) = (shared.name.clone(), owner.as_str().to_owned());
        let alarm = Write::SetAlarm(Alarm { plugin, owner, name, at: at.min(FAR), data });
        call.effects.staged.other(alarm, bytes, Effects::quota(&shared.limits)).map_err(|_| Error::OverQuota)
    }

    fn clear(&mut self, owner: String, name: String) -> wasmtime::Result<Result<(), Error>> {
        let Some((call, shared, owner)) = self.owned(&owner) else { return Ok(Err(Error::Denied)) };
        let (plugin, owner) = (shared.name.clone(), owner.as_str().to_owned());
        let quota = Effects::quota(&shared.limits);
        let clear = Write::ClearAlarm { plugin, owner, name, at: None };
        Ok(call.effects.staged.other(clear, 0, quota).map_err(|_| Error::OverQuota))
    }
}
