//! Accounts that move from server to server, as the plugin sees it (XEP-0227).

use super::matching::mismatch;
use crate::pretty::pretty;
use crate::world::World;
use anyhow::Context as _;
use waxwing_plugins::PortableKind;
use waxwing_xmpp::{Element, Jid, ns};

/// Pages of one element. A plugin that gives out more goes round in circles.
const PAGES: usize = 1000;

impl World {
    /// Have plugins take these children of a `<user/>`.
    pub(crate) async fn import(&self, account: &Jid, elements: &[Element]) -> anyhow::Result<()> {
        let kinds = self.engine.portable(account.domain());
        for element in elements {
            let kind = kinds.iter().map(|(kind, _)| kind).find(|kind| element.is(&kind.name, &kind.ns));
            let kind = kind.with_context(|| {
                let takes: Vec<String> = kinds.iter().map(|(kind, _)| kind.to_string()).collect();
                format!(
                    "the plugin takes no <{} xmlns='{}'>; it takes {}. What ends in /* is the children of an element, \
                     and stands in that element here",
                    element.name(),
                    element.ns(),
                    if takes.is_empty() { "nothing".to_owned() } else { takes.join(", ") }
                )
            })?;
            let parts: String = match kind.children {
                true => element.children().map(ToString::to_string).collect(),
                false => element.to_string(),
            };
            self.engine.import(account, kind, &parts).await?;
        }
        Ok(())
    }

    /// Whether what plugins give out of an account is like these children of a `<user/>`, in this order.
    pub(crate) async fn export(&self, account: &Jid, patterns: &[Element]) -> anyhow::Result<()> {
        let mut found = Vec::new();
        for (kind, _) in self.engine.portable(account.domain()) {
            found.extend(self.exported(account, &kind).await?);
        }
        let wrong = match found.len() == patterns.len() {
            true => found.iter().zip(patterns).find_map(|(found, pattern)| differs(found, pattern)),
            false => Some(format!("{} elements were expected, not {}", patterns.len(), found.len())),
        };
        let Some(wrong) = wrong else { return Ok(()) };
        let shown: Vec<String> = found.iter().map(|element| pretty(element, 8)).collect();
        anyhow::bail!("    {wrong}\n    what was given out:\n{}", shown.join("\n"))
    }

    async fn exported(&self, account: &Jid, kind: &PortableKind) -> anyhow::Result<Option<Element>> {
        let mut elements = Vec::new();
        let mut after = None;
        for _ in 0..PAGES {
            let page = self.engine.export(account, kind, after.as_deref()).await?;
            for xml in &page.elements {
                elements.push(Element::parse_in(xml, ns::CLIENT)?);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        anyhow::ensure!(after.is_none(), "the plugin gives out {kind} without end");
        match kind.children {
            false => Ok(elements.pop()),
            true if elements.is_empty() => Ok(None),
            true => {
                let whole = Element::new(&*kind.name, &*kind.ns);
                Ok(Some(elements.into_iter().fold(whole, Element::with_child)))
            }
        }
    }
}

/// As elsewhere, but children come in order and all of them: it is a queue that is given out.
fn differs(found: &Element, pattern: &Element) -> Option<String> {
    let (inside, wanted) = (found.children(), pattern.children());
    let order = || inside.zip(wanted).find_map(|(found, pattern)| mismatch(found, pattern));
    let (count, expected) = (found.children().count(), pattern.children().count());
    if expected > 0 && count != expected {
        return Some(format!("<{}> has {count} children, not {expected}", found.name()));
    }
    mismatch(found, pattern).or_else(order)
}
