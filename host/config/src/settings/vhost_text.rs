//! Settings of a virtual host as text, by their keys in the file: as they are stored and as commands show them.

use super::vhosts::{ClientCertificate, DomainFilter, VhostSettings};

/// A value that is written as text: lists with a comma between their items.
pub(super) trait VhostText: Sized {
    fn text(&self) -> String;

    /// The error follows the name of the setting.
    fn from_text(text: &str) -> Result<Self, String>;
}

impl VhostText for bool {
    fn text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }
}

impl VhostText for u32 {
    fn text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "must be a whole number, 0 or more".to_owned())
    }
}

impl VhostText for String {
    fn text(&self) -> String {
        self.clone()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl VhostText for Option<String> {
    fn text(&self) -> String {
        self.clone().unwrap_or_default()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }
}

impl VhostText for Vec<String> {
    fn text(&self) -> String {
        self.join(", ")
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(items(text).map(str::to_owned).collect())
    }
}

impl VhostText for Vec<u16> {
    fn text(&self) -> String {
        self.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let ports: Result<_, _> = items(text).map(str::parse).collect();
        ports.map_err(|_| "must be numbers of ports".to_owned())
    }
}

/// What stands between commas, semicolons or white space.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|item| !item.is_empty())
}

/// The settings that may change while the server runs. Certificates have a way of their own.
macro_rules! by_key {
    ($($key:literal => $field:ident: $ty:ty,)*) => {
        impl VhostSettings {
            /// The keys of the settings that may change while the server runs.
            pub const KEYS: &'static [&'static str] = &[$($key),*];

            /// A setting as text; `None` for a key that is none of [`VhostSettings::KEYS`].
            pub fn text(&self, key: &str) -> Option<String> {
                match key {
                    $( $key => Some(VhostText::text(&self.$field)), )*
                    _ => None,
                }
            }

            /// Change a setting, given as text.
            ///
            /// # Errors
            /// A sentence that says what is wrong.
            pub fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
                match key {
                    $( $key => {
                        let value = <$ty as VhostText>::from_text(text.trim());
                        self.$field = value.map_err(|why| format!("{key} {why}"))?;
                    } )*
                    _ => return Err(format!("there is no setting {key}")),
                }
                Ok(())
            }
        }
    };
}

by_key! {
    "enabled" => enabled: bool,
    "tls-required" => tls_required: bool,
    "register" => register: bool,
    "anonymous" => anonymous: bool,
    "max-users" => max_users: u32,
    "sasl-mechanisms" => sasl_mechanisms: Vec<String>,
    "c2s-ports" => c2s_ports: Vec<u16>,
    "client-certificate" => client_certificate: ClientCertificate,
    "client-ca" => client_ca: String,
    "domain-filter" => domain_filter: DomainFilter,
    "domain-filter-domains" => domain_filter_domains: Vec<String>,
    "presence-forward" => presence_forward: Option<String>,
    "message-forward" => message_forward: Option<String>,
    "owner" => owner: Option<String>,
    "admins" => admins: Vec<String>,
    "without-plugins" => without_plugins: Vec<String>,
    "comment" => comment: String,
    "other" => other: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_set() {
        let mut from = VhostSettings::new("a.example");
        let texts = [
            ("max-users", "7"),
            ("register", "1"),
            ("domain-filter", "BLACKLIST"),
            ("domain-filter-domains", "b.example;c.example"),
            ("c2s-ports", "5222, 443"),
            ("owner", "o@a.example"),
            ("client-certificate", "optional"),
        ];
        for (key, text) in texts {
            from.set(key, text).unwrap();
        }
        assert_eq!(from.c2s_ports, [5222, 443]);
        assert_eq!(from.domain_filter_domains, ["b.example", "c.example"]);
        let mut to = VhostSettings::new("a.example");
        for key in VhostSettings::KEYS {
            to.set(key, &from.text(key).unwrap()).unwrap();
        }
        assert_eq!(to, from);
    }

    #[test]
    fn no_setting_is_forgotten() {
        use crate::settings::kinds::Block;
        let files = ["certificate", "private-key"];
        let changeable: Vec<&str> = VhostSettings::default()
            .describe()
            .iter()
            .map(|entry| entry.key)
            .filter(|key| !files.contains(key))
            .collect();
        assert_eq!(changeable, VhostSettings::KEYS);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let mut vhost = VhostSettings::default();
        for (key, text, why) in [
            ("max-users", "-1", "max-users must be a whole number, 0 or more"),
            ("enabled", "maybe", "enabled must be true or false"),
            ("c2s-ports", "5222 x", "c2s-ports must be numbers of ports"),
            (
                "domain-filter",
                "some",
                "domain-filter must be 'all', 'local', 'own', 'list', 'blacklist' or 'block'",
            ),
            ("certificate", "x", "there is no setting certificate"),
        ] {
            assert_eq!(vhost.set(key, text).unwrap_err(), why);
        }
    }
}
