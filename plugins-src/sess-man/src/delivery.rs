//! Announcements under way: a page of recipients at a time, an alarm for each page.
//!
//! The table `announcements` of a domain has what is to be sent next, by the name of the alarm and the number of
//! the page. A page is forgotten once it has left, so after a crash it is sent again, and none is left out.

use crate::SessMan;
use crate::announce::Audience;
use crate::paged::PAGE;
use waxwing_plugin::prelude::*;
use waxwing_plugin::storage::Range;
use waxwing_plugin::{account_admin, connections};

const QUEUE: &str = "announcements";

/// An announcement, and how far it has come.
pub struct Announcement {
    pub from: String,
    /// The type of the message.
    pub kind: String,
    pub audience: Audience,
    /// The last session, or account, that it has gone to.
    pub after: Option<String>,
    pub subject: String,
    pub text: String,
}

impl Announcement {
    /// Have it sent to those on a domain, from now on.
    pub fn begin(&self, domain: &str) -> Result<()> {
        let now = runtime::now();
        let chance: String = runtime::random(4).iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{now:013}-{chance}");
        storage::open_table(QUEUE)?.set_text(domain, &key(&name, 0), &self.encode())?;
        Ok(scheduler::set(domain, &name, now, &[])?)
    }

    /// The next recipients, and the last that was looked at if there are more.
    fn page(&self, domain: &str, limit: u32) -> Result<(Vec<String>, Option<String>)> {
        let after = self.after.as_deref();
        let page: Vec<(String, bool)> = match self.audience {
            Audience::Online => {
                let sessions = connections::page(domain, after, limit);
                sessions.into_iter().map(|session| (session.jid, session.available)).collect()
            }
            Audience::All => {
                let accounts = account_admin::page(domain, after, limit)?;
                accounts.into_iter().map(|account| (account.jid, account.enabled)).collect()
            }
        };
        let more = page.len() == limit as usize;
        let last = page.last().filter(|_| more).map(|(jid, _)| jid.clone());
        Ok((page.into_iter().filter(|(_, wanted)| *wanted).map(|(jid, _)| jid).collect(), last))
    }

    fn message(&self) -> String {
        let subject = match self.subject.as_str() {
            "" => String::new(),
            subject => xml!("<subject>{}</subject>", subject),
        };
        xml!(
            "<message from='{}' type='{}'>{}<body>{}</body></message>",
            self.from,
            self.kind,
            raw(&subject),
            self.text
        )
    }

    fn encode(&self) -> String {
        let audience = if self.audience == Audience::All { "all" } else { "online" };
        let after = self.after.as_deref().unwrap_or_default();
        // No text that has come as XML has this character.
        [&self.from, &self.kind, audience, after, &self.subject, &self.text].join("\0")
    }

    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, '\0').map(String::from);
        Some(Self {
            from: parts.next()?,
            kind: parts.next()?,
            audience: if parts.next()? == "all" { Audience::All } else { Audience::Online },
            after: parts.next().filter(|after| !after.is_empty()),
            subject: parts.next()?,
            text: parts.next()?,
        })
    }
}

impl SessMan {
    /// Send the next page of an announcement, and see to the one after it.
    pub fn deliver_page(&self, domain: &str, name: &str, due: u64) -> Result<()> {
        let queue = storage::open_table(QUEUE)?;
        let first = Range { prefix: key_prefix(name), limit: 1, ..Range::default() };
        let Some(row) = queue.scan(domain, &first)?.pop() else { return Ok(()) };
        queue.delete(domain, &row.key)?;
        let Some(mut announcement) = Announcement::decode(&row.text()) else { return Ok(()) };
        let (recipients, last) = announcement.page(domain, self.announcement_page.clamp(1, PAGE))?;
        if !recipients.is_empty() {
            router::send_to_all(&announcement.message(), &recipients)?;
        }
        if last.is_some() {
            announcement.after = last;
            queue.set_text(domain, &key(name, number(&row.key) + 1), &announcement.encode())?;
            // At another time than this one, which ends with the call.
            scheduler::set(domain, name, runtime::now().max(due + 1), &[])?;
        }
        Ok(())
    }
}

/// Keys of one announcement are in the order of its pages.
fn key(name: &str, page: u32) -> String {
    format!("{}{page:08}", key_prefix(name))
}

fn key_prefix(name: &str) -> String {
    format!("{name}/")
}

fn number(key: &str) -> u32 {
    key.rsplit_once('/').and_then(|(_, page)| page.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_is_sent() {
        let announcement = Announcement {
            from: "example.org".into(),
            kind: "chat".into(),
            audience: Audience::All,
            after: None,
            subject: String::new(),
            text: "One\n<two> & three".into(),
        };
        let message =
            "<message from='example.org' type='chat'><body>One\n&lt;two&gt; &amp; three</body></message>";
        assert_eq!(announcement.message(), message);
        let kept = Announcement::decode(&announcement.encode()).unwrap();
        assert_eq!((kept.message(), kept.audience, kept.after), (message.into(), Audience::All, None));
        assert!(Announcement::decode("nonsense").is_none());
    }

    #[test]
    fn pages_are_in_order() {
        assert!(key("a", 9) < key("a", 10));
        assert_eq!(number(&key("0000000000001-ab", 41)), 41);
    }
}
