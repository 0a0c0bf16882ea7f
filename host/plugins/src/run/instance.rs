//! One instance of a plugin, and the ways into it.

use crate::bindings::LentStanza;
use crate::bindings::exports::xmpp::plugin as exports;
use crate::bindings::exports::xmpp::plugin::lifecycle;
use crate::bindings::xmpp::plugin::types as wit;
use crate::common::shared::Shared;
use crate::declare::command::{CommandReply, CommandRequest};
use crate::declare::grants::Grant;
use crate::run::guest_commands;
use crate::run::state::{Call, State, begin};
use exports::{portable, replies, sessions};
use std::sync::Arc;
use wasmtime::component::{InstancePre, Resource};
use wasmtime::{Result, Store};
use waxwing_xmpp::{Jid, StanzaError};

/// Setting up an instance may take this many times the CPU time of a call: interpreters start slowly.
const SETUP: u32 = 40;

macro_rules! hooks {
    ($($hook:ident = $grant:ident),+) => {
        /// Which hooks a component has, and where.
        #[derive(Clone)]
        pub(crate) struct Exports {
            pub lifecycle: lifecycle::GuestIndices,
            $(pub $hook: Option<exports::$hook::GuestIndices>,)+
        }

        /// The ways into an instance.
        struct Ways {
            lifecycle: lifecycle::Guest,
            $($hook: Option<exports::$hook::Guest>,)+
        }

        impl Exports {
            /// The hooks that the component has.
            pub fn hooks(&self) -> Vec<Grant> {
                let all = [$((Grant::$grant, self.$hook.is_some())),+];
                all.into_iter().filter(|(_, has)| *has).map(|(hook, _)| hook).collect()
            }

            fn load(&self, store: &mut Store<State>, instance: &wasmtime::component::Instance) -> Result<Ways> {
                Ok(Ways {
                    lifecycle: self.lifecycle.load(&mut *store, instance)?,
                    $($hook: self.$hook.as_ref().map(|hook| hook.load(&mut *store, instance)).transpose()?,)+
                })
            }
        }
    };
}

hooks! {
    pre = Pre, incoming = Incoming, process = Process, post = Post, filter = Filter, sessions = Sessions, service = Service,
    commands = Commands, alarms = Alarms, replies = Replies, portable = Portable
}

/// One instance: takes one call at a time, and is thrown away after a call that failed.
pub(crate) struct Instance {
    store: Store<State>,
    ways: Ways,
    /// Hook calls taken.
    pub calls: u64,
}

