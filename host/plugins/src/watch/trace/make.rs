//! From what a call leaves behind to its trace.

use super::{
    Trace, TraceAlarm, TraceAnswer, TraceDatum, TraceError, TraceFailure, TraceMark, TraceRequest,
    TraceStanza, TraceWrite,
};
use crate::bindings::exports::xmpp::plugin::sessions::Flow;
use crate::blob::Blob;
use crate::common::failure::{Failure, STATE};
use crate::declare::grants::Grant;
use crate::declare::marks::Marks;
use crate::effects::Effects;
use crate::host::Outgoing;
use crate::run::notes::Notes;
use crate::run::verdict::{Decision, Settled};
use std::time::Duration;
use waxwing_storage::{Alarm, Write};
use waxwing_xmpp::{Stanza, StanzaError};

impl Trace {
    /// The trace of one call.
    pub(crate) fn of(
        hook: Grant,
        result: &Result<Settled, Failure>,
        notes: &Notes,
        marks: &Marks,
        (cpu, time): (Duration, Duration),
    ) -> Trace {
        let notes = notes.take();
        let answer = match result {
            Ok(settled) => answer(&settled.decision, hook),
            Err(failure) => TraceAnswer::Failed(failure.into()),
        };
        let mut trace = Trace {
            answer,
            outbox: Vec::new(),
            writes: Vec::new(),
            alarms: Vec::new(),
            marks: Vec::new(),
            account_data: Vec::new(),
            requests: Vec::new(),
            removals: Vec::new(),
            accounts: notes.accounts,
            log: notes.lines,
            counts: notes.counts,
            cpu,
            time,
        };
        if let Ok(Settled { effects: Some(effects), .. }) = result {
            trace.add(effects, marks);
        }
        trace
    }

    /// About how many bytes it keeps.
    pub(crate) fn weight(&self) -> usize {
        let blob = |blob: &Option<Blob>| blob.as_ref().map_or(0, |blob| blob.0.len());
        let answer = match &self.answer {
            TraceAnswer::Reply(xml) | TraceAnswer::Replace(xml) => xml.len(),
            // A form, and the largest state: seldom there, so not worth a closer look.
            TraceAnswer::Command(_) => STATE,
            TraceAnswer::Page(page) => page.elements.iter().map(String::len).sum(),
            _ => 0,
        };
        let outbox = self.outbox.iter().map(|stanza| match stanza {
            TraceStanza::Route(xml) | TraceStanza::Deliver { xml, .. } => 64 + xml.len(),
        });
        let writes = self.writes.iter().map(|write| match write {
            TraceWrite::TableSet { value, .. } | TraceWrite::LogAppend { value, .. } => 256 + value.0.len(),
            TraceWrite::TableSwap { old, new, .. } => 256 + blob(old) + new.0.len(),
            TraceWrite::TableUnset { .. }
            | TraceWrite::TableDelete { .. }
            | TraceWrite::LogRemove { .. }
            | TraceWrite::LogTrim { .. } => 256,
        });
        let alarms =
            self.alarms.iter().map(|alarm| 64 + alarm.set.as_ref().map_or(0, |(_, data)| data.0.len()));
        let data = self.account_data.iter().map(|datum| 64 + blob(&datum.value));
        let requests = self.requests.iter().map(|request| 64 + request.context.0.len());
        let log = self.log.iter().map(|line| line.text.len());
        256 + answer
            + outbox.chain(writes).chain(alarms).chain(data).chain(requests).chain(log).sum::<usize>()
    }

    fn add(&mut self, effects: &Effects, marks: &Marks) {
        let request = |stanza: &Stanza| {
            let id = stanza.id()?;
            effects.requests.iter().position(|request| request.id == *id)
        };
        let xml = |stanza: &Stanza| match request(stanza) {
            Some(number) => stanza.with_id(&format!("request-{}", number + 1)).to_xml(),
            None => stanza.to_xml(),
        };
        self.outbox.extend(effects.outbox.stanzas().iter().map(|outgoing| match outgoing {
            Outgoing::Route(stanza) => TraceStanza::Route(xml(stanza)),
            Outgoing::Deliver { session, stanza } => {
                TraceStanza::Deliver { session: session.to_string(), xml: xml(stanza) }
            }
        }));
        for write in effects.staged.writes() {
            match (alarm(write), change(write)) {
                (Some(alarm), _) => self.alarms.push(alarm),
                (None, Some(TraceWrite::TableDelete { store, owner, key })) => {
                    self.writes.push(TraceWrite::TableUnset { store, owner, key });
                }
                (None, change) => self.writes.extend(change),
            }
        }
        self.writes.extend(effects.staged.deletes().filter_map(change));
        self.marks.extend(effects.marks.iter().map(|(session, number, on)| TraceMark {
            session: session.to_string(),
            mark: marks.names(1 << number).pop().unwrap_or_default(),
            on: *on,
        }));
        self.account_data.extend(effects.account_data.iter().map(|datum| TraceDatum {
            account: datum.account.to_string(),
            key: datum.key.clone(),
            value: datum.value.clone().map(Into::into),
        }));
        self.requests.extend(effects.requests.iter().map(|request| TraceRequest {
            from: request.from.to_string(),
            to: request.to.to_string(),
            context: request.context.clone().into(),
            timeout: request.timeout,
        }));
        self.removals.extend(effects.removals.iter().map(ToString::to_string));
    }
}

