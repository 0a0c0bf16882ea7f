//! The form of a virtual host: each field with the setting that it is. Nothing else knows both.

use Kind::{Address, Choice, Lines, Number, Text, Yes};
use waxwing_plugin::commands::{Field, Form, Request};
use waxwing_plugin::prelude::*;
use waxwing_plugin::vhosts::{Authority, Setting};

/// A field of the form that is a setting.
pub struct Item {
    /// What Tigase calls it, which is also what people read.
    pub var: &'static str,
    /// The key in the config file.
    pub key: &'static str,
    kind: Kind,
    /// What a new domain has.
    default: &'static str,
    /// Who may set it.
    least: Authority,
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
    item("Max users", "max-users", Number, "0", "Accounts that it may have; 0 is no limit"),
    item("Allowed C2S,BOSH,WebSocket ports", "c2s-ports", Text, "", "Ports that clients may come in through; none is all"),
    item("Presence forward address", "presence-forward", Address, "", "Where every change of presence is told of, too: \
        the full JID of a bot, or a component"),
    item("Message forward address", "message-forward", Address, "", "Where a copy of every message goes"),
    item("Other parameters", "other", Lines, "", "For plugins to read"),
    item("Allowed SASL mechanisms", "sasl-mechanisms", Text, "", "Such as SCRAM-SHA-256, PLAIN; none is all"),
    item(OWNER, "owner", Address, "", "Who may change everything about it; empty: you").only(Authority::Owner),
    item("Administrators", "admins", Text, "", "Who may manage its users and most of this, with commas between them"),
    item("client-trust-extension-ca-cert", "client-ca", Lines, "", "Who issues the certificates of clients, as PEM"),
    item("client-trust-extension-cert-required", "client-certificate", CERTIFICATE, "none", "Whether clients must show a \
        certificate of their own"),
    item("Plugins not used", "without-plugins", Text, "", "Plugins that do not run on it").only(Authority::Server),
    item("Comment", "comment", Text, "", "For its administrators to read"),
];

const fn item(
    var: &'static str,
    key: &'static str,
    kind: Kind,
    default: &'static str,
    hint: &'static str,
) -> Item {
    Item { var, key, kind, default, least: Authority::Admin, hint }
}

impl Item {
    const fn only(self, least: Authority) -> Self {
        Self { least, ..self }
    }

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

/// The form, with the values that `settings` has, or else the default ones, of those fields that somebody with this
/// authority may fill in.
pub fn form_of(title: &str, domain: Field, settings: &[Setting], authority: Authority) -> Form {
    let value = |item: &Item| {
        let set = settings.iter().find(|setting| setting.key == item.key);
        item.field(set.map_or(item.default, |setting| &setting.value))
    };
    let items = ITEMS.iter().filter(|item| authority >= item.least);
    form(title).fields([hidden_field("command-marker", "command-marker"), domain]).fields(items.map(value))
}

/// The settings that were filled in. A field that was not sent is none of them, one that was left empty is.
pub fn filled_in(request: &Request) -> Vec<Setting> {
    let sent = |item: &&Item| request.answers.iter().any(|answer| answer.var == item.var);
    let setting = |item: &Item| Setting { key: item.key.into(), value: request.text(item.var).trim().into() };
    ITEMS.iter().filter(sent).map(setting).collect()
}

/// Whether a setting is the same as one of these. The words of choices are capitals in the form.
pub fn is_among(setting: &Setting, settings: &[Setting]) -> bool {
    let same = |other: &Setting| match by_key(&setting.key).map(|item| item.kind) {
        Some(Choice(_)) => other.value.eq_ignore_ascii_case(&setting.value),
        Some(Lines) => other.value.lines().eq(setting.value.lines()),
        _ => other.value == setting.value,
    };
    settings.iter().any(|other| other.key == setting.key && same(other))
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
        let shown = form_of("", fixed_field(DOMAIN, DOMAIN, "a.example"), &settings, Authority::Admin);
        let values = |var: &str| shown.fields.iter().find(|it| it.var == var).map(|it| it.values.join(" "));
        assert_eq!(values("Domain filter policy").as_deref(), Some("BLACKLIST"));
        assert_eq!(values("client-trust-extension-ca-cert").as_deref(), Some("one two"));
        assert_eq!(values("Max users").as_deref(), Some("7"));
        assert_eq!(values("TLS required").as_deref(), Some("true"));
        // Not for those who only help.
        assert_eq!(values(OWNER), None);
    }

    #[test]
    fn only_differences_count() {
        let now =
            [setting("domain-filter", "all"), setting("client-ca", "one\ntwo\n"), setting("comment", "x")];
        assert!(is_among(&setting("domain-filter", "ALL"), &now));
        assert!(is_among(&setting("client-ca", "one\ntwo"), &now));
        assert!(!is_among(&setting("comment", "X"), &now));
        assert!(!is_among(&setting("max-users", "0"), &now));
    }
}