/// A hook and what it is told.
pub(crate) enum Hook<'a> {
    Pre(wit::Event<'a>),
    Incoming(wit::Event<'a>),
    Process(wit::Event<'a>),
    Post(wit::Event<'a>),
    Filter(&'a String, wit::Event<'a>),
    Session(&'a String, sessions::Change<'a>),
    Service(wit::Event<'a>),
    Command(&'a CommandRequest),
    Alarm { owner: &'a String, name: &'a str, due: u64, data: &'a [u8] },
    Reply { from: &'a String, context: &'a [u8], answer: replies::Answer<'a>, stanza: bool },
    Export { account: &'a String, kind: &'a String, after: Option<&'a str> },
    Import { account: &'a String, kind: &'a String },
}

impl Hook<'_> {
    /// The grant that the hook takes.
    pub fn grant(&self) -> Grant {
        match self {
            Hook::Pre(_) => Grant::Pre,
            Hook::Incoming(_) => Grant::Incoming,
            Hook::Process(_) => Grant::Process,
            Hook::Post(_) => Grant::Post,
            Hook::Filter(..) => Grant::Filter,
            Hook::Session(..) => Grant::Sessions,
            Hook::Service(_) => Grant::Service,
            Hook::Command(_) => Grant::Commands,
            Hook::Alarm { .. } => Grant::Alarms,
            Hook::Reply { .. } => Grant::Replies,
            Hook::Export { .. } | Hook::Import { .. } => Grant::Portable,
        }
    }
}

/// What a hook answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Verdict(wit::Verdict),
    Flow(sessions::Flow),
    Command(std::result::Result<CommandReply, StanzaError>),
    Page(std::result::Result<portable::Page, String>),
    Taken(std::result::Result<(), String>),
    Nothing,
}

impl Answer {
    /// Bytes of it that are for whoever has sent the stanza, or for whom it is for.
    pub fn bytes(&self) -> usize {
        let text = |error: Option<&String>| error.map_or(0, String::len);
        match self {
            Answer::Verdict(wit::Verdict::Reply(xml) | wit::Verdict::Replace(xml)) => xml.len(),
            Answer::Verdict(wit::Verdict::Reject(error)) => text(error.text.as_ref()),
            Answer::Command(Ok(reply)) => reply.bytes(),
            Answer::Command(Err(error)) => text(error.text.as_ref()),
            _ => 0,
        }
    }
}

impl Instance {
    /// Instantiate a component, up to but not including `init`.
    pub async fn new(pre: &InstancePre<State>, exports: &Exports, shared: &Arc<Shared>) -> Result<Instance> {
        let mut store = State::new(shared.clone()).store(pre.engine());
        // A component may run code of its own while it is instantiated.
        begin(&mut store, None, SETUP);
        let instance = pre.instantiate_async(&mut store).await?;
        crate::common::counters::add(&shared.counters.instances, 1);
        let ways = exports.load(&mut store, &instance)?;
        Ok(Instance { store, ways, calls: 0 })
    }

    pub async fn describe(&mut self) -> Result<lifecycle::Description> {
        begin(&mut self.store, None, SETUP);
        self.ways.lifecycle.call_describe(&mut self.store).await
    }

    pub async fn init(
        &mut self,
        settings: &[lifecycle::Setting<'_>],
    ) -> Result<std::result::Result<(), String>, wasmtime::Error> {
        begin(&mut self.store, None, SETUP);
        self.ways.lifecycle.call_init(&mut self.store, settings).await
    }

    /// Bytes of memory that it uses.
    pub fn memory(&self) -> usize {
        self.store.data().memory_used()
    }

    /// Call a hook. After an error the instance must not be used again. `None` for a hook that the
    /// component does not have.
    pub async fn call(
        &mut self,
        mut call: Box<Call>,
        hook: &Hook<'_>,
    ) -> Result<Option<(Answer, Box<Call>)>> {
        match hook {
            Hook::Command(request) => call.actor = Some(Jid::parse(&request.user)?),
            Hook::Import { account, .. } => call.importing = Some(Jid::parse(account)?),
            _ => {}
        }
        begin(&mut self.store, Some(call), 1);
        self.calls += 1;
        let answer = self.answer(hook).await;
        // What is left of the call must not keep the server or the stanza alive in an idle instance.
        let call = self.store.data_mut().call.take();
        Ok(call.zip(answer?).map(|(call, answer)| (answer, call)))
    }

    async fn answer(&mut self, hook: &Hook<'_>) -> Result<Option<Answer>> {
        let (store, ways) = (&mut self.store, &self.ways);
        let stanza = || Resource::<LentStanza>::new_borrow(0);
        macro_rules! verdict {
            ($way:ident, $function:ident($($argument:expr),*)) => {
                match &ways.$way {
                    Some(guest) => {
                        let verdict = guest.$function(store, $($argument,)* stanza()).await?;
                        Some(Answer::Verdict(verdict))
                    }
                    None => None,
                }
            };
        }
        Ok(match hook {
            Hook::Pre(event) => verdict!(pre, call_on_pre(event.clone())),
            Hook::Incoming(event) => verdict!(incoming, call_on_incoming(event.clone())),
            Hook::Process(event) => verdict!(process, call_on_process(event.clone())),
            Hook::Post(event) => verdict!(post, call_on_post(event.clone())),
            Hook::Service(event) => verdict!(service, call_on_service(event.clone())),
            Hook::Filter(session, event) => verdict!(filter, call_on_filter(session, event.clone())),
            Hook::Session(session, change) => match &ways.sessions {
                Some(guest) => {
                    Some(Answer::Flow(guest.call_on_session(store, session, change.clone()).await?))
                }
                None => None,
            },
            Hook::Command(request) => match &ways.commands {
                Some(guest) => Some(Answer::Command(guest_commands::call(guest, store, request).await?)),
                None => None,
            },
            Hook::Alarm { owner, name, due, data } => match &ways.alarms {
                Some(guest) => {
                    guest.call_on_alarm(store, owner, name, *due, data).await?;
                    Some(Answer::Nothing)
                }
                None => None,
            },
            Hook::Reply { from, context, answer, stanza: has } => match &ways.replies {
                Some(guest) => {
                    let stanza = has.then(stanza);
                    guest.call_on_reply(store, from, context, answer.clone(), stanza).await?;
                    Some(Answer::Nothing)
                }
                None => None,
            },
            Hook::Export { account, kind, after } => match &ways.portable {
                Some(guest) => Some(Answer::Page(guest.call_on_export(store, account, kind, *after).await?)),
                None => None,
            },
            Hook::Import { account, kind } => match &ways.portable {
                Some(guest) => {
                    Some(Answer::Taken(guest.call_on_import(store, account, kind, stanza()).await?))
                }
                None => None,
            },
        })
    }
}
