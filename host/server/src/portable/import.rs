//! From a file to a server, account by account. One that is there is left alone, so an import that was interrupted
//! can be repeated.

use super::read::{Item, Place, read};
use super::report::{Imported, remember};
use super::user::{self, User};
use super::{OWN, PIE, PortableError, Progress, SCRAM, keys, vhosts};
use crate::server::Server;
use crate::vhosts::VhostError;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;
use tokio::sync::mpsc;
use waxwing_plugins::PortableKind;
use waxwing_xmpp::{Element, Jid, ns, sasl};

/// Elements that may wait to be taken.
const WAITING: usize = 8;
/// Children of one element that a plugin takes at a time: so many, or of so many bytes.
const PART: usize = 32;
const PART_BYTES: usize = 16 << 10;

/// The element of rosters.
const ROSTER: &str = "{jabber:iq:roster}query";

/// An import.
struct Import<'a> {
    server: &'a Server,
    report: Imported,
    host: Option<Host>,
    user: Option<Current>,
}

/// The virtual host whose accounts are being read.
struct Host {
    domain: String,
    /// Settings that it is to be added with.
    settings: Vec<(String, String)>,
    /// Whether it is served, once somebody needs to know.
    served: Option<bool>,
    kinds: Vec<(PortableKind, String)>,
}

/// The account that is being read.
struct Current {
    user: User,
    place: Place,
    /// Why it cannot be imported.
    bad: Option<String>,
    parts: Parts,
}

/// Children of one element that wait to be taken together.
#[derive(Default)]
struct Parts {
    kind: usize,
    count: usize,
    xml: String,
    place: Option<Place>,
}

impl Server {
    /// Read these files and take the accounts in them. With `dry_run` nothing is changed.
    ///
    /// # Errors
    /// See [`PortableError`]. The accounts before that are there.
    pub async fn import(
        &self,
        files: Vec<PathBuf>,
        dry_run: bool,
        progress: &Progress,
    ) -> Result<Imported, PortableError> {
        let _turn = self.importing.try_acquire().map_err(|_| PortableError::Busy)?;
        let report = Imported { dry_run, ..Imported::default() };
        let mut import = Import { server: self, report, host: None, user: None };
        let mut split: BTreeSet<String> = match self.engine.get() {
            Some(engine) => engine
                .plugins_portable()
                .into_iter()
                .filter(|kind| kind.children)
                .map(|kind| format!("{{{}}}{}", kind.ns, kind.name))
                .collect(),
            None => BTreeSet::new(),
        };
        // It may be long.
        split.insert(ROSTER.to_owned());
        let (items, mut arriving) = mpsc::channel(WAITING);
        let reading = tokio::task::spawn_blocking(move || {
            files
                .iter()
                .try_for_each(|file| read(file, &split, &mut |item| items.blocking_send(item).is_ok()))
        });
        while let Some(item) = arriving.recv().await {
            import.take(item, progress).await?;
        }
        let read = reading.await.map_err(|_| PortableError::Stopping)?;
        // What was cut off in the middle is not to be kept by halves.
        if let Some(current) = import.user.take() {
            self.drop_user(&current.user).await?;
        }
        if let Err(error) = read {
            // What was done so far is worth knowing.
            import.report.problems.add(error.to_string());
        }
        tracing::info!(accounts = import.report.accounts, dry_run, "imported");
        Ok(import.report)
    }
}

/// A stanza that has the namespace of the file, as Prosody 0.12 writes them, in that of clients.
fn for_clients(element: &Element) -> Cow<'_, Element> {
    if element.ns() != PIE || !["message", "presence"].contains(&element.name()) {
        return Cow::Borrowed(element);
    }
    let read = Element::parse_in(&element.to_xml_in(PIE), ns::CLIENT);
    read.map_or(Cow::Borrowed(element), Cow::Owned)
}

