//! Having plugins keep what is in a session's queue, beside it.
//!
//! Stanzas that wait for a session without a connection are shown to hook `post` as if the session had gone, a run of them
//! with one commit. What a plugin keeps stays in the queue as well, and its copy is deleted when the queue has brought
//! it to its client. Of what no plugin keeps nothing happens: they are asked again when the session ends.

use crate::common::failure::Failure;
use crate::common::lanes::Turn;
use crate::common::shared::Shared;
use crate::declare::event::{Event, Outcome, Stage};
use crate::effects::copy::{Place, StoredCopy};
use crate::effects::{Committed, Departure};
use crate::engine::Engine;
use crate::engine::hooks::outcome;
use crate::engine::plan::Calls;
use crate::host::Host;
use crate::host::hold::Hold;
use crate::run::header::Head;
use crate::run::instance::Hook;
use crate::run::plugin::Plugin;
use crate::run::question::Question;
use crate::run::verdict::{Decision, Settled};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use waxwing_storage::{Batch, Error, Ids, Write};
use waxwing_xmpp::{Stanza, StanzaError};

/// A stanza that is in a session's queue, and who may keep it.
pub struct Keep {
    /// The plugins of stage `post` that it is for.
    pub calls: Calls,
    /// What they are told.
    pub event: Event,
    /// The stanza.
    pub stanza: Stanza,
}

/// What became of it.
pub enum Kept {
    /// It is durable.
    Stored(StoredCopy),
    /// No plugin keeps it.
    Not,
    /// A plugin refuses it.
    Refused(StanzaError),
    /// The storage cannot answer now.
    Unavailable,
}

/// What is to happen now that stanzas are kept, such as telling their senders. To be waited for when nothing is held that
/// somebody else may wait for.
pub type Leaving = BoxFuture<'static, ()>;

/// What plugins want done with one stanza.
enum Wish {
    Store(Vec<Part>),
    Answered(Kept),
}

/// What one of them wants.
struct Part {
    plugin: Arc<Plugin>,
    writes: Vec<Write>,
    committed: Committed,
    turn: Option<Turn>,
}

/// The same, done.
struct Done {
    shared: Arc<Shared>,
    departure: Departure,
    turn: Option<Turn>,
}

impl Engine {
    /// Have plugins keep a run of stanzas for the session that holds them, in order and durably. Answers for as many as it
    /// has got through, one at least; the others were not looked at.
    pub async fn keep(&self, hold: &Arc<Hold>, run: Vec<Keep>) -> (Vec<Kept>, Leaving) {
        let Some(host) = self.host.upgrade() else {
            return (run.iter().map(|_| Kept::Not).collect(), std::future::ready(()).boxed());
        };
        let mut wishes = Vec::with_capacity(run.len());
        for keep in run {
            let wish = self.wish(&host, keep).await;
            // Calls in turn see what those before them have stored.
            let last = match &wish {
                Wish::Store(parts) => parts.iter().any(|part| part.turn.is_some()),
                Wish::Answered(kept) => matches!(kept, Kept::Unavailable),
            };
            wishes.push(wish);
            if last {
                break;
            }
        }
        let (kept, done) = self.store(&host, hold, wishes).await;
        let leaving = async move {
            for Done { shared, departure, turn } in done {
                let leaving = departure.leave_aside(host.clone(), shared);
                match turn {
                    Some(turn) => turn.leave(Box::pin(leaving)).await,
                    None => leaving.await,
                }
            }
        };
        (kept, leaving.boxed())
    }

    /// Ask plugins about one stanza until one keeps it or has something against it.
    async fn wish(&self, host: &Arc<dyn Host>, keep: Keep) -> Wish {
        let Keep { calls: Calls { plan, plugins, .. }, event, stanza } = keep;
        let Some(plan) = plan else { return Wish::Answered(Kept::Not) };
        let head = Head::of(&stanza);
        let mut parts: Vec<Part> = Vec::new();
        for number in plugins {
            let Some(plugin) = plan.plugins.get(usize::from(number)) else { continue };
            let hook = Hook::Post(head.event(&stanza, &event));
            let question = Question::about(host, hook, &stanza, &event);
            let mut plugin = plugin.clone();
            let mut result = plugin.hear(&question).await;
            if let Some(previous) = self.previous(&plugin, &result, || host.now()) {
                plugin = previous;
                result = plugin.hear(&question).await;
            }
            let part = result.and_then(|(settled, turn)| part(&plugin, settled, turn));
            let decision = part.map(|(decision, part)| {
                parts.extend(part);
                decision
            });
            if let Err(Failure::Storage(Error::Unavailable(_)) | Failure::Busy) = &decision {
                return Wish::Answered(Kept::Unavailable);
            }
            match outcome(decision, plugin.spec.policy.at(Stage::Post)) {
                None => {}
                Some(Outcome::Handled) if parts.iter().any(Part::appends) => return Wish::Store(parts),
                Some(Outcome::Reject(error)) => return Wish::Answered(Kept::Refused(error)),
                Some(_) => break,
            }
        }
        Wish::Answered(Kept::Not)
    }

