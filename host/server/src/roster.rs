//! The roster as clients manage it: RFC 6121, section 2, with versioning (section 2.6).

mod edit;
mod format;
mod version;

pub(crate) use edit::{Change, Edit, storage_error};
pub(crate) use format::item_xml;

use crate::server::Server;
use crate::session::Session;
use crate::subscription::Request;
use format::{Wish, parse_set, roster_xml};
use std::sync::Arc;
use version::version;
use waxwing_storage::{Roster, RosterItem};
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, Type};

impl Server {
    /// Answer a roster get or set of a client that manages its own roster. `None` where the answer
    /// is queued already.
    pub(crate) async fn roster_iq(
        &self,
        session: &Arc<Session>,
        iq: &Stanza,
    ) -> Result<Option<String>, StanzaError> {
        let payload = iq.payload().ok_or(Condition::BadRequest)?;
        let query = payload.element().map_err(|_| StanzaError::from(Condition::BadRequest))?;
        if iq.ty() == Type::Get {
            return self.roster_get(session, iq, query.attr("ver")).await.map(|()| None);
        }
        let owner = &session.account.jid;
        match parse_set(&query, owner)? {
            Wish::Put { jid, name, groups } => self.roster_put(owner, jid, name, groups).await?,
            Wish::Remove(jid) => self.roster_remove(owner, &jid).await?,
        }
        Ok(Some(String::new()))
    }

    /// RFC 6121, sections 2.1.3 and 2.6.2. The answer is queued in the roster's turn: a push that
    /// tells of a later version must not come before it.
    async fn roster_get(
        &self,
        session: &Arc<Session>,
        iq: &Stanza,
        known: Option<&str>,
    ) -> Result<(), StanzaError> {
        let _turn = session.account.roster_turn().await;
        let roster = self.roster_of(&session.account.jid).await?;
        session.set_interested();
        let inner = match known {
            None => roster_xml(&roster, None),
            Some(known) => match version(&roster) {
                present if known == present => String::new(),
                present => roster_xml(&roster, Some(&present)),
            },
        };
        session.tell(iq.iq_result(&inner));
        Ok(())
    }

    /// RFC 6121, sections 2.3 and 2.4: only name and groups are the client's to change.
    async fn roster_put(
        &self,
        owner: &Jid,
        jid: Jid,
        name: String,
        groups: Vec<String>,
    ) -> Result<(), StanzaError> {
        self.edit_roster(owner, |roster| {
            let mut item = match roster.item(jid.as_str()) {
                Some(item) => item.clone(),
                None => new_item(jid.clone()),
            };
            if item.hidden {
                self.check_room(roster)?;
            }
            item.hidden = false;
            item.name.clone_from(&name);
            item.groups.clone_from(&groups);
            Ok(Edit { change: Change::Put(item), push: true, first: None, answer: () })
        })
        .await
    }

    /// RFC 6121, section 2.5: what was subscribed or asked for ends with the item.
    async fn roster_remove(&self, owner: &Jid, contact: &Jid) -> Result<(), StanzaError> {
        let removed = self
            .edit_roster(owner, |roster| match roster.item(contact.as_str()) {
                Some(item) if !item.hidden => Ok(Edit {
                    change: Change::Remove(contact.clone()),
                    push: true,
                    first: None,
                    answer: item.clone(),
                }),
                _ => Err(Condition::ItemNotFound.into()),
            })
            .await?;
        self.end_relation(owner, &removed).await;
        Ok(())
    }

    /// Tell a contact that nothing is left between it and the owner (RFC 6121, section 2.5.2).
    pub(crate) async fn end_relation(&self, owner: &Jid, item: &RosterItem) {
        if item.to || item.pending_out {
            self.send_request(owner, &item.jid, Request::Unsubscribe).await;
        }
        if item.from {
            self.present_account(owner, &item.jid, Type::Unavailable).await;
        }
        if item.from || item.pending_in.is_some() {
            self.send_request(owner, &item.jid, Request::Unsubscribed).await;
        }
    }

    /// Whether one more item may be shown in a roster.
    pub(crate) fn check_room(&self, roster: &Roster) -> Result<(), StanzaError> {
        let shown = roster.items.iter().filter(|item| !item.hidden).count();
        if shown < self.settings.limits.roster_items as usize {
            return Ok(());
        }
        Err(StanzaError::from(Condition::NotAcceptable).with_text("the roster is full"))
    }
}

/// An item that is in no roster yet: nothing between the two, and not shown.
pub(crate) fn new_item(jid: Jid) -> RosterItem {
    RosterItem {
        jid,
        name: String::new(),
        groups: Vec::new(),
        from: false,
        to: false,
        pending_out: false,
        pending_in: None,
        approved: false,
        hidden: true,
        version: 0,
    }
}

#[cfg(test)]
mod tests;
