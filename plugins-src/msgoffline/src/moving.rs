//! Messages that move from server to server with their account (XEP-0227).

use crate::{Msgoffline, PAGE, QUEUE, stamp};
use waxwing_plugin::prelude::*;

/// What says when a message came.
const DELAY: &str = "{urn:xmpp:delay}delay";
const MESSAGE: &str = "{jabber:client}message";

impl Portable for Msgoffline {
    fn on_export(&self, account: &str, _kind: &str, after: Option<&str>) -> Result<Page> {
        let after = after.and_then(|after| after.parse().ok()).unwrap_or_default();
        let query = storage::Query { after, limit: PAGE, ..storage::Query::default() };
        let page = storage::open_log(QUEUE)?.read(account, &query)?;
        let next = page.last().map(|last| last.id.to_string());
        Ok(Page::last(page.iter().map(|message| message.text().into())).then(next))
    }

    fn on_import(&self, account: &str, _kind: &str, elements: &Stanza) -> Result<()> {
        let queue = storage::open_log(QUEUE)?;
        let messages = elements.children("").iter().filter(|child| *child == MESSAGE).count();
        for number in 1..=messages {
            let path = format!("{MESSAGE}[{number}]");
            let sender = elements.attribute(&path, "from").unwrap_or_default();
            // Its own server's word comes before that of a room which it came through.
            let own = format!("{path}/{DELAY}[from='{}']", domain(account));
            let delay = elements.attribute(&own, "stamp");
            let delay = delay.or_else(|| elements.attribute(&format!("{path}/{DELAY}"), "stamp"));
            let at = delay.as_deref().and_then(moment);
            let mut message = elements.child(&path).ok_or(Condition::BadRequest)?;
            let at = at.unwrap_or_else(|| {
                let now = runtime::now();
                message = with_child(&message, &stamp(domain(account), now));
                now
            });
            let expires = self.expire_after.of(at);
            queue.append(account, at, Some(bare(&sender)), message.as_bytes(), expires)?;
        }
        Ok(())
    }
}
