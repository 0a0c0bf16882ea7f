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
        match by_key(key) {
            // The field that it stands beside says it.
            Some(item) => {
                let rest = why.strip_prefix(key).and_then(|rest| rest.strip_prefix(": "));
                about(item.var, rest.unwrap_or(&why))
            }
            None => about(DOMAIN, why),
        }
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
        for (said, var, why) in [
            ("max-users must be a whole number", "Max users", "max-users must be a whole number"),
            ("owner: 'x' is not of the form user@domain", "Owner", "'x' is not of the form user@domain"),
            ("'a b' is no domain: it has a space", DOMAIN, "'a b' is no domain: it has a space"),
        ] {
            let complaint = Complaint::from(vhosts::Error::Invalid(said.into()));
            assert_eq!((complaint.var, complaint.why.as_str()), (var, why));
        }
    }
}
