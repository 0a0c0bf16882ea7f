//! Plugins that cannot be loaded, and the sentences that say why.

mod common;

use common::*;
use std::sync::Arc;
use std::time::Duration;
use waxwing_plugins::*;

async fn refused(specs: Vec<PluginSpec>) -> (Reason, String) {
    let error = engine(options(), specs, &Arc::new(FakeHost::default())).await.unwrap_err();
    let sentence = error.to_string();
    (error.reason, sentence)
}

async fn refused_file(bytes: &[u8]) -> (Reason, String) {
    refused(vec![spec_of("hostile", file("broken", bytes))]).await
}

/// The hostile plugin with one text of its binary replaced by another of the same length.
fn patched(from: &str, to: &str) -> Vec<u8> {
    patched_guest("hostile", from, to)
}

fn patched_guest(name: &str, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(guest(name)).unwrap();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|window| window == from.as_bytes()) {
        at += found;
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    assert!(at > 0);
    bytes
}

#[tokio::test]
async fn files_that_are_no_components() {
    let missing = spec_of("missing", "/nowhere/missing.wasm".into());
    let (reason, sentence) = refused(vec![missing]).await;
    assert!(matches!(reason, Reason::Unreadable { .. }));
    assert!(sentence.contains("/nowhere/missing.wasm") && sentence.contains("make plugins"), "{sentence}");

    assert!(matches!(refused_file(b"#!/bin/sh").await.0, Reason::NotAComponent));
    assert!(matches!(refused_file(b"").await.0, Reason::NotAComponent));
    assert!(matches!(refused_file(b"\0asm\x0d\0\x01\0garbage").await.0, Reason::Invalid(_)));
    let (reason, sentence) = refused_file(b"\0asm\x01\0\0\0").await;
    assert!(matches!(reason, Reason::CoreModule));
    assert!(sentence.contains("waxwing plugin build"), "{sentence}");
    let (reason, sentence) = refused_file(b"\0asm\x0d\0\x01\0").await;
    assert!(matches!(reason, Reason::NoLifecycle), "{sentence}");
}

#[tokio::test]
async fn another_version_of_the_contract() {
    let (reason, sentence) = refused_file(&patched("@0.1.0", "@0.2.0")).await;
    assert!(matches!(reason, Reason::Version { .. }));
    assert!(sentence.contains("0.2.0") && sentence.contains("0.1.0"), "{sentence}");
}

#[tokio::test]
async fn an_import_that_nobody_offers() {
    let (reason, _) = refused_file(&patched("xmpp:plugin/runtime", "xmpp:plugin/wartime")).await;
    assert!(matches!(reason, Reason::UnknownImport(name) if name == "xmpp:plugin/wartime@0.1.0"));
    let (reason, _) = refused_file(&patched("xmpp:plugin/runtime", "else:plugin/runtime")).await;
    assert!(matches!(reason, Reason::UnknownImport(name) if name == "else:plugin/runtime@0.1.0"));
}

#[tokio::test]
async fn an_interface_of_another_shape() {
    let (reason, sentence) = refused_file(&patched("on-filter", "on-folter")).await;
    assert!(matches!(reason, Reason::Mismatch { interface: "filter", .. }), "{sentence}");
    let (reason, sentence) = refused_file(&patched("stanza.children", "stanza.childron")).await;
    assert!(matches!(reason, Reason::Mismatch { interface: "imports", .. }), "{sentence}");
    assert!(sentence.contains("build it again, with `make plugins`"), "{sentence}");
}

fn spec_without(grant: Grant) -> PluginSpec {
    let mut spec = spec("hostile");
    spec.grants.allow = spec.grants.allow.without(grant);
    spec
}

#[tokio::test]
async fn a_stranger_may_do_nothing() {
    let spec = PluginSpec::new("hostile", Source::File(guest("hostile")));
    let (reason, sentence) = refused(vec![spec]).await;
    assert!(
        matches!(reason, Reason::NotGranted(missing) if missing.has(Grant::Pre) && missing.has(Grant::Router))
    );
    assert!(sentence.contains("'router'") && sentence.contains("`allow`"), "{sentence}");
}

