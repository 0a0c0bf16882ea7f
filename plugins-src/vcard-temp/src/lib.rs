//! vcard-temp ([XEP-0054](https://xmpp.org/extensions/xep-0054.html)).
//!
//! Everybody may read an account's vCard, only its owner may write it: who has one has said that there is such an
//! account. No settings.

use waxwing_plugin::prelude::*;

const VCARD: &str = "{vcard-temp}vCard";

plugin! {
    /// Keeps a vCard for each account.
    pub struct VcardTemp;
    hooks: [Process, Portable],
    features: ["vcard-temp"],
    account_features: ["vcard-temp"],
    interests: [iq(VCARD).at(OWN_ACCOUNT | OTHER_ACCOUNT | STRANGER)],
    portable: [VCARD],
}

impl Process for VcardTemp {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        let vcards = storage::open_table("vcard")?;
        let own = event.account() == event.sender_bare();
        match (event.is_get(), own) {
            // Of others, no vCard must look like no account.
            (true, _) => match vcards.get_text(event.account(), "vcard")? {
                Some(vcard) => Ok(Verdict::reply(vcard)),
                None if own => Err(Condition::ItemNotFound.into()),
                None => Err(Condition::ServiceUnavailable.into()),
            },
            (false, true) => {
                let vcard = stanza.child(VCARD).ok_or(Condition::BadRequest)?;
                vcards.set_text(event.account(), "vcard", &vcard)?;
                Ok(Verdict::reply(""))
            }
            (false, false) => Err(Condition::Forbidden.into()),
        }
    }
}

impl Portable for VcardTemp {
    fn on_export(&self, account: &str, _kind: &str, _after: Option<&str>) -> Result<Page> {
        Ok(Page::last(storage::open_table("vcard")?.get_text(account, "vcard")?))
    }

    fn on_import(&self, account: &str, kind: &str, elements: &Stanza) -> Result<()> {
        let vcard = elements.child(kind).ok_or(Condition::BadRequest)?;
        Ok(storage::open_table("vcard")?.set_text(account, "vcard", &vcard)?)
    }
}
