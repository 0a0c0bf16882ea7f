//! `account-data`: a little data for each account.

use super::NoOwner;
use crate::bindings::xmpp::plugin::account_data::{Error, Host};
use crate::common::usage::Held;
use crate::effects::Datum;
use crate::host::account_data::{MOST, store};
use crate::run::state::State;

/// Bytes of a key.
const KEY: usize = 1024;

impl Host for State {
    async fn get(&mut self, account: String, key: String) -> Result<Option<Vec<u8>>, Error> {
        let (call, shared, account) = self.account(&account)?;
        let mut staged = call.effects.account_data.iter().rev();
        if let Some(datum) = staged.find(|datum| datum.account == account && datum.key == key) {
            return Ok(datum.value.clone());
        }
        if let Some(value) = call.host.account_data(&account).and_then(|data| data.get(&shared.name, &key)) {
            return Ok(value);
        }
        let value = call.host.storage().table_get(&store(&shared.name), account.as_str(), &key).await;
        value.map_err(unavailable)
    }

    async fn set(&mut self, account: String, key: String, value: Option<Vec<u8>>) -> Result<(), Error> {
        self.stage_datum(account, key, value, false).await
    }

    async fn set_soon(&mut self, account: String, key: String, value: Option<Vec<u8>>) -> Result<(), Error> {
        self.stage_datum(account, key, value, true).await
    }
}

impl State {
    async fn stage_datum(
        &mut self,
        account: String,
        key: String,
        value: Option<Vec<u8>>,
        soon: bool,
    ) -> Result<(), Error> {
        if value.is_some() {
            self.keeping(&account).await.map_err(|why| match why {
                NoOwner::Denied => Error::Denied,
                NoOwner::Unavailable => Error::Unavailable,
            })?;
        }
        let (call, shared, account) = self.account(&account)?;
        let more = value.as_ref().map_or(0, |value| key.len() + value.len());
        let changes = &call.effects.account_data;
        if key.len() > KEY || more > MOST || changes.len() >= shared.limits.writes {
            return Err(Error::OverQuota);
        }
        if value.is_some() {
            let mut kept = match call.host.account_data(&account).and_then(|data| data.bytes(&shared.name)) {
                Some(kept) => kept,
                None => {
                    let stored = call.host.storage().account_data(account.as_str()).await;
                    let own = stored.map_err(unavailable)?.into_iter().filter(|(of, ..)| *of == shared.name);
                    own.map(|(_, key, value)| key.len() + value.len()).sum()
                }
            };
            // What the call replaces or deletes is not given back before it is done.
            let staged = changes.iter().filter(|datum| datum.account == account);
            kept +=
                staged.map(|d| d.value.as_ref().map_or(0, |value| d.key.len() + value.len())).sum::<usize>();
            let old =
                call.host.account_data(&account).and_then(|data| data.get(&shared.name, &key)).flatten();
            kept -= old.map_or(0, |old| key.len() + old.len()).min(kept);
            if kept + more > MOST {
                return Err(Error::OverQuota);
            }
            let (held, limit) = (Held::store(&store(&shared.name)), shared.limits.account_data_bytes);
            let usages = &shared.common.usages;
            if !usages.reserve(&held, call.host.storage(), more, limit, call.is_dry()).await {
                return Err(Error::OverQuota);
            }
        }
        call.effects.account_data.push(Datum { account, key, value, soon });
        Ok(())
    }

    fn account(
        &mut self,
        account: &str,
    ) -> Result<(&mut crate::run::state::Call, &crate::common::shared::Shared, waxwing_xmpp::Jid), Error>
    {
        let owned = self
            .owned(account)
            .filter(|(call, _, account)| !account.is_domain() && call.host.is_local(account.domain()));
        owned.ok_or(Error::Denied)
    }
}

fn unavailable(error: waxwing_storage::Error) -> Error {
    error.log(format_args!("a plugin's read failed"));
    Error::Unavailable
}
