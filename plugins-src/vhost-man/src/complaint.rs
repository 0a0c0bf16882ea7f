//! What is wrong with a form, as a sentence beside the field that it is about.

use crate::fields::{DOMAIN, by_key};
use waxwing_plugin::vhosts;

/// What is wrong with a field.
pub struct Complaint {
    pub var: &'static str,
    pub why: String,
}

/// About a field.
pub fn about(var: &'static str, why: impl Into<String>) -> Complaint {
    Complaint { var, why: why.into() }
}

impl From<vhosts::Error> for Complaint {
    /// The host begins with the key of the setting that it does not like.
    fn from(error: vhosts::Error) -> Self {
        let why = sentence(error);
        let key = why.split([':', ' ']).next().unwrap_or_default();
        about(by_key(key).map_or(DOMAIN, |item| item.var), why)
    }
}

/// An error of the host for a person.
pub fn sentence(error: vhosts::Error) -> String {
    match error {
        vhosts::Error::Denied => "You may not do that".into(),
        vhosts::Error::Exists => "The domain is served here already".into(),
        vhosts::Error::NotFound => "The domain is not served here".into(),
        vhosts::Error::Invalid(why) => why,
        vhosts::Error::Unavailable => "The server cannot do that now: try again later".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_found() {
        let var = |why: &str| Complaint::from(vhosts::Error::Invalid(why.into())).var;
        assert_eq!(var("max-users must be a whole number, 0 or more"), "Max users");
        assert_eq!(var("owner: 'x' is not of the form user@domain"), "Owner");
        assert_eq!(var("'a b' is no domain: it has a space"), DOMAIN);
    }
}
