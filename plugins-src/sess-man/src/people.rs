//! Who and how many are registered, disabled, online, active or idle (XEP-0133, sections 4.13 to 4.22).

use crate::SessMan;
use crate::paged::{accounts_of, users_of};
use waxwing_plugin::account_admin;
use waxwing_plugin::commands::{Reply, Request};
use waxwing_plugin::prelude::*;

// Fields that XEP-0133 does not have.
const AFTER: &str = "{urn:waxwing:admin:0}after";
const TOTAL: &str = "{urn:waxwing:admin:0}total";
/// The most addresses in one answer.
const MOST: usize = 5_000;
/// For how long one call looks around, in milliseconds: less than the processor time that it is granted.
const PATIENCE: u64 = 800;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Registered,
    Disabled,
    Online,
    Active,
    Idle,
}

/// The domain that is meant.
fn chosen<'a>(request: &Request, domains: &'a [String]) -> Result<&'a str> {
    request.domain(domains).ok_or_else(|| Condition::Forbidden.text("You manage no such domain."))
}

/// What was found.
#[derive(Default)]
struct Found {
    jids: Vec<String>,
    /// How many there are in all.
    total: u64,
    /// There are more after this one.
    after: Option<String>,
    /// Only so many who are online were looked at for that.
    unfinished: Option<usize>,
}

impl SessMan {
    /// A command such as `get-idle-users-num` or `get-online-users-list`.
    pub fn people(&self, request: &Request, name: &str) -> Result<Reply> {
        let word = name.strip_prefix("get-").and_then(|rest| rest.split('-').next()).unwrap_or_default();
        let kind = match word {
            "registered" => Kind::Registered,
            "disabled" => Kind::Disabled,
            "online" => Kind::Online,
            "active" => Kind::Active,
            "idle" => Kind::Idle,
            _ => return Err(Condition::ItemNotFound.into()),
        };
        let domains = vhosts::names();
        let of_domain = domain_field(request, &domains);
        if name.ends_with("-num") {
            // Where there is nothing to choose, the XEP wants the number at once.
            if request.is_first() && !request.leaves_no_choice(&domains) {
                return Ok(ask(admin_form(&format!("Counting {word} users")).field(of_domain)));
            }
            let domain = chosen(request, &domains)?;
            let found = self.find(kind, domain, 0, None)?;
            let number = text_field(&format!("{word}usersnum"), &format!("The number of {word} users"));
            let form =
                admin_form(&format!("{domain}: {word} users")).field(number.value(&found.total.to_string()));
            return Ok(match found.unfinished {
                Some(looked_at) => warned(&unfinished(looked_at)).with(form),
                None => show(form),
            });
        }
        if request.is_first() {
            let form = admin_form(&format!("Listing {word} users")).field(of_domain);
            let sizes = list_field("max_items", "Maximum number of items to show", &SIZES).value("100");
            return Ok(ask(form.field(sizes).field(jid_field(AFTER, "Only those after this address"))));
        }
        let domain = chosen(request, &domains)?;
        let limit = request.answer("max_items").unwrap_or("100").parse().unwrap_or(MOST);
        let found = self.find(kind, domain, limit, request.answer(AFTER))?;
        Ok(shown(found, domain, word))
    }

    /// Those after an address, up to a limit, and how many there are in all.
    fn find(&self, kind: Kind, domain: &str, limit: usize, after: Option<&str>) -> Result<Found> {
        match kind {
            Kind::Registered | Kind::Disabled => registered(domain, kind == Kind::Disabled, limit, after),
            _ => self.online(kind, domain, limit, after),
        }
    }

    fn online(&self, kind: Kind, domain: &str, limit: usize, after: Option<&str>) -> Result<Found> {
        let long_ago = runtime::now().saturating_sub(self.active_user_timeframe.saturating_mul(1000));
        let fits = |active: u64| kind == Kind::Online || (active > long_ago) == (kind == Kind::Active);
        let (mut found, mut patience) = (Found::default(), Patience::new());
        if limit > 0 {
            for user in users_of(domain, after) {
                let (user, active) = user?;
                if found.take(&user, fits(active), limit, &mut patience) {
                    break;
                }
            }
        }
        for (number, user) in users_of(domain, None).enumerate() {
            if patience.is_over() {
                found.unfinished = Some(number);
                break;
            }
            found.total += u64::from(fits(user?.1));
        }
        Ok(found)
    }
}

fn registered(domain: &str, disabled: bool, limit: usize, after: Option<&str>) -> Result<Found> {
    let numbers = account_admin::count(domain)?;
    let total = if disabled { numbers.disabled } else { numbers.accounts };
    let (mut found, mut patience) = (Found { total, ..Found::default() }, Patience::new());
    if limit == 0 {
        return Ok(found);
    }
    for account in accounts_of(domain, after) {
        let account = account?;
        if found.take(&account.jid, !disabled || !account.enabled, limit, &mut patience) {
            break;
        }
    }
    Ok(found)
}

impl Found {
    /// Take one if it fits and there is room; whether this was the last.
    fn take(&mut self, jid: &str, fits: bool, limit: usize, patience: &mut Patience) -> bool {
        if fits && self.jids.len() == limit {
            self.after = self.jids.last().cloned();
        } else if fits {
            self.jids.push(jid.into());
        }
        if self.after.is_none() && patience.is_over() {
            self.after = Some(jid.into());
        }
        self.after.is_some()
    }
}

/// How long to go on.
struct Patience {
    until: u64,
    asked: u32,
}

impl Patience {
    fn new() -> Self {
        Self { until: runtime::now() + PATIENCE, asked: 0 }
    }

    /// Looks at the clock now and then.
    fn is_over(&mut self) -> bool {
        self.asked += 1;
        self.asked.is_multiple_of(64) && runtime::now() > self.until
    }
}

fn shown(found: Found, domain: &str, word: &str) -> Reply {
    let Found { jids, total, after, unfinished } = found;
    let mut note = format!("{} of {total} {word} users of {domain}.", jids.len());
    let mut form = admin_form(&format!("{domain}: {word} users"))
        .field(jids_field(&format!("{word}userjids"), &format!("The list of {word} users")).values(jids))
        .field(text_field(TOTAL, "How many there are in all").value(&total.to_string()));
    if let Some(after) = after {
        note += &format!(" For those that follow, run it again with after={after}");
        form = form.field(jid_field(AFTER, "More come after this address").value(&after));
    }
    match unfinished {
        Some(looked_at) => warned(&format!("{note} {}", self::unfinished(looked_at))).with(form),
        None => done(&note).with(form),
    }
}

fn unfinished(looked_at: usize) -> String {
    format!("Only the first {looked_at} who are online were counted: there are more.")
}

const SIZES: [(&str, &str); 7] = [
    ("25", "25"),
    ("50", "50"),
    ("75", "75"),
    ("100", "100"),
    ("150", "150"),
    ("200", "200"),
    ("As many as one answer holds", "none"),
];
