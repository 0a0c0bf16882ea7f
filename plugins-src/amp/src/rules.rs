//! What a rule may say, and when its condition is met (XEP-0079, section 3.3).

use waxwing_plugin::{moment, resource, xml};

/// The most rules of one message, and bytes of a value: far more than anybody needs.
const MOST: usize = 32;
const LONGEST: usize = 64;

/// The actions: those of section 3.4, and Tigase's `deliver` and `store`.
pub const ACTIONS: [&str; 6] = ["alert", "deliver", "drop", "error", "notify", "store"];
pub const CONDITIONS: [&str; 3] = ["deliver", "expire-at", "match-resource"];

/// One `<rule/>` as its sender wrote it. An attribute that is missing is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub action: String,
    pub condition: String,
    pub value: String,
}

/// What is wrong with a rule (section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    UnsupportedAction,
    UnsupportedCondition,
    /// The value is none that the condition can have, or something is missing.
    Invalid,
}

/// What becomes of a message if no rule changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes to these addresses.
    Direct(Vec<String>),
    /// It is kept for when the recipient is online.
    Stored,
    /// Nobody gets it.
    Lost,
}

impl Rule {
    /// What is wrong with it, if anything is.
    pub fn flaw(&self) -> Option<Flaw> {
        let value = self.value.as_str();
        let fits = match self.condition.as_str() {
            "deliver" => ["direct", "forward", "gateway", "none", "stored"].contains(&value),
            "match-resource" => ["any", "exact", "other"].contains(&value),
            _ => value.len() <= LONGEST && moment(value).is_some(),
        };
        if !self.action.is_empty() && !ACTIONS.contains(&self.action.as_str()) {
            return Some(Flaw::UnsupportedAction);
        }
        if !self.condition.is_empty() && !CONDITIONS.contains(&self.condition.as_str()) {
            return Some(Flaw::UnsupportedCondition);
        }
        (self.action.is_empty() || self.condition.is_empty() || !fits).then_some(Flaw::Invalid)
    }

    /// Whether its action tells the sender something, from which presence can be guessed.
    pub fn tells(&self) -> bool {
        matches!(self.action.as_str(), "alert" | "error" | "notify")
    }

    /// Whether its action leaves the message where it is going.
    pub fn continues(&self) -> bool {
        matches!(self.action.as_str(), "deliver" | "notify")
    }

    /// When a message expires by this rule, in milliseconds since the Unix epoch.
    pub fn due(&self) -> Option<u64> {
        (self.condition == "expire-at").then(|| moment(&self.value))?
    }

    /// Whether its condition is met `now` for a message to `to` with this fate.
    fn is_met(&self, now: u64, to: &str, fate: &Fate) -> bool {
        match self.condition.as_str() {
            "deliver" => {
                let value = match fate {
                    Fate::Direct(_) => "direct",
                    Fate::Stored => "stored",
                    Fate::Lost => "none",
                };
                self.value == value
            }
            "expire-at" => self.due().is_some_and(|due| due <= now),
            // What is stored goes to the account, which is where a message without a resource is meant to go.
            _ => match (self.value.as_str(), fate) {
                ("any", fate) => matches!(fate, Fate::Direct(_)),
                (value, Fate::Direct(reached)) => (value == "exact") == reached.iter().all(|jid| jid == to),
                (value, Fate::Stored) => (value == "exact") == resource(to).is_none(),
                (value, Fate::Lost) => value == "other",
            },
        }
    }

    pub fn to_xml(&self) -> String {
        xml!("<rule action='{}' condition='{}' value='{}'/>", self.action, self.condition, self.value)
    }
}

/// The rule that counts: the first whose condition is met. With `per_hop`, resources are nobody's business
/// (section 3.3.3).
pub fn first_met<'a>(rules: &'a [Rule], per_hop: bool, now: u64, to: &str, fate: &Fate) -> Option<&'a Rule> {
    let mut rules = rules.iter().filter(|rule| !per_hop || rule.condition != "match-resource");
    rules.find(|rule| rule.is_met(now, to, fate))
}