impl Import<'_> {
    async fn take(&mut self, item: Item, progress: &Progress) -> Result<(), PortableError> {
        match item {
            Item::Host { domain, place } => {
                // Domains are compared as they are stored.
                let domain = domain.and_then(|domain| Jid::parse(&domain).ok());
                match domain.filter(Jid::is_domain) {
                    Some(jid) => {
                        let (domain, settings) = (jid.domain().to_owned(), Vec::new());
                        self.host = Some(Host { domain, settings, served: None, kinds: Vec::new() });
                    }
                    None => {
                        self.host = None;
                        self.problem(&place, "a <host/> has no valid domain; its accounts were not imported");
                    }
                }
            }
            Item::HostElement { element, .. } => match &mut self.host {
                Some(host) if host.served.is_none() && element.is(vhosts::NAME, OWN) => {
                    host.settings = vhosts::read(&element);
                }
                _ => self.left_out(&element),
            },
            Item::HostEnd { place } => {
                self.serve(&place).await;
                self.host = None;
            }
            Item::User { name, password, place } => self.begin(name, password, place).await?,
            Item::UserElement { element, place } => self.element(&element, place).await?,
            Item::Part { of, element, place } => self.part(&of, &element, place).await?,
            Item::TooLarge { name, place } => {
                self.problem(&place, &format!("<{name}> is too large and was not imported"));
            }
            Item::UserEnd => {
                self.end().await?;
                progress.step();
            }
            Item::Unknown { element } => self.left_out(&element),
        }
        Ok(())
    }

    /// See to it that the virtual host is served. Whether it is.
    async fn serve(&mut self, place: &Place) -> bool {
        let Some(host) = &mut self.host else { return false };
        if let Some(served) = host.served {
            return served;
        }
        let mut problem = None;
        let served = if self.server.is_local(&host.domain) {
            true
        } else if self.report.dry_run {
            // Nothing is added, so the next file that has it finds it missing, too.
            if !self.report.vhosts.contains(&host.domain) {
                self.report.vhosts.push(host.domain.clone());
            }
            true
        } else {
            match self.server.add_vhost(&host.domain, &host.settings).await {
                Ok(()) => {
                    self.report.vhosts.push(host.domain.clone());
                    true
                }
                Err(VhostError::Exists) => true,
                Err(why) => {
                    problem = Some(format!(
                        "the virtual host {} cannot be added, so its accounts were not imported: {why}",
                        host.domain
                    ));
                    false
                }
            }
        };
        if let Some(engine) = self.server.engine.get() {
            host.kinds = engine.portable(&host.domain);
        }
        host.served = Some(served);
        if let Some(problem) = problem {
            self.problem(place, &problem);
        }
        served
    }

    async fn begin(
        &mut self,
        name: Option<String>,
        password: Option<String>,
        place: Place,
    ) -> Result<(), PortableError> {
        self.user = None;
        if !self.serve(&place).await {
            return Ok(());
        }
        let Some(host) = &self.host else { return Ok(()) };
        let name = name.unwrap_or_default();
        let Ok(jid) = sasl::account(&name, &host.domain) else {
            let said = format!("'{name}' at {} is no address of an account", host.domain);
            self.problem(&place, &said);
            return Ok(());
        };
        if self.server.component(&jid).is_some() {
            self.problem(&place, &format!("{jid} is an address of the server's own"));
            return Ok(());
        }
        if self.server.has_imported(&jid).await? {
            remember(&mut self.report.existing, jid.as_str());
            return Ok(());
        }
        let user = User::new(jid, password);
        self.user = Some(Current { user, place, bad: None, parts: Parts::default() });
        Ok(())
    }

    async fn element(&mut self, element: &Element, place: Place) -> Result<(), PortableError> {
        let element = &for_clients(element);
        // Of those that are not imported there is nothing to say.
        let Some(current) = &mut self.user else { return Ok(()) };
        if element.is(keys::NAME, SCRAM) {
            match current.user.keys(element) {
                Ok(true) => {}
                Ok(false) => self.left_out(element),
                Err(why) => current.bad = Some(why),
            }
        } else if element.is(user::NAME, OWN) {
            if let Err(why) = current.user.about(element) {
                current.bad = Some(why);
            }
        } else if element.is("presence", ns::CLIENT) {
            let taken = current.user.contacts.request(&current.user.jid, element);
            self.note(&place, taken);
        } else {
            self.flush().await?;
            match self.kind(element.name(), element.ns()) {
                Some((_, kind, plugin)) => self.give(&kind, &plugin, &element.to_string(), 1, &place).await?,
                None => self.left_out(element),
            }
        }
        Ok(())
    }

    /// A child of an element that a plugin takes in parts.
    async fn part(&mut self, of: &str, element: &Element, place: Place) -> Result<(), PortableError> {
        let Some(current) = &mut self.user else { return Ok(()) };
        if of == ROSTER && element.is("item", ns::ROSTER) {
            let taken = current.user.contacts.item(&current.user.jid, element);
            self.note(&place, taken);
            return Ok(());
        }
        let (space, name) = of.strip_prefix('{').and_then(|rest| rest.split_once('}')).unwrap_or(("", of));
        let Some((number, ..)) = self.kind(name, space) else {
            *self.report.left_out.entry(of.to_owned()).or_default() += 1;
            return Ok(());
        };
        let Some(current) = &self.user else { return Ok(()) };
        let xml = for_clients(element).to_string();
        let parts = &current.parts;
        if parts.count > 0
            && (parts.kind != number || parts.count >= PART || parts.xml.len() + xml.len() > PART_BYTES)
        {
            self.flush().await?;
        }
        if let Some(current) = &mut self.user {
            let parts = &mut current.parts;
            (parts.kind, parts.count) = (number, parts.count + 1);
            parts.xml.push_str(&xml);
            parts.place.get_or_insert(place);
        }
        Ok(())
    }

    /// Give out the parts that wait.
    async fn flush(&mut self) -> Result<(), PortableError> {
        let Some(current) = &mut self.user else { return Ok(()) };
        let Parts { kind, count, xml, place } = std::mem::take(&mut current.parts);
        let known = self.host.as_ref().and_then(|host| host.kinds.get(kind)).cloned();
        match (known, place) {
            (Some((kind, plugin)), Some(place)) if count > 0 => {
                self.give(&kind, &plugin, &xml, count as u64, &place).await
            }
            _ => Ok(()),
        }
    }

    /// Have a plugin take elements.
    async fn give(
        &mut self,
        kind: &PortableKind,
        plugin: &str,
        xml: &str,
        count: u64,
        place: &Place,
    ) -> Result<(), PortableError> {
        let Some(current) = &mut self.user else { return Ok(()) };
        let taken = match self.server.engine.get() {
            _ if self.report.dry_run => Ok(()),
            Some(engine) => match self.server.begin_user(&mut current.user).await {
                Ok(()) => engine.import(&current.user.jid, kind, xml).await.map_err(|why| why.to_string()),
                Err(PortableError::Storage(waxwing_storage::Error::Account(_))) => {
                    current.bad = Some("somebody else has made the account meanwhile".to_owned());
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
            None => Err("there are no plugins".to_owned()),
        };
        match taken {
            Ok(()) => *self.report.elements.entry(plugin.to_owned()).or_default() += count,
            Err(why) => {
                let said = format!("{}: {kind} was not imported: {why}", current.user.jid);
                self.problem(place, &said);
            }
        }
        Ok(())
    }

    /// The account is read to its end: have it.
    async fn end(&mut self) -> Result<(), PortableError> {
        self.flush().await?;
        let Some(mut current) = self.user.take() else { return Ok(()) };
        let (roster_items, requests) = current.user.contacts.counts();
        let (one, any) = match current.user.password {
            Some(_) => (false, true),
            None => current.user.mechanisms(),
        };
        let bad = match current.bad.take() {
            Some(why) => Some(why),
            None if self.report.dry_run => None,
            None => self.server.finish_user(&mut current.user).await?.err(),
        };
        let jid = &current.user.jid;
        if let Some(why) = bad {
            self.server.drop_user(&current.user).await?;
            self.problem(&current.place, &format!("{jid} was not imported: {why}"));
            return Ok(());
        }
        if !any {
            remember(&mut self.report.without_password, jid.as_str());
        }
        self.report.one_mechanism += u64::from(one);
        self.report.accounts += 1;
        self.report.roster_items += roster_items;
        self.report.requests += requests;
        Ok(())
    }

    /// The number of what a plugin takes, what it is, and the plugin.
    fn kind(&self, name: &str, space: &str) -> Option<(usize, PortableKind, String)> {
        let kinds = self.host.iter().flat_map(|host| &host.kinds).enumerate();
        let mut kinds = kinds.filter(|(_, (kind, _))| kind.name == name && kind.ns == space);
        kinds.next().map(|(number, (kind, plugin))| (number, kind.clone(), plugin.clone()))
    }

    /// Something of the account has been taken, or not.
    fn note(&mut self, place: &Place, taken: Result<(), String>) {
        if let (Some(current), Err(why)) = (&self.user, taken) {
            let said = format!("{}: {why}", current.user.jid);
            self.problem(place, &said);
        }
    }

    fn problem(&mut self, place: &Place, said: &str) {
        self.report.problems.add(format!("{place}: {said}"));
    }

    fn left_out(&mut self, element: &Element) {
        let mut name = format!("{{{}}}{}", element.ns(), element.name());
        if element.is(keys::NAME, SCRAM) {
            name += &format!(" for {}", element.attr("mechanism").unwrap_or_default());
        }
        *self.report.left_out.entry(name).or_default() += 1;
    }
}