    /// Commit what is to be stored: all together or, if something is refused, each stanza by itself.
    async fn store(
        &self,
        host: &Arc<dyn Host>,
        hold: &Arc<Hold>,
        mut wishes: Vec<Wish>,
    ) -> (Vec<Kept>, Vec<Done>) {
        let place = Arc::new(Place { common: self.common.clone(), host: Arc::downgrade(host) });
        let parts = wishes.iter().filter_map(|wish| match wish {
            Wish::Store(parts) => Some(parts),
            Wish::Answered(_) => None,
        });
        let writes: Vec<Write> = parts.flatten().flat_map(|part| part.writes.iter().cloned()).collect();
        let together = match writes.is_empty() {
            true => Ok(Ids::new()),
            false => host.storage().commit(Batch { writes }).await,
        };
        let (mut ids, refused) = match together {
            Ok(ids) => (ids.into_iter(), false),
            Err(Error::Unavailable(_)) => {
                for wish in &mut wishes {
                    if matches!(wish, Wish::Store(_)) {
                        *wish = Wish::Answered(Kept::Unavailable);
                    }
                }
                (Ids::new().into_iter(), false)
            }
            Err(_) => (Ids::new().into_iter(), true),
        };
        let (mut kept, mut done) = (Vec::with_capacity(wishes.len()), Vec::new());
        let mut names = Names::default();
        for wish in wishes {
            let parts = match wish {
                Wish::Answered(answer) => {
                    kept.push(answer);
                    continue;
                }
                Wish::Store(parts) => parts,
            };
            let appends: Vec<_> = parts
                .iter()
                .flat_map(|part| part.writes.iter())
                .filter_map(|write| names.of(write))
                .collect();
            let own = if refused {
                let writes = parts.iter().flat_map(|part| part.writes.iter().cloned()).collect();
                match host.storage().commit(Batch { writes }).await {
                    Ok(ids) => ids,
                    Err(error) => {
                        error.log(format_args!("a copy of a stanza was not stored"));
                        let unavailable = matches!(error, Error::Unavailable(_));
                        kept.push(if unavailable { Kept::Unavailable } else { Kept::Not });
                        continue;
                    }
                }
            } else {
                ids.by_ref().take(appends.len()).collect()
            };
            kept.push(Kept::Stored(StoredCopy::of(&place, &appends, own, hold)));
            done.extend(parts.into_iter().map(|part| {
                let shared = part.plugin.callable.shared.clone();
                let departure = part.committed.settle(&**host, &shared);
                Done { shared, departure, turn: part.turn }
            }));
        }
        (kept, done)
    }
}

impl Part {
    fn appends(&self) -> bool {
        self.writes.iter().any(|write| matches!(write, Write::LogAppend { .. }))
    }
}

fn part(
    plugin: &Arc<Plugin>,
    settled: Settled,
    turn: Option<Turn>,
) -> Result<(Decision, Option<Part>), Failure> {
    let Settled { decision, effects } = settled;
    let Some(effects) = effects else { return Ok((decision, None)) };
    let (writes, committed) = effects.prepare(&plugin.callable.shared)?;
    Ok((decision, Some(Part { plugin: plugin.clone(), writes, committed, turn })))
}

/// Names of stores and owners, each kept once: a run is of one account, and mostly of one store.
#[derive(Default)]
struct Names(Vec<Arc<str>>);

impl Names {
    /// Store and owner of an append.
    fn of(&mut self, write: &Write) -> Option<(Arc<str>, Arc<str>)> {
        let Write::LogAppend { store, owner, .. } = write else { return None };
        Some((self.shared(store), self.shared(owner)))
    }

    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.iter().find(|known| ***known == *name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.0.push(name.clone());
        name
    }
}
