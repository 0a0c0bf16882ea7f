//! The texts of a domain.

use waxwing_plugin::prelude::*;

/// The table that has them.
const TEXTS: &str = "texts";

/// One of the two, as people and the storage call it.
pub struct Kind {
    /// In the table, in an account's data, and in the form (XEP-0133, section 7.2).
    pub key: &'static str,
    /// What a person reads.
    pub name: &'static str,
    pub subject: &'static str,
}

pub const MOTD: Kind = Kind { key: "motd", name: "message of the day", subject: "Message of the day" };
pub const WELCOME: Kind = Kind { key: "welcome", name: "welcome message", subject: "Welcome" };

/// A text that is set.
#[derive(Debug, PartialEq)]
pub struct Text {
    /// A message of the day: when it was last changed. A welcome: since when there is one.
    pub time: u64,
    pub text: String,
}

impl Text {
    /// The message of the day and the welcome of a domain, in one read.
    pub fn both_of(domain: &str) -> Result<(Option<Self>, Option<Self>)> {
        let rows = storage::open_table(TEXTS)?.all(domain, "")?;
        let text = |kind: Kind| Self::read(&rows.iter().find(|row| row.key == kind.key)?.text());
        Ok((text(MOTD), text(WELCOME)))
    }

    pub fn of(domain: &str, kind: &Kind) -> Result<Option<Self>> {
        Ok(storage::open_table(TEXTS)?.get_text(domain, kind.key)?.and_then(|value| Self::read(&value)))
    }

    pub fn set(&self, domain: &str, kind: &Kind) -> Result<()> {
        let value = format!("{}\n{}", self.time, self.text);
        Ok(storage::open_table(TEXTS)?.set_text(domain, kind.key, &value)?)
    }

    pub fn unset(domain: &str, kind: &Kind) -> Result<()> {
        Ok(storage::open_table(TEXTS)?.unset(domain, kind.key)?)
    }

    fn read(value: &str) -> Option<Self> {
        let (time, text) = value.split_once('\n')?;
        Some(Self { time: time.parse().ok()?, text: text.into() })
    }

    /// What a session gets: a message of type `normal`, because many clients do not show headlines.
    pub fn message(&self, kind: &Kind, session: &str) -> String {
        xml!(
            "<message from='{}' to='{}' type='normal'><subject>{}</subject><body>{}</body></message>",
            domain(session),
            session,
            kind.subject,
            self.text,
        )
    }
}
