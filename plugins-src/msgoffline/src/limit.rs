//! How many messages of one sender are kept, and how users set that for themselves (guide, 11.1.1).

use crate::Msgoffline;
use waxwing_plugin::prelude::*;

pub const QUERY: &str = "{msgoffline}msgoffline";
/// The table of users' own limits, and the key in it.
const LIMITS: &str = "limits";
const KEY: &str = "store-limit";
/// Stands for no limit.
const NONE: &str = "false";

impl Msgoffline {
    /// The limit for one account; `None` where there is none. A user's own comes before that of the server.
    pub fn limit(&self, account: &str) -> Result<Option<u64>> {
        let own = match self.user_store_limit_enable {
            true => storage::open_table(LIMITS)?.get_text(account, KEY)?,
            false => None,
        };
        Ok(match own {
            Some(own) => own.parse().ok(),
            None => (self.store_limit > 0).then_some(self.store_limit),
        })
    }

    /// A user asks for the limit or sets it: a number, or `false` for none.
    pub fn limit_iq(&self, event: &Event, stanza: &Stanza) -> Result {
        let account = event.account();
        if event.is_get() {
            return Ok(answer(self.limit(account)?));
        }
        let given = stanza.attribute(QUERY, "limit").unwrap_or_default();
        let limit = match given.as_str() {
            NONE => None,
            number => Some(number.parse().map_err(|_| Condition::BadRequest.text(WRONG))?),
        };
        if !self.user_store_limit_enable {
            return Err(Condition::NotAllowed.text("Users may not have a limit of their own here"));
        }
        storage::open_table(LIMITS)?.set_text(account, KEY, &shown(limit))?;
        Ok(answer(limit))
    }
}

const WRONG: &str = "The limit must be a whole number, 0 or more, or false for none";

fn answer(limit: Option<u64>) -> Verdict {
    Verdict::reply(xml!("<msgoffline xmlns='msgoffline' limit='{}'/>", shown(limit)))
}

fn shown(limit: Option<u64>) -> String {
    limit.map_or_else(|| NONE.into(), |limit| limit.to_string())
}
