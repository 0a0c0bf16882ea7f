//! How a plugin says what it is and what it wants to see.

pub use crate::bindings::lifecycle::exports::xmpp::plugin::lifecycle::{
    Access, Command, Component, Description, Identity, Interest, Marked, Party, Phase, Serial, Service,
    SessionEvents, Stage, StreamFeature, Target,
};
use crate::settings::key;
use crate::types::Kind;

/// The domain of a virtual host (see [`Interest::at`]).
pub const SERVER: Target = Target::SERVER;
/// The sender's own account: its bare JID, or no `to` (see [`Interest::at`]).
pub const OWN_ACCOUNT: Target = Target::OWN_ACCOUNT;
/// The bare JID of somebody else's account on this server, whose presence the sender sees (see [`Interest::at`]).
pub const OTHER_ACCOUNT: Target = Target::OTHER_ACCOUNT;
/// The bare JID of somebody whose presence the sender may not see, or of nobody. The answer must not tell which (see
/// [`Interest::at`]).
pub const STRANGER: Target = Target::STRANGER;
/// A stream that has not logged in (see [`Interest::at`]).
pub const STREAM: Target = Target::STREAM;

/// A resource was bound (see [`Describe::session_events`]).
pub const BOUND: SessionEvents = SessionEvents::BOUND;
/// A session sent its first available presence, or its first after being unavailable.
pub const AVAILABLE: SessionEvents = SessionEvents::AVAILABLE;
/// An available session has another priority now.
pub const PRIORITY: SessionEvents = SessionEvents::PRIORITY;
/// A session is available no more.
pub const UNAVAILABLE: SessionEvents = SessionEvents::UNAVAILABLE;
/// A session has ended.
pub const CLOSED: SessionEvents = SessionEvents::CLOSED;

/// Collects a [`Description`]. [`plugin!`](crate::plugin!) turns each of its `key: value` lines into a call of
/// the method of that name, so these methods are the keys it knows.
///
/// ```
/// # use waxwing_plugin::{Describe, iq_get, SERVER};
/// let description = Describe::new("ping", "1.0.0")
///     .features(["urn:xmpp:ping"])
///     .interests([iq_get("{urn:xmpp:ping}ping").at(SERVER)])
///     .done();
/// assert_eq!(description.name, "ping");
/// ```
#[must_use]
pub struct Describe(Description);

impl Describe {
    /// A plugin that wants nothing yet.
    pub fn new(name: &str, version: &str) -> Self {
        Self(Description {
            name: name.into(),
            version: version.into(),
            summary: String::new(),
            settings: Vec::new(),
            features: Vec::new(),
            account_features: Vec::new(),
            account_identities: Vec::new(),
            interests: Vec::new(),
            session_events: SessionEvents::empty(),
            only_where: Vec::new(),
            marks: Vec::new(),
            stream_features: Vec::new(),
            serial: Serial::None,
            services: Vec::new(),
            components: Vec::new(),
            commands: Vec::new(),
            portable: Vec::new(),
            any_sender: false,
        })
    }

    /// The name that config files use, where it is not the crate's.
    pub fn name(mut self, name: &str) -> Self {
        self.0.name = name.into();
        self
    }

    /// One sentence for operators, where it is not the doc comment of the type.
    pub fn summary(mut self, summary: &str) -> Self {
        self.0.summary = summary.trim().into();
        self
    }

    /// The fields of the type are its settings.
    #[doc(hidden)]
    pub fn fields(mut self, fields: &[&str]) -> Self {
        self.0.settings = fields.iter().map(|field| key(field)).collect();
        self
    }

    /// Service discovery features of every host that runs the plugin.
    pub fn features<const N: usize>(mut self, features: [&str; N]) -> Self {
        self.0.features = features.map(String::from).into();
        self
    }

    /// Service discovery features of every account.
    pub fn account_features<const N: usize>(mut self, features: [&str; N]) -> Self {
        self.0.account_features = features.map(String::from).into();
        self
    }

    /// What every account is besides an account, in service discovery: a registered category and type, as in
    /// `pubsub/pep`.
    pub fn account_identities<const N: usize>(mut self, identities: [&str; N]) -> Self {
        self.0.account_identities = identities.map(identity).into();
        self
    }

    /// The stanzas to be shown: see [`iq_get`], [`iq_set`], [`iq`], [`iqs`], [`messages`] and
    /// [`presence`].
    pub fn interests<const N: usize>(mut self, interests: [Interest; N]) -> Self {
        self.0.interests = interests.into();
        self
    }

    /// The session events to be told, e.g. `AVAILABLE | PRIORITY`.
    pub fn session_events(mut self, events: SessionEvents) -> Self {
        self.0.session_events = events;
        self
    }

