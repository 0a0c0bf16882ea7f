//! One step after another of a command.

use super::check::{Answers, bytes, check, complaints, filled_in, is_called};
use super::protocol::{self, Action, Wish};
use super::sessions::{Page, Run};
use crate::server::Server;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;
use waxwing_plugins::{CommandAction, CommandReply, CommandRequest, Form};
use waxwing_xmpp::{Condition, StanzaError};

/// Random bytes in the `sessionid` of a command under way: nobody can guess one.
const SESSION_BYTES: usize = 16;
/// Steps that may be filled in at once.
const STEPS: usize = 10;

impl Server {
    /// Take the step that a user wants, and answer with what goes into the result.
    pub(super) async fn take_step(&self, run: Run, wish: Wish) -> Result<String, StanzaError> {
        let Wish { session, action, answers, .. } = wish;
        let Some(id) = session else {
            if action != Action::Execute {
                return Err(protocol::bad_action());
            }
            let id = self.random_text(SESSION_BYTES).ok_or(Condition::InternalServerError)?;
            let reply = self.go_through(&run, &answers, false, |_, _| true).await;
            return self.turn_page(&id, &run.node, reply, |page| self.begin(&id, &run, page));
        };
        let page = self.command_sessions.resume(&id, &run, Instant::now())?;
        if action == Action::Cancel {
            self.command_sessions.close(&id);
            return Ok(protocol::canceled(&run.node, &id));
        }
        let action = action.at(&page)?;
        let answers = match (&page.form, action) {
            // On the way back nothing needs to be right.
            (Some(form), CommandAction::Next | CommandAction::Complete) => match self.checked(form, &answers)
            {
                Ok(answers) => answers,
                Err(wrong) => {
                    let wrong = without_secrets(*wrong);
                    let xml =
                        protocol::executing(&run.node, &id, &page, &wrong, complaints(&wrong).as_deref());
                    self.command_sessions.keep(&id, page, Instant::now());
                    return Ok(xml);
                }
            },
            _ => answers,
        };
        let reply = self.ask_for_step(&run, action, answers, page.state).await;
        self.turn_page(&id, &run.node, reply, |page| self.command_sessions.keep(&id, page, Instant::now()))
    }

    /// A command waits for its second step. One that ends with the first takes no place.
    fn begin(&self, id: &str, run: &Run, page: Page) {
        let exempt = self.is_admin(&run.user);
        let given_up = self.command_sessions.open(id, run, page, exempt, Instant::now());
        self.stats.commands_given_up.fetch_add(given_up, Ordering::Relaxed);
    }

    /// Begin a command. Answers that come with the first request are those of the steps that follow, as far as
    /// they have a place there, or else `to_its_end`; the rest of each form is left as it is. `goes_on` is shown
    /// each form that is about to be sent on, and whether it is the last, and may say no.
    pub(super) async fn go_through(
        &self,
        run: &Run,
        given: &Answers,
        to_its_end: bool,
        mut goes_on: impl FnMut(&Form, bool) -> bool,
    ) -> Result<CommandReply, StanzaError> {
        let mut reply = self.begin_with(run, !given.is_empty()).await?;
        let mut before: Option<Form> = None;
        let mut unplaced: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        for _ in 0..STEPS {
            let CommandReply::Step { form, state, has_prev, has_next } = reply else { return Ok(reply) };
            let has = |name: &str| form.fields.iter().any(|it| it.ty != "hidden" && is_called(it, name));
            // What is on the way to the form that they are for needs nothing from them.
            let most = self.settings.limits.form_field_bytes;
            let is_passed = || has_next && check(&form, &filled_in(&form, &Answers::new()), most).is_ok();
            let is_there = unplaced.iter().any(|name| has(name));
            let is_meant =
                !given.is_empty() && (to_its_end || is_there || !unplaced.is_empty() && is_passed());
            unplaced.retain(|name| !has(name));
            // The same form again is one with something wrong in it.
            if !is_meant || repeats(before.as_ref(), &form) || !goes_on(&form, !has_next) {
                return Ok(CommandReply::Step { form: without_secrets(form), state, has_prev, has_next });
            }
            let answers = match self.checked(&form, &filled_in(&form, given)) {
                Ok(answers) => answers,
                Err(form) => {
                    return Ok(CommandReply::Step {
                        form: without_secrets(*form),
                        state,
                        has_prev,
                        has_next,
                    });
                }
            };
            let action = if has_next { CommandAction::Next } else { CommandAction::Complete };
            before = Some(form);
            reply = self.ask_for_step(run, action, answers, state).await?;
        }
        Err(StanzaError::from(Condition::InternalServerError).with_text("this command has no end"))
    }

    /// What was filled in, if it is as the form asks.
    fn checked(&self, form: &Form, given: &Answers) -> Result<Answers, Box<Form>> {
        let most = self.settings.limits.form_field_bytes;
        let too_long = given.iter().filter(|(_, values)| bytes(values) > most).count() as u64;
        self.stats.fields_too_long.fetch_add(too_long, Ordering::Relaxed);
        check(form, given, most)
    }

    /// Ask the maker of a command for the first step.
    async fn begin_with(&self, run: &Run, answers_follow: bool) -> Result<CommandReply, StanzaError> {
        let first = request(run, CommandAction::Execute);
        self.run_step(&CommandRequest { answers_follow, ..first }).await
    }

    /// Ask the maker of a command for one of the steps after it.
    async fn ask_for_step(
        &self,
        run: &Run,
        action: CommandAction,
        answers: Answers,
        state: Vec<u8>,
    ) -> Result<CommandReply, StanzaError> {
        self.run_step(&CommandRequest { answers, state, ..request(run, action) }).await
    }

    async fn run_step(&self, request: &CommandRequest) -> Result<CommandReply, StanzaError> {
        self.engine.get().ok_or(Condition::ItemNotFound)?.run_command(request).await
    }

    /// Have what a step leaves for the next remembered, or forget the command if there is none.
    fn turn_page(
        &self,
        id: &str,
        node: &str,
        reply: Result<CommandReply, StanzaError>,
        remember: impl FnOnce(Page),
    ) -> Result<String, StanzaError> {
        match reply {
            Ok(CommandReply::Step { form, state, has_prev, has_next }) => {
                let form = Arc::new(without_secrets(form));
                let page = Page { form: Some(form.clone()), state, has_prev, has_next };
                let xml = protocol::executing(node, id, &page, &form, complaints(&form).as_deref());
                remember(page);
                Ok(xml)
            }
            Ok(CommandReply::Done { note, severity, form }) => {
                self.command_sessions.close(id);
                Ok(protocol::completed(node, id, note.as_deref(), severity, form.as_ref()))
            }
            Err(error) => {
                self.command_sessions.close(id);
                Err(error)
            }
        }
    }
}

/// What a command's maker is asked, with nothing filled in.
fn request(run: &Run, action: CommandAction) -> CommandRequest {
    CommandRequest {
        node: run.node.clone(),
        user: run.user.to_string(),
        vhost: run.vhost.clone(),
        action,
        answers: Vec::new(),
        answers_follow: false,
        state: Vec::new(),
    }
}

/// What was typed where nobody is to look is not sent back.
fn without_secrets(mut form: Form) -> Form {
    for field in form.fields.iter_mut().filter(|field| field.ty == "text-private") {
        field.values.clear();
    }
    form
}

/// Whether a form has the same fields as the one before.
fn repeats(before: Option<&Form>, form: &Form) -> bool {
    let names = |form: &Form| form.fields.iter().map(|field| field.var.clone()).collect::<Vec<_>>();
    before.is_some_and(|before| names(before) == names(form))
}
