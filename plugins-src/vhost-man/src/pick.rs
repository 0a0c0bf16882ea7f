//! Commands about one domain: their first step is to choose it.

use waxwing_plugin::commands::{Action, Reply, Request};
use waxwing_plugin::prelude::*;

/// Where such a command stands.
pub enum Stage {
    /// The domain is to be chosen.
    First,
    /// It was chosen.
    Chosen(String),
    /// What was asked about it is filled in.
    FilledIn(String),
}

/// `var` is the field of the choice. The state of the second step is the domain.
pub fn stage(request: &Request, var: &str) -> Stage {
    let chosen = || request.answer(var).map_or(Stage::First, |domain| Stage::Chosen(domain.into()));
    match (request.action, request.state.as_slice()) {
        (Action::Execute | Action::Prev, _) => Stage::First,
        (_, []) => chosen(),
        (_, state) => Stage::FilledIn(String::from_utf8_lossy(state).into()),
    }
}

/// Have one of these domains chosen.
pub fn pick(title: &str, var: &str, label: &str, domains: &[String]) -> Reply {
    if domains.is_empty() {
        return done("There are no items on the list");
    }
    let choices: Vec<(&str, &str)> =
        domains.iter().map(|domain| (domain.as_str(), domain.as_str())).collect();
    ask_more(form(title).field(list_field(var, label, &choices).required()), [])
}
