//! What the host gives out in pages, one after another.

use waxwing_plugin::account_admin::{self, Account};
use waxwing_plugin::accounts::{self, Contact};
use waxwing_plugin::connections::{self, Connection};
use waxwing_plugin::prelude::*;

/// The most that the host gives at once.
pub const PAGE: u32 = 256;

/// Accounts of a domain, in order, after one of them.
pub fn accounts_of(domain: &str, after: Option<&str>) -> impl Iterator<Item = Result<Account>> {
    paged(after, move |after| Ok(account_admin::page(domain, after, PAGE)?), |account| &account.jid)
}

/// Sessions of a domain or an account, in order, after an address.
pub fn sessions_of(of: &str, after: Option<&str>) -> impl Iterator<Item = Result<Connection>> {
    paged(after, move |after| Ok(connections::page(of, after, PAGE)), |session| &session.jid)
}

/// Who is online on a domain, in order, after one of them, and when the last stanza of each came.
pub fn users_of(domain: &str, after: Option<&str>) -> impl Iterator<Item = Result<(String, u64)>> {
    let is_that = move |session: &Result<Connection>| {
        session.as_ref().is_ok_and(|session| Some(bare(&session.jid)) == after)
    };
    users(sessions_of(domain, after).skip_while(is_that))
}

/// Sessions of one account stand together.
fn users(sessions: impl Iterator<Item = Result<Connection>>) -> impl Iterator<Item = Result<(String, u64)>> {
    let mut sessions = sessions.peekable();
    std::iter::from_fn(move || {
        let first = match sessions.next()? {
            Ok(first) => first,
            Err(error) => return Some(Err(error)),
        };
        let (user, mut active) = (bare(&first.jid).to_owned(), first.active);
        let is_same = |it: &Result<Connection>| it.as_ref().is_ok_and(|it| bare(&it.jid) == user);
        while let Some(Ok(other)) = sessions.next_if(is_same) {
            active = active.max(other.active);
        }
        Some(Ok((user, active)))
    })
}

/// Contacts in the roster of an account, in order.
pub fn contacts_of(account: &str) -> impl Iterator<Item = Result<Contact>> {
    paged(None, move |after| Ok(accounts::contacts(account, after, PAGE)), |contact| &contact.jid)
}

/// Ends with the first error.
fn paged<T>(
    after: Option<&str>,
    read: impl Fn(Option<&str>) -> Result<Vec<T>>,
    jid: impl Fn(&T) -> &String,
) -> impl Iterator<Item = Result<T>> {
    let (mut after, mut page, mut is_last) = (after.map(String::from), Vec::new().into_iter(), false);
    std::iter::from_fn(move || {
        if page.len() == 0 && !is_last {
            let next = match read(after.as_deref()) {
                Ok(next) => next,
                Err(error) => {
                    is_last = true;
                    return Some(Err(error));
                }
            };
            is_last = next.len() < PAGE as usize;
            after = next.last().map(|last| jid(last).clone());
            page = next.into_iter();
        }
        page.next().map(Ok)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(jid: &str, active: u64) -> Result<Connection> {
        Ok(Connection { jid: jid.into(), since: 0, active, address: None, available: true })
    }

    #[test]
    fn pages_follow_each_other() {
        for total in [0, 1, 255, 256, 257, 512, 600] {
            let all: Vec<String> = (0..total).map(|number| format!("u{number:04}")).collect();
            let reads = std::cell::Cell::new(0);
            let read = |after: Option<&str>| {
                reads.set(reads.get() + 1);
                let rest = all.iter().filter(|it| after.is_none_or(|after| it.as_str() > after));
                Ok(rest.take(PAGE as usize).cloned().collect())
            };
            let got: Vec<String> = paged(None, read, |it| it).map(|it| it.unwrap()).collect();
            assert_eq!((got, reads.get()), (all.clone(), total / PAGE as usize + 1), "{total}");
        }
    }

    #[test]
    fn an_error_is_the_end() {
        let read = |_: Option<&str>| Err::<Vec<String>, _>(Condition::InternalServerError.into());
        assert_eq!(paged(None, read, |it| it).count(), 1);
    }

    #[test]
    fn one_user_for_all_sessions() {
        let sessions = [session("a.b@c/x", 1), session("a@c/x", 2), session("a@c/y", 4), session("a@c/z", 3)];
        let users: Vec<(String, u64)> = users(sessions.into_iter()).map(|it| it.unwrap()).collect();
        assert_eq!(users, [("a.b@c".into(), 1), ("a@c".into(), 4)]);
    }
}
