//! Playing a script against a server of its own.

use crate::component::{Component, Values};
use crate::pretty::pretty;
use crate::script::matching::mismatch;
use crate::script::read::{Script, Step};
use crate::world::World;
use anyhow::Context as _;
use waxwing_plugins::EngineOptions;
use waxwing_xmpp::{Element, Jid, ns};

/// A test that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The line of the step in the script, if it was a step.
    pub line: Option<usize>,
    /// What was expected and what came, in lines.
    pub why: String,
}

/// What came for one party and was not taken.
#[derive(Default)]
struct Inbox {
    stanzas: Vec<Element>,
    /// How many of them an expectation has passed over, and none will look at again.
    passed: usize,
}

/// A script while it is played.
struct Play {
    world: World,
    /// One for each session that there was, and one for streams that have not logged in.
    inboxes: Vec<(Option<Jid>, Inbox)>,
}

/// Play a script to its end or to the first step that fails.
pub(crate) async fn play(script: &Script, plugin: &Component, options: &EngineOptions) -> Result<(), Failed> {
    let world = World::new(
        script.vhosts.clone(),
        script.admins.clone(),
        options.clone(),
        plugin,
        script.settings.clone(),
    )
    .await;
    let world = world.map_err(|error| Failed { line: None, why: format!("    {error:#}") })?;
    let mut play = Play { world, inboxes: Vec::new() };
    let played = match play.add(&script.plugins, plugin, options).await {
        Ok(()) => play.all(script).await,
        Err(error) => Err(Failed { line: None, why: format!("    {error:#}") }),
    };
    play.world.close().await;
    played
}

impl Play {
    /// Load the plugins that run beside the one that is tested, from files beside its own.
    async fn add(
        &mut self,
        names: &[String],
        tested: &Component,
        options: &EngineOptions,
    ) -> anyhow::Result<()> {
        for name in names {
            let file = tested.file.with_file_name(name).with_added_extension("wasm");
            anyhow::ensure!(
                file.exists(),
                "<plugin name='{name}'/>: there is no {}. A plugin that runs beside is looked for in the folder of the \
                 component that is tested: copy it there from the server's plugins folder",
                file.display()
            );
            let plugin = Component::read(&file, options).await?;
            self.world.engine.put(plugin.spec(Values::new())).await?;
        }
        Ok(())
    }

    async fn all(&mut self, script: &Script) -> Result<(), Failed> {
        for account in &script.accounts {
            let made = self.world.account(account).await;
            made.map_err(|error| Failed { line: None, why: format!("    {error:#}") })?;
        }
        for (line, step) in &script.steps {
            let done = self.step(step).await;
            done.map_err(|error| Failed { line: Some(*line), why: format!("{error:#}") })?;
            self.sort();
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        let indented = |error: anyhow::Error| anyhow::anyhow!("    {error:#}");
        match step {
            Step::Send { from: Some(from), stanza } => {
                self.world.send(from, stanza.clone()).await.map_err(indented)
            }
            Step::Send { from: None, stanza } => {
                let vhost = match &stanza.to {
                    Some(to) => to.domain().to_owned(),
                    None => self
                        .world
                        .server
                        .vhosts()
                        .first()
                        .context("there is no virtual host")?
                        .domain()
                        .to_owned(),
                };
                let answer = self.world.send_before_login(&vhost, stanza.clone()).await.map_err(indented)?;
                let answer = answer.and_then(|answer| Element::parse_in(&answer.to_xml(), ns::CLIENT).ok());
                self.inbox(None).stanzas.extend(answer);
                Ok(())
            }
            Step::Login { jid, priority } => self.world.login(jid, *priority).await.map_err(indented),
            Step::Logout { jid } => self.world.logout(jid).await.map_err(indented),
            Step::Import { account, elements } => {
                self.world.import(account, elements).await.map_err(indented)
            }
            Step::Export { account, patterns } => self.world.export(account, patterns).await,
            Step::Advance { by } => self.world.advance(*by).await.map_err(indented),
            Step::Expect { to, pattern } => self.expect(to.as_ref(), pattern),
            Step::ExpectNothing { to, patterns } => self.expect_nothing(to.as_ref(), patterns),
        }
    }

    /// Put what has come where it belongs.
    fn sort(&mut self) {
        for (jid, stanzas) in self.world.take() {
            self.inbox(Some(&jid)).stanzas.extend(stanzas);
        }
    }

    fn inbox(&mut self, of: Option<&Jid>) -> &mut Inbox {
        let number = self.inboxes.iter().position(|(owner, _)| owner.as_ref() == of).unwrap_or_else(|| {
            self.inboxes.push((of.cloned(), Inbox::default()));
            self.inboxes.len() - 1
        });
        &mut self.inboxes[number].1
    }

    fn expect(&mut self, to: Option<&Jid>, pattern: &Element) -> anyhow::Result<()> {
        if let Some(jid) = to
            && self.inboxes.iter().all(|(owner, _)| owner.as_ref() != to)
        {
            self.world.client(jid).map_err(|error| anyhow::anyhow!("    {error:#}"))?;
        }
        let inbox = self.inbox(to);
        let candidates = inbox.stanzas.iter().enumerate().skip(inbox.passed);
        let found = candidates.clone().find(|(_, stanza)| mismatch(stanza, pattern).is_none());
        if let Some((number, _)) = found {
            inbox.stanzas.remove(number);
            inbox.passed = number;
            return Ok(());
        }
        let mut why = format!("    expected at {}:\n{}\n", name(to), pretty(pattern, 8));
        let came: Vec<&Element> = candidates.map(|(_, stanza)| stanza).collect();
        if came.is_empty() {
            why += "    nothing came";
        } else {
            why += "    what came:";
        }
        for stanza in came {
            why += &format!("\n{}", pretty(stanza, 8));
            if let Some(reason) = mismatch(stanza, pattern).filter(|_| stanza.name() == pattern.name()) {
                why += &format!("\n        ({reason})");
            }
        }
        Err(anyhow::anyhow!(why))
    }

    fn expect_nothing(&mut self, to: Option<&Jid>, patterns: &[Element]) -> anyhow::Result<()> {
        let counts = |stanza: &&Element| {
            patterns.is_empty() || patterns.iter().any(|pattern| mismatch(stanza, pattern).is_none())
        };
        let mut why = String::new();
        for (owner, inbox) in self.inboxes.iter().filter(|(owner, _)| to.is_none() || owner.as_ref() == to) {
            let came: Vec<&Element> = inbox.stanzas.iter().filter(counts).collect();
            if !came.is_empty() {
                why += &format!("    nothing was expected at {}, but this came:\n", name(owner.as_ref()));
                why.extend(came.iter().map(|stanza| pretty(stanza, 8) + "\n"));
            }
        }
        if why.is_empty() { Ok(()) } else { Err(anyhow::anyhow!(why.trim_end().to_owned())) }
    }
}

fn name(party: Option<&Jid>) -> String {
    party.map_or("the stream that has not logged in".to_owned(), ToString::to_string)
}
