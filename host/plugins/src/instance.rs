//! One instance of a plugin, and the ways into it.

use crate::bindings::LentStanza;
use crate::bindings::exports::xmpp::plugin::{filter, lifecycle, post, pre, process, sessions};
use crate::bindings::xmpp::plugin::types as wit;
use crate::state::{Call, Shared, State, begin};
use std::sync::Arc;
use wasmtime::component::{InstancePre, Resource};
use wasmtime::{Result, Store};

/// Which hooks a component has, and where.
#[derive(Clone)]
pub(crate) struct Exports {
    pub lifecycle: lifecycle::GuestIndices,
    pub pre: Option<pre::GuestIndices>,
    pub process: Option<process::GuestIndices>,
    pub post: Option<post::GuestIndices>,
    pub filter: Option<filter::GuestIndices>,
    pub sessions: Option<sessions::GuestIndices>,
}

/// One instance: takes one call at a time, and is thrown away after a call that failed.
pub(crate) struct Instance {
    store: Store<State>,
    lifecycle: lifecycle::Guest,
    pre: Option<pre::Guest>,
    process: Option<process::Guest>,
    post: Option<post::Guest>,
    filter: Option<filter::Guest>,
    sessions: Option<sessions::Guest>,
    /// Hook calls taken.
    pub calls: u64,
}

/// A hook and what it is told.
pub(crate) enum Hook<'a> {
    Pre(wit::Event<'a>),
    Process(wit::Event<'a>),
    Post(wit::Event<'a>),
    Filter(&'a String, wit::Event<'a>),
    Session(&'a String, sessions::Change<'a>),
}

/// What a hook answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Verdict(wit::Verdict),
    Flow(sessions::Flow),
}

impl Instance {
    /// Instantiate a component, up to but not including `init`.
    pub async fn new(pre: &InstancePre<State>, exports: &Exports, shared: &Arc<Shared>) -> Result<Instance> {
        let mut store = State::new(shared.clone()).store(pre.engine());
        // A component may run code of its own while it is instantiated.
        begin(&mut store, None);
        let instance = pre.instantiate_async(&mut store).await?;
        crate::counters::add(&shared.counters.instances, 1);
        Ok(Instance {
            lifecycle: exports.lifecycle.load(&mut store, &instance)?,
            pre: exports.pre.as_ref().map(|hook| hook.load(&mut store, &instance)).transpose()?,
            process: exports.process.as_ref().map(|hook| hook.load(&mut store, &instance)).transpose()?,
            post: exports.post.as_ref().map(|hook| hook.load(&mut store, &instance)).transpose()?,
            filter: exports.filter.as_ref().map(|hook| hook.load(&mut store, &instance)).transpose()?,
            sessions: exports.sessions.as_ref().map(|hook| hook.load(&mut store, &instance)).transpose()?,
            store,
            calls: 0,
        })
    }

    pub async fn describe(&mut self) -> Result<lifecycle::Description> {
        begin(&mut self.store, None);
        self.lifecycle.call_describe(&mut self.store).await
    }

    pub async fn init(
        &mut self,
        settings: &[lifecycle::Setting<'_>],
    ) -> Result<Result<(), String>, wasmtime::Error> {
        begin(&mut self.store, None);
        self.lifecycle.call_init(&mut self.store, settings).await
    }

    /// Call a hook. After an error the instance must not be used again. `None` for a hook that the
    /// component does not have.
    pub async fn call(&mut self, call: Box<Call>, hook: &Hook<'_>) -> Result<Option<(Answer, Box<Call>)>> {
        begin(&mut self.store, Some(call));
        self.calls += 1;
        let store = &mut self.store;
        let stanza = || Resource::<LentStanza>::new_borrow(0);
        let answer = match hook {
            Hook::Pre(event) => match &self.pre {
                Some(guest) => guest.call_on_pre(store, event.clone(), stanza()).await.map(Answer::Verdict),
                None => return Ok(None),
            },
            Hook::Process(event) => match &self.process {
                Some(guest) => {
                    guest.call_on_process(store, event.clone(), stanza()).await.map(Answer::Verdict)
                }
                None => return Ok(None),
            },
            Hook::Post(event) => match &self.post {
                Some(guest) => guest.call_on_post(store, event.clone(), stanza()).await.map(Answer::Verdict),
                None => return Ok(None),
            },
            Hook::Filter(session, event) => match &self.filter {
                Some(guest) => {
                    guest.call_on_filter(store, session, event.clone(), stanza()).await.map(Answer::Verdict)
                }
                None => return Ok(None),
            },
            Hook::Session(session, change) => match &self.sessions {
                Some(guest) => guest.call_on_session(store, session, change.clone()).await.map(Answer::Flow),
                None => return Ok(None),
            },
        };
        // What is left of the call must not keep the server or the stanza alive in an idle instance.
        let call = self.store.data_mut().call.take();
        Ok(call.zip(Some(answer?)).map(|(call, answer)| (answer, call)))
    }
}
