//! The form of a virtual host: each field with the setting that it is. Nothing else knows both.

use self::Kind::{Address, Choice, Lines, Number, Text, Yes};
use std::hash::{DefaultHasher, Hash, Hasher};
use waxwing_plugin::commands::{Field, Form, Request};
use waxwing_plugin::prelude::*;
use waxwing_plugin::vhosts::Setting;

/// A field of the form that is a setting.
pub struct Item {
    /// What Tigase calls it, which is also what people read.
    pub var: &'static str,
    /// The key in the config file.
    pub key: &'static str,
    kind: Kind,
    /// What a new domain has.
    default: &'static str,
    hint: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    Yes,
    Text,
    Lines,
    Number,
    Address,
    Choice(&'static [&'static str]),
}

const POLICIES: Kind = Choice(&["ALL", "LOCAL", "OWN", "LIST", "BLACKLIST", "BLOCK"]);
const CERTIFICATE: Kind = Choice(&["none", "optional", "required"]);
pub const DOMAIN: &str = "Domain name";
pub const OWNER: &str = "Owner";

#[rustfmt::skip]
const ITEMS: &[Item] = &[
    item("Enabled", "enabled", Yes, "true", "Whether clients log in here and others reach it"),
    item("Anonymous enabled", "anonymous", Yes, "false", "Whether one may log in without an account"),
    item("In-band registration", "register", Yes, "false", "Whether anybody may make an account from a client"),
    item("TLS required", "tls-required", Yes, "true", "Whether clients must use TLS before they log in"),
    item("Domain filter policy", "domain-filter", POLICIES, "ALL", "Whom its users may talk to: ALL, domains of this \
        server (LOCAL), its OWN names, those of a LIST, all but those of a BLACKLIST, or nobody else (BLOCK)"),
    item("Domain filter domains (only LIST and BLACKLIST)", "domain-filter-domains", Text, "", "With ; or , between them"),
    item("Max users", "max-users", Number, "0", "Accounts that it may have; 0 is no limit. For the server's \
        administrators to say, unless they let its owner"),
    item("Allowed C2S,BOSH,WebSocket ports", "c2s-ports", Text, "", "Ports that clients may come in through; none is all"),
    item("Presence forward address", "presence-forward", Address, "", "Where every change of presence is told of, too: \
        the full JID of a bot, or a component"),
    item("Message forward address", "message-forward", Address, "", "Where a copy of every message goes"),
    item("Other parameters", "other", Lines, "", "For plugins to read"),
    item("Allowed SASL mechanisms", "sasl-mechanisms", Text, "", "Such as SCRAM-SHA-256, PLAIN; none is all"),
    item(OWNER, "owner", Address, "", "Who may change everything about it and hand it over; empty: \
        you"),
    item("Administrators", "admins", Text, "", "Who may manage its users and most of this, with commas between them"),
    item("client-trust-extension-ca-cert", "client-ca", Lines, "", "Who issues the certificates of clients, as PEM"),
    item("client-trust-extension-cert-required", "client-certificate", CERTIFICATE, "none", "Whether clients must show a \
        certificate of their own"),
    item("Plugins not used", "without-plugins", Text, "", "Plugins that do not run on it. For the \
        server's administrators to say"),
    item("Comment", "comment", Text, "", "For its administrators to read"),
];

const fn item(
    var: &'static str,
    key: &'static str,
    kind: Kind,
    default: &'static str,
    hint: &'static str,
) -> Item {
    Item { var, key, kind, default, hint }
}

impl Item {
    /// The field with this value, written as in the config file.
    fn field(&self, text: &str) -> Field {
        let field = match self.kind {
            Yes => yes_field(self.var, self.var),
            Text => text_field(self.var, self.var),
            Lines => lines_field(self.var, self.var),
            Number => number_field(self.var, self.var, 0..=u32::MAX.into()),
            Address => jid_field(self.var, self.var),
            Choice(words) => {
                list_field(self.var, self.var, &words.iter().map(|it| (*it, *it)).collect::<Vec<_>>())
            }
        };
        let values = match self.kind {
            Choice(words) => {
                words.iter().filter(|word| word.eq_ignore_ascii_case(text)).map(|it| (*it).into()).collect()
            }
            Lines => text.lines().map(String::from).collect(),
            _ if text.is_empty() => Vec::new(),
            _ => vec![text.into()],
        };
        Field { values, ..field.hint(self.hint) }
    }
}

