//! The settings that an operator gives a plugin in the config file.

pub use crate::bindings::lifecycle::exports::xmpp::plugin::lifecycle::Setting;

/// A type that a setting can have.
///
/// ```
/// use waxwing_plugin::SettingValue;
/// assert_eq!(u64::read(&["100".into()]), Ok(100));
/// assert!(bool::read(&["perhaps".into()]).is_err());
/// ```
pub trait SettingValue: Sized {
    /// Read the values given: one for most types, any number for a list.
    ///
    /// # Errors
    /// What was expected instead, to follow "must be".
    fn read(values: &[String]) -> Result<Self, &'static str>;
}

macro_rules! parsed {
    ($($ty:ty: $expected:literal),*) => { $(
        impl SettingValue for $ty {
            fn read(values: &[String]) -> Result<Self, &'static str> {
                let [value] = values else { return Err($expected) };
                value.parse().map_err(|_| $expected)
            }
        }
    )* };
}

parsed!(String: "one text", bool: "true or false", i64: "a whole number", u64: "a whole number, 0 or more",
    u32: "a whole number, 0 or more");

impl SettingValue for Vec<String> {
    fn read(values: &[String]) -> Result<Self, &'static str> {
        Ok(values.to_vec())
    }
}

/// How the setting of a field is called in the config file.
pub(crate) fn key(field: &str) -> String {
    field.replace('_', "-")
}

/// What the config file gave, while [`plugin!`](crate::plugin!) picks out the settings it knows.
#[doc(hidden)]
pub struct Given {
    settings: Vec<Setting>,
    known: Vec<String>,
}

impl Given {
    pub fn new(settings: Vec<Setting>) -> Self {
        Self { settings, known: Vec::new() }
    }

    /// The setting of this field: `store_limit` is `store-limit` in the config file.
    pub fn take<T: SettingValue>(&mut self, field: &str, default: T) -> Result<T, String> {
        let key = key(field);
        let given = self.settings.iter().position(|setting| setting.key == key);
        let value = match given.map(|at| self.settings.swap_remove(at)) {
            Some(setting) => T::read(&setting.value).map_err(|expected| format!("{key} must be {expected}")),
            None => Ok(default),
        };
        self.known.push(key);
        value
    }

    /// Nothing may be left over.
    pub fn finish(self) -> Result<(), String> {
        match (self.settings.first(), self.known.join(", ")) {
            (None, _) => Ok(()),
            (Some(stray), known) if known.is_empty() => {
                Err(format!("no setting {}; there are none", stray.key))
            }
            (Some(stray), known) => Err(format!("no setting {}; there are: {known}", stray.key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(key: &str, values: &[&str]) -> Given {
        let value = values.iter().map(|value| value.to_string()).collect();
        Given::new(vec![Setting { key: key.into(), value }])
    }

    #[test]
    fn fields_are_kebab_case_keys() {
        let mut settings = given("store-limit", &["7"]);
        assert_eq!(settings.take("store_limit", 100_u64), Ok(7));
        assert_eq!(settings.take("other", String::from("default")), Ok("default".into()));
        assert_eq!(settings.finish(), Ok(()));
    }

    #[test]
    fn mistakes_are_named() {
        let error = given("store-limit", &["many"]).take("store_limit", 100_u64).unwrap_err();
        assert_eq!(error, "store-limit must be a whole number, 0 or more");
        let mut settings = given("stor-limit", &["7"]);
        assert_eq!(settings.take("store_limit", 100_u64), Ok(100));
        assert_eq!(settings.finish().unwrap_err(), "no setting stor-limit; there are: store-limit");
    }

    #[test]
    fn a_list_takes_any_number() {
        assert_eq!(
            given("hosts", &["a", "b"]).take("hosts", Vec::new()),
            Ok(vec!["a".into(), "b".to_string()])
        );
        assert!(given("name", &["a", "b"]).take("name", String::new()).is_err());
    }
}
