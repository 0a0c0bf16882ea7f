//! Rings among modules.

use super::sources::Module;
use std::collections::{BTreeMap, BTreeSet};

/// Which modules each module speaks of.
pub type Arrows = BTreeMap<Module, BTreeSet<Module>>;

/// Sets of modules of which each leads to each other, but for a parent with its own children.
pub fn rings(arrows: &Arrows) -> Vec<Vec<Module>> {
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        arrows.keys().map(|module| (module, reach(arrows, module))).collect();
    let mut rings: BTreeSet<Vec<Module>> = BTreeSet::new();
    for (module, all) in &reached {
        let back = |other: &&Module| reached.get(*other).is_some_and(|others| others.contains(*module));
        let ring: Vec<Module> = all.iter().filter(back).cloned().collect();
        if ring.len() > 1 && !is_family(arrows, &ring) {
            rings.insert(ring);
        }
    }
    rings.into_iter().collect()
}

/// All that a module leads to, itself included if it does.
fn reach(arrows: &Arrows, from: &Module) -> BTreeSet<Module> {
    let (mut found, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        for to in arrows.get(module).into_iter().flatten() {
            if found.insert(to.clone()) {
                next.push(to);
            }
        }
    }
    found
}

/// Whether it is a parent with some of its children, and the children alone are no ring.
fn is_family(arrows: &Arrows, ring: &[Module]) -> bool {
    let Some(parent) = ring.iter().find(|parent| ring.iter().all(|child| child.starts_with(parent))) else {
        return false;
    };
    let inner = |module: &&Module| *module != parent && ring.contains(module);
    let children: Arrows = arrows
        .iter()
        .filter(|(module, _)| inner(module))
        .map(|(module, to)| (module.clone(), to.iter().filter(inner).cloned().collect()))
        .collect();
    rings(&children).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(arrows: &[(&str, &str)]) -> Vec<String> {
        let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
        let mut all = Arrows::new();
        for (from, to) in arrows {
            all.entry(module(from)).or_default().insert(module(to));
        }
        let names =
            |ring: Vec<Module>| ring.iter().map(|module| module.join("::")).collect::<Vec<_>>().join(" ");
        rings(&all).into_iter().map(names).collect()
    }

    #[test]
    fn a_ring_is_found_and_a_family_is_none() {
        assert_eq!(found(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]), ["a b c"]);
        assert!(found(&[("a", "b"), ("b", "c"), ("a", "c")]).is_empty());
        assert!(found(&[("a", "a::b"), ("a::b", "a")]).is_empty());
        assert_eq!(
            found(&[("a", "a::b"), ("a::b", "a"), ("a::b", "a::c"), ("a::c", "a::b")]),
            ["a a::b a::c"]
        );
        assert_eq!(found(&[("a", "b"), ("b", "a::c"), ("a::c", "a")]), ["a a::c b"]);
    }
}