fn answer(decision: &Decision, hook: Grant) -> TraceAnswer {
    match decision {
        Decision::Next if matches!(hook, Grant::Alarms | Grant::Replies) => TraceAnswer::Nothing,
        Decision::Next => TraceAnswer::Next,
        Decision::Replace(stanza) => TraceAnswer::Replace(stanza.to_xml()),
        Decision::Handled => TraceAnswer::Handled,
        Decision::Reply(inner) => TraceAnswer::Reply(inner.clone()),
        Decision::Drop => TraceAnswer::Drop,
        Decision::Reject(error) => TraceAnswer::Reject(error.into()),
        Decision::Flow(Flow::Done) => TraceAnswer::Done,
        Decision::Flow(Flow::Again) => TraceAnswer::Again,
        Decision::Command(Ok(reply)) => TraceAnswer::Command(reply.clone()),
        Decision::Command(Err(error)) => TraceAnswer::Refuse(error.into()),
        Decision::Page(Ok(page)) => TraceAnswer::Page(page.clone()),
        Decision::Taken(Ok(())) => TraceAnswer::Taken,
        Decision::Page(Err(why)) | Decision::Taken(Err(why)) => TraceAnswer::Unable(why.clone()),
    }
}

impl From<&StanzaError> for TraceError {
    fn from(error: &StanzaError) -> Self {
        TraceError {
            condition: error.condition.to_string(),
            ty: error.ty.to_string(),
            text: error.text.clone(),
        }
    }
}

impl From<&Failure> for TraceFailure {
    fn from(failure: &Failure) -> Self {
        let kind = match failure {
            Failure::Trap(_) => "trap",
            Failure::Cpu(_) => "cpu",
            Failure::Timeout(_) => "timeout",
            Failure::Busy => "busy",
            Failure::Refused(_) => "start",
            Failure::WrongVerdict(_) => "verdict",
            Failure::BadXml(_) => "xml",
            Failure::LargeAnswer(_) => "size",
            Failure::BigState => "state",
            Failure::Storage(_) => "storage",
            Failure::Chain => "chain",
            Failure::Suspended => "suspended",
        };
        TraceFailure { kind: kind.to_owned(), text: failure.to_string() }
    }
}

fn alarm(write: &Write) -> Option<TraceAlarm> {
    match write {
        Write::SetAlarm(Alarm { owner, name, at, data, .. }) => Some(TraceAlarm {
            owner: owner.clone(),
            name: name.clone(),
            set: Some((*at, data.clone().into())),
        }),
        Write::ClearAlarm { owner, name, .. } => {
            Some(TraceAlarm { owner: owner.clone(), name: name.clone(), set: None })
        }
        _ => None,
    }
}

/// `None` for what no plugin can write.
fn change(write: &Write) -> Option<TraceWrite> {
    Some(match write.clone() {
        Write::TableSet { store, owner, key, value } => {
            TraceWrite::TableSet { store, owner, key, value: value.into() }
        }
        Write::TableSwap { store, owner, key, old, new } => {
            TraceWrite::TableSwap { store, owner, key, old: old.map(Into::into), new: new.into() }
        }
        Write::TableDelete { store, owner, key } => TraceWrite::TableDelete { store, owner, key },
        Write::LogAppend { store, owner, at, tag, value, expires } => {
            TraceWrite::LogAppend { store, owner, at, tag, value: value.into(), expires }
        }
        Write::LogRemove { store, owner, id } => TraceWrite::LogRemove { store, owner, id },
        Write::LogTrim { store, owner, through } => TraceWrite::LogTrim { store, owner, through },
        _ => return None,
    })
}