/// The form, with the values that `settings` has, or else the default ones. Which of them somebody may change is for the
/// host to say.
pub fn form_of(title: &str, domain: Field, settings: &[Setting]) -> Form {
    let value = |item: &Item| {
        let set = settings.iter().find(|setting| setting.key == item.key);
        item.field(set.map_or(item.default, |setting| &setting.value))
    };
    form(title)
        .fields([hidden_field("command-marker", "command-marker"), domain])
        .fields(ITEMS.iter().map(value))
}

/// The settings that were filled in. A field that was not sent is none of them, one that was left empty is.
pub fn filled_in(request: &Request) -> Vec<Setting> {
    let sent = |item: &&Item| request.answers.iter().any(|answer| answer.var == item.var);
    let setting = |item: &Item| Setting { key: item.key.into(), value: request.text(item.var).trim().into() };
    ITEMS.iter().filter(sent).map(setting).collect()
}

/// What a form has shown: a print of each setting, to be remembered until the form comes back.
#[derive(Debug, PartialEq)]
pub struct Shown(Vec<(String, u64)>);

impl Shown {
    /// A form with these settings.
    pub fn new(settings: &[Setting]) -> Self {
        Self(settings.iter().map(|setting| (setting.key.clone(), print(setting))).collect())
    }

    /// Take up what [`Shown::write`] has written.
    pub fn read(text: &str) -> Self {
        let one = |line: &str| {
            let (key, print) = line.split_once(' ')?;
            Some((key.to_owned(), print.parse().ok()?))
        };
        Self(text.lines().filter_map(one).collect())
    }

    /// A line for each setting.
    pub fn write(&self) -> String {
        self.0.iter().map(|(key, print)| format!("{key} {print}\n")).collect()
    }

    /// Whether it has shown a setting like this.
    pub fn has(&self, setting: &Setting) -> bool {
        self.0.iter().any(|(key, shown)| *key == setting.key && *shown == print(setting))
    }
}

/// The same for values that mean the same: the words of choices are capitals in the form.
fn print(setting: &Setting) -> u64 {
    let mut hasher = DefaultHasher::new();
    match by_key(&setting.key).map(|item| item.kind) {
        Some(Choice(_)) => setting.value.to_ascii_uppercase().hash(&mut hasher),
        Some(Lines) => setting.value.lines().for_each(|line| line.hash(&mut hasher)),
        _ => setting.value.hash(&mut hasher),
    }
    hasher.finish()
}

pub fn by_key(key: &str) -> Option<&'static Item> {
    ITEMS.iter().find(|item| item.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(key: &str, value: &str) -> Setting {
        Setting { key: key.into(), value: value.into() }
    }

    #[test]
    fn each_setting_is_one_field() {
        for item in ITEMS {
            assert_eq!(
                ITEMS.iter().filter(|it| it.key == item.key || it.var == item.var).count(),
                1,
                "{}",
                item.key
            );
            assert_eq!(item.field(item.default).values.is_empty(), item.default.is_empty(), "{}", item.key);
        }
    }

    #[test]
    fn what_is_set_is_shown() {
        let settings = [
            setting("domain-filter", "blacklist"),
            setting("client-ca", "one\ntwo"),
            setting("max-users", "7"),
        ];
        let shown = form_of("", fixed_field(DOMAIN, DOMAIN, "a.example"), &settings);
        let values = |var: &str| shown.fields.iter().find(|it| it.var == var).map(|it| it.values.join(" "));
        assert_eq!(values("Domain filter policy").as_deref(), Some("BLACKLIST"));
        assert_eq!(values("client-trust-extension-ca-cert").as_deref(), Some("one two"));
        assert_eq!(values("Max users").as_deref(), Some("7"));
        assert_eq!(values("TLS required").as_deref(), Some("true"));
    }

    #[test]
    fn only_differences_count() {
        let shown =
            [setting("domain-filter", "all"), setting("client-ca", "one\ntwo\n"), setting("comment", "x y")];
        let shown = Shown::new(&shown);
        assert_eq!(Shown::read(&shown.write()), shown);
        assert!(shown.has(&setting("domain-filter", "ALL")));
        assert!(shown.has(&setting("client-ca", "one\ntwo")));
        assert!(!shown.has(&setting("comment", "X y")));
        assert!(!shown.has(&setting("max-users", "0")));
    }
}