/// The rules that are wrong, with what is wrong with all of them. An error has room for one kind: the one of
/// the first that is wrong.
pub fn flawed(rules: &[Rule]) -> Option<(Flaw, Vec<&Rule>)> {
    if rules.len() > MOST {
        return Some((Flaw::Invalid, rules.iter().skip(MOST).collect()));
    }
    let flaw = rules.iter().find_map(Rule::flaw)?;
    Some((flaw, rules.iter().filter(|rule| rule.flaw() == Some(flaw)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: &str, condition: &str, value: &str) -> Rule {
        Rule { action: action.into(), condition: condition.into(), value: value.into() }
    }

    #[test]
    fn flaws() {
        for (rule, flaw) in [
            (rule("drop", "deliver", "stored"), None),
            (rule("store", "match-resource", "other"), None),
            (rule("error", "expire-at", "2004-01-01T00:00:00Z"), None),
            (rule("explode", "deliver", "stored"), Some(Flaw::UnsupportedAction)),
            (rule("drop", "mood", "sad"), Some(Flaw::UnsupportedCondition)),
            (rule("drop", "deliver", "perhaps"), Some(Flaw::Invalid)),
            (rule("drop", "expire-at", "tomorrow"), Some(Flaw::Invalid)),
            (rule("drop", "match-resource", ""), Some(Flaw::Invalid)),
            (rule("", "deliver", "stored"), Some(Flaw::Invalid)),
            (rule("drop", "", "stored"), Some(Flaw::Invalid)),
        ] {
            assert_eq!(rule.flaw(), flaw, "{rule:?}");
        }
    }

    #[test]
    fn all_of_one_kind_are_named() {
        let bad = |value| rule("drop", "deliver", value);
        let rules = [bad("stored"), bad("a"), rule("explode", "deliver", "none"), bad("b")];
        assert_eq!(flawed(&rules), Some((Flaw::Invalid, vec![&rules[1], &rules[3]])));
        assert_eq!(flawed(&rules[..1]), None);
        assert_eq!(flawed(&vec![bad("stored"); 33]), Some((Flaw::Invalid, vec![&bad("stored")])));
    }

    #[test]
    fn conditions() {
        let (full, account) = ("juliet@example.org/balcony", "juliet@example.org");
        let direct = |to: &[&str]| Fate::Direct(to.iter().map(|to| (*to).into()).collect());
        let elsewhere = direct(&["juliet@example.org/chamber"]);
        for (condition, value, to, fate, met) in [
            ("deliver", "direct", full, direct(&[full]), true),
            ("deliver", "stored", full, direct(&[full]), false),
            ("deliver", "stored", account, Fate::Stored, true),
            ("deliver", "none", account, Fate::Lost, true),
            ("deliver", "forward", full, direct(&[full]), false),
            ("match-resource", "any", full, elsewhere.clone(), true),
            ("match-resource", "any", full, Fate::Stored, false),
            ("match-resource", "exact", full, direct(&[full]), true),
            ("match-resource", "exact", full, elsewhere.clone(), false),
            ("match-resource", "other", full, elsewhere.clone(), true),
            ("match-resource", "other", full, Fate::Stored, true),
            ("match-resource", "other", full, Fate::Lost, true),
            ("match-resource", "exact", account, Fate::Stored, true),
            ("match-resource", "other", account, Fate::Stored, false),
            ("match-resource", "exact", account, elsewhere.clone(), false),
            ("match-resource", "other", account, elsewhere, true),
            ("expire-at", "1970-01-01T00:00:01Z", account, Fate::Stored, true),
            ("expire-at", "1970-01-01T00:00:01.001Z", account, Fate::Stored, false),
        ] {
            let rules = [rule("drop", condition, value)];
            let found = first_met(&rules, false, 1000, to, &fate);
            assert_eq!(found.is_some(), met, "{condition} {value} {to} {fate:?}");
        }
    }

    #[test]
    fn the_first_counts_and_resources_do_not_hop_by_hop() {
        let rules = [rule("drop", "match-resource", "any"), rule("notify", "deliver", "direct")];
        let fate = Fate::Direct(vec!["a@b/c".into()]);
        assert_eq!(first_met(&rules, false, 0, "a@b/c", &fate), Some(&rules[0]));
        assert_eq!(first_met(&rules, true, 0, "a@b/c", &fate), Some(&rules[1]));
    }
}