    /// Settings of which one must be given, of the virtual host or the plugin's own, for it to have anything to do: where
    /// none is, its interests and session events do not count.
    pub fn only_where<const N: usize>(mut self, settings: [&str; N]) -> Self {
        self.0.only_where = settings.map(String::from).into();
        self
    }

    /// The marks that the plugin may set on sessions.
    pub fn marks<const N: usize>(mut self, marks: [&str; N]) -> Self {
        self.0.marks = marks.map(String::from).into();
        self
    }

    /// Children of `<stream:features/>`: see [`before_login`] and [`after_login`].
    pub fn stream_features<const N: usize>(mut self, features: [StreamFeature; N]) -> Self {
        self.0.stream_features = features.into();
        self
    }

    /// Which calls must not run at the same time, e.g. [`Serial::ByRecipient`].
    pub fn serial(mut self, serial: Serial) -> Self {
        self.0.serial = serial;
        self
    }

    /// Names of its own under the virtual hosts: see [`service`].
    pub fn services<const N: usize>(mut self, services: [Service; N]) -> Self {
        self.0.services = services.into();
        self
    }

    /// Places that list commands: see [`component`].
    pub fn components<const N: usize>(mut self, components: [Component; N]) -> Self {
        self.0.components = components.into();
        self
    }

    /// Ad-hoc commands (XEP-0050): see [`command`].
    pub fn commands<const N: usize>(mut self, commands: [Command; N]) -> Self {
        self.0.commands = commands.into();
        self
    }

    /// Elements that it keeps of accounts and servers move to each other (XEP-0227): `{vcard-temp}vCard`, or
    /// `{jabber:iq:private}query/*` for the children of one.
    pub fn portable<const N: usize>(mut self, elements: [&str; N]) -> Self {
        self.0.portable = elements.map(String::from).into();
        self
    }

    /// Deliver stanzas in the name of anybody, as one must that has kept what others have sent.
    pub fn any_sender(mut self, any_sender: bool) -> Self {
        self.0.any_sender = any_sender;
        self
    }

    /// The finished description.
    pub fn done(self) -> Description {
        self.0
    }
}

fn interest(stage: Stage, kind: Kind, types: &[&str], payload: Option<&str>) -> Interest {
    Interest {
        stage,
        kind,
        types: types.iter().map(|t| String::from(*t)).collect(),
        payload: payload.map(String::from),
        targets: Target::empty(),
        marked: None,
        order: 0,
    }
}

/// IQ requests of type `get` with this payload, in stage `process`. Say whose with [`Interest::at`].
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let interest = iq_get("{urn:xmpp:time}time").at(SERVER | OWN_ACCOUNT);
/// assert_eq!(interest.types, ["get"]);
/// ```
#[must_use]
pub fn iq_get(payload: &str) -> Interest {
    interest(Stage::Process, Kind::Iq, &["get"], Some(payload))
}

/// IQ requests of type `set` with this payload, in stage `process`.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let interest = iq_set("{urn:xmpp:carbons:2}enable").at(OWN_ACCOUNT);
/// # assert_eq!(interest.types, ["set"]);
/// ```
#[must_use]
pub fn iq_set(payload: &str) -> Interest {
    interest(Stage::Process, Kind::Iq, &["set"], Some(payload))
}

/// IQ requests of both types with this payload, in stage `process`.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let interest = iq("{jabber:iq:private}query").at(OWN_ACCOUNT);
/// # assert_eq!(interest.types, ["get", "set"]);
/// ```
#[must_use]
pub fn iq(payload: &str) -> Interest {
    interest(Stage::Process, Kind::Iq, &["get", "set"], Some(payload))
}

/// IQs of these types on their way, whatever they are addressed to; an empty list means any. Those that the plugin itself
/// implements are for stage `process`: see [`iq_get`], [`iq_set`] and [`iq`].
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let interest = iqs(Stage::Pre, &["set"]).with("{jabber:iq:roster}query");
/// # assert_eq!((interest.stage, interest.kind), (Stage::Pre, Kind::Iq));
/// ```
#[must_use]
pub fn iqs(stage: Stage, types: &[&str]) -> Interest {
    interest(stage, Kind::Iq, types, None)
}

/// Messages of these types; an empty list means any. A message without a type is a `normal` one.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let interest = messages(Stage::Post, &["chat", "normal"]);
/// # assert_eq!(interest.stage, Stage::Post);
/// ```
#[must_use]
pub fn messages(stage: Stage, types: &[&str]) -> Interest {
    interest(stage, Kind::Message, types, None)
}

/// Presence of these types, the empty string for available; an empty list means any.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let interest = presence(Stage::Pre, &["subscribe"]).order(-10);
/// # assert_eq!(interest.order, -10);
/// ```
#[must_use]
pub fn presence(stage: Stage, types: &[&str]) -> Interest {
    interest(stage, Kind::Presence, types, None)
}