#[tokio::test]
async fn what_is_not_granted_is_not_linked() {
    for grant in [Grant::Storage, Grant::AccountAdmin, Grant::Stanzas, Grant::Pre, Grant::Filter] {
        let (reason, sentence) = refused(vec![spec_without(grant)]).await;
        assert!(matches!(reason, Reason::NotGranted(missing) if missing == Interfaces::NONE.with(grant)));
        assert!(sentence.contains(grant.name()) && sentence.contains(grant.allows()), "{sentence}");
    }
    // Nobody needs a grant for what is not imported.
    assert!(
        engine(options(), vec![spec_without(Grant::Scheduler)], &Arc::new(FakeHost::default())).await.is_ok()
    );
}

#[tokio::test]
async fn a_description_that_does_not_fit() {
    let (reason, _) = refused(vec![spec("odd")]).await;
    assert!(matches!(reason, Reason::NoHook { hook: Grant::Post, .. }));
    let (reason, sentence) = refused(vec![PluginSpec { name: "harmless".into(), ..spec("hostile") }]).await;
    assert!(matches!(reason, Reason::Name(name) if name == "hostile"), "{sentence}");
    assert!(matches!(
        refused(vec![PluginSpec { name: "a/b".into(), ..spec("odd") }]).await.0,
        Reason::BadName(_)
    ));
    assert!(matches!(refused(vec![spec("hostile"), spec("hostile")]).await.0, Reason::Twice));
}

#[tokio::test]
async fn alarms_that_nobody_hears() {
    let deaf = patched_guest("clockwork", "xmpp:plugin/alarms", "xmpp:plugin/elarms");
    let (reason, sentence) = refused(vec![spec_of("clockwork", file("clockwork", &deaf))]).await;
    assert!(matches!(reason, Reason::NoAlarms), "{sentence}");
}

#[tokio::test]
async fn names_that_mean_something_else_on_a_command_line() {
    for name in ["", ".", "..", "*", "--erase-data", "a'b", "a b", "1st", "ping\n", &"x".repeat(65)] {
        let (reason, sentence) = refused(vec![PluginSpec { name: name.into(), ..spec("odd") }]).await;
        assert!(matches!(reason, Reason::BadName(_)), "{name:?}: {sentence}");
    }
}

#[tokio::test]
async fn plugins_that_cannot_say_what_they_are() {
    let hasty =
        |name: &str| PluginSpec { limits: limited(|l| l.cpu = Duration::from_millis(5)), ..spec(name) };
    for name in ["describe-traps", "describe-loops"] {
        let (reason, sentence) = refused(vec![hasty(name)]).await;
        assert!(matches!(reason, Reason::Failed { function: "describe", .. }), "{sentence}");
    }
    let (reason, sentence) = refused(vec![spec("describe-absurd")]).await;
    assert!(matches!(reason, Reason::TooMany { what: "interests", count: 5000, .. }), "{sentence}");
}

#[tokio::test]
async fn a_file_that_was_cut_short() {
    let whole = std::fs::read(guest("quiet")).unwrap();
    for length in [9, 100, whole.len() / 2, whole.len() - 1] {
        let (reason, sentence) = refused_file(&whole[..length]).await;
        assert!(matches!(reason, Reason::Invalid(_) | Reason::NoLifecycle), "{length}: {sentence}");
    }
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0xff);
    assert!(matches!(refused_file(&damaged).await.0, Reason::Invalid(_)));
}

#[tokio::test]
async fn settings_that_the_plugin_does_not_know() {
    let settings = vec![("greting".into(), vec!["hello".into()])];
    let (reason, sentence) = refused(vec![PluginSpec { settings, ..spec("hostile") }]).await;
    assert!(matches!(reason, Reason::Refused(_)));
    assert!(sentence.contains("greting") && sentence.contains("greeting"), "{sentence}");
}

#[test]
fn not_every_module_can_be_made_a_component() {
    assert!(componentize(b"nonsense").is_err());
    assert!(componentize(b"\0asm\x01\0\0\0").is_ok(), "an empty module makes an empty component");
}
