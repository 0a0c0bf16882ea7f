//! The version of a roster (RFC 6121, section 2.6): what a client keeps is named by what is in it.
//!
//! A count of the changes would name other content by the same number once an account is made anew or a database
//! comes back from a backup, and a client would be told that nothing has changed.

use super::format::item_xml;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};
use waxwing_storage::Roster;

/// How many bytes of the hash are kept.
const BYTES: usize = 12;

/// The version of what clients see of this roster.
pub(super) fn version(roster: &Roster) -> String {
    let mut hash = Context::new(&SHA256);
    for item in roster.items.iter().filter(|item| !item.hidden) {
        hash.update(item_xml(item).as_bytes());
    }
    let hash = hash.finish();
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..BYTES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::new_item;
    use crate::testing::jid;
    use waxwing_storage::RosterItem;

    fn named(contact: &str, name: &str) -> RosterItem {
        RosterItem { name: name.to_owned(), hidden: false, ..new_item(jid(contact)) }
    }

    #[test]
    fn the_content_makes_the_version() {
        let empty = Roster::default();
        let one = Roster { version: 1, items: vec![named("juliet@verona.lit", "")] };
        let other = Roster { version: 1, items: vec![named("juliet@verona.lit", "Juliet")] };
        assert_ne!(version(&empty), version(&one));
        assert_ne!(version(&one), version(&other));
        assert_eq!(version(&one), version(&Roster { version: 7, ..one.clone() }));
    }

    #[test]
    fn what_is_not_shown_makes_no_other_version() {
        let mut roster = Roster { version: 1, items: vec![named("juliet@verona.lit", "")] };
        let before = version(&roster);
        roster.items.push(RosterItem { pending_in: Some("<presence/>".to_owned()), ..new_item(jid("a@b")) });
        assert_eq!(version(&roster), before);
    }
}