impl Interest {
    /// In stage `process`: what the stanza must be addressed to, any of e.g. `SERVER | OWN_ACCOUNT`.
    #[must_use]
    pub fn at(self, targets: Target) -> Self {
        Self { targets, ..self }
    }

    /// A child that the stanza must have, as `{namespace}name` or `{namespace}name[attribute='value']`.
    #[must_use]
    pub fn with(self, payload: &str) -> Self {
        Self { payload: Some(payload.into()), ..self }
    }

    /// Only stanzas whose `party` has this mark: everybody else pays nothing for the plugin.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// let interest = messages(Stage::Pre, &[]).marked("on", Party::SenderAccount);
    /// # assert!(interest.marked.is_some());
    /// ```
    #[must_use]
    pub fn marked(self, mark: &str, party: Party) -> Self {
        Self { marked: Some(Marked { mark: mark.into(), on: party }), ..self }
    }

    /// The place among plugins that want the same stanza: lower runs first, 0 is usual.
    #[must_use]
    pub fn order(self, order: i32) -> Self {
        Self { order, ..self }
    }
}

/// A stream feature offered before login.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let feature = before_login("<register xmlns='http://jabber.org/features/iq-register'/>").when("register");
/// # assert_eq!(feature.setting.as_deref(), Some("register"));
/// ```
#[must_use]
pub fn before_login(xml: &str) -> StreamFeature {
    StreamFeature { xml: xml.into(), phase: Phase::BeforeLogin, setting: None }
}

/// A stream feature offered after login.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let feature = after_login("<amp xmlns='http://jabber.org/features/amp'/>");
/// # assert!(feature.setting.is_none());
/// ```
#[must_use]
pub fn after_login(xml: &str) -> StreamFeature {
    StreamFeature { xml: xml.into(), phase: Phase::AfterLogin, setting: None }
}

impl StreamFeature {
    /// Only where this setting of the virtual host is true.
    #[must_use]
    pub fn when(self, setting: &str) -> Self {
        Self { setting: Some(setting.into()), ..self }
    }
}

/// A name of the plugin's own: `bot` is `bot.example.org` under the virtual host `example.org`. `identity` is
/// a registered category and type of service discovery (XEP-0030), `label` what a person reads.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let bot = service("bot", "component/bot", "Answering machine").with_features(["urn:example:bot"]);
/// # assert_eq!((bot.category.as_str(), bot.type_.as_str()), ("component", "bot"));
/// ```
#[must_use]
pub fn service(name: &str, identity: &str, label: &str) -> Service {
    let Identity { category, type_ } = self::identity(identity);
    Service { name: name.into(), category, type_, label: label.into(), features: Vec::new() }
}

fn identity(text: &str) -> Identity {
    let (category, type_) = text.split_once('/').unwrap_or((text, "generic"));
    Identity { category: category.into(), type_: type_.into() }
}

impl Service {
    /// Service discovery features of the service.
    #[must_use]
    pub fn with_features<const N: usize>(self, features: [&str; N]) -> Self {
        Self { features: features.map(String::from).into(), ..self }
    }
}

/// An ad-hoc command (XEP-0050) that the administrators of the server may run.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let flush = command("flush", "Flush the queues");
/// let hello = command("hello", "Say hello").for_everybody();
/// ```
#[must_use]
pub fn command(node: &str, label: &str) -> Command {
    let (node, label) = (node.into(), label.into());
    Command { node, label, access: Access::Admin, component: None, group: None }
}

/// A place that lists commands for those who may run them: `vhost-man` is `vhost-man@example.org` on each virtual
/// host. `label` is what a person reads.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let component = component("vhost-man", "VHost Manager");
/// let reload = command("reload", "Reload").on("vhost-man").group("Configuration").for_vhost_admins();
/// ```
#[must_use]
pub fn component(name: &str, label: &str) -> Component {
    Component { name: name.into(), label: label.into() }
}

impl Command {
    /// Everybody with an account on the virtual host may run it.
    #[must_use]
    pub fn for_everybody(self) -> Self {
        Self { access: Access::LocalUser, ..self }
    }

    /// Owners of virtual hosts may run it as well.
    #[must_use]
    pub fn for_owners(self) -> Self {
        Self { access: Access::Owner, ..self }
    }

    /// Owners and administrators of virtual hosts may run it as well.
    #[must_use]
    pub fn for_vhost_admins(self) -> Self {
        Self { access: Access::VhostAdmin, ..self }
    }

    /// The component that lists it, of this or another plugin.
    #[must_use]
    pub fn on(self, component: &str) -> Self {
        Self { component: Some(component.into()), ..self }
    }

    /// Where tools that show many commands put it.
    #[must_use]
    pub fn group(self, group: &str) -> Self {
        Self { group: Some(group.into()), ..self }
    }
}
