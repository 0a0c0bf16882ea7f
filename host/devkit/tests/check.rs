//! What is said of a component before it is installed.

mod components;

use components::{bundled, guest, options};
use std::collections::BTreeMap;
use waxwing_config::Settings;
use waxwing_devkit::check::{Report, check};

async fn report(name: &str) -> Report {
    check(&bundled(name), &[], &options()).await.unwrap()
}

/// What the config file allows once the printed block is pasted: interfaces and stores.
fn pasted(report: &Report) -> (Vec<String>, Vec<(String, u64)>) {
    let settings = Settings::parse(&report.grants, "pasted", &BTreeMap::new()).unwrap();
    let plugin = settings.plugins.list.iter().find(|plugin| plugin.name == report.name).unwrap();
    (plugin.grants.allow.clone(), plugin.grants.stores.clone())
}

#[tokio::test]
async fn ping() {
    let report = report("ping").await;
    assert_eq!((report.name.as_str(), report.summary.as_str()), ("ping", "Says that somebody is there."));
    assert_eq!((report.wit.as_str(), report.wasi), ("0.1.0", false));
    assert_eq!(report.hooks, ["process"]);
    assert_eq!(
        report.interests,
        [
            "IQs of type get with <ping xmlns='urn:xmpp:ping'> to the server, to the sender's own account or to the \
          account of somebody whose presence the sender sees"
        ]
    );
    assert_eq!(
        (&report.features, &report.account_features),
        (&vec!["urn:xmpp:ping".into()], &vec!["urn:xmpp:ping".into()])
    );
    assert!(report.session_events.is_empty() && report.marks.is_empty() && report.commands.is_empty());
    assert!(report.asks[0].ends_with("(process)"), "{:?}", report.asks);
    assert_eq!(report.size as u64, std::fs::metadata(bundled("ping")).unwrap().len());
    assert!(report.sha256.len() == 64 && report.memory > 0);
    let [cost] = &report.costs[..] else { panic!("{:?}", report.costs) };
    assert_eq!(
        (cost.hook, cost.sample.as_str(), cost.answer.as_str()),
        ("process", "iq get with <ping>", "reply")
    );
    assert!(cost.calls > 0 && cost.median_us > 0.0 && cost.median_us <= cost.p95_us, "{cost:?}");
    assert_eq!(pasted(&report), (vec!["process".into(), "stanzas".into()], vec![]));

    let text = report.to_string();
    assert!(
        text.starts_with(
            "ping 0.1.0\nSays that somebody is there.\n\nHooks           process\nIs shown        IQs"
        ),
        "{text}"
    );
    assert!(text.contains("WASI            no\n") && text.contains("iq get with <ping>"), "{text}");
    assert!(!text.contains("Sets marks"), "what it has not is not listed: {text}");
}

#[tokio::test]
async fn msgoffline() {
    let report = report("msgoffline").await;
    assert_eq!(report.hooks, ["process", "post", "sessions", "portable"]);
    assert_eq!(report.portable, ["{urn:xmpp:pie:0}offline-messages/*"]);
    assert!(
        report
            .interests
            .iter()
            .any(|interest| interest.starts_with("messages of type") && interest.ends_with("nobody took")),
        "{:?}",
        report.interests
    );
    assert_eq!(report.session_events, ["a session becomes available", "a session changes its priority"]);
    let tried: Vec<_> = report.costs.iter().map(|cost| (cost.hook, cost.answer.as_str())).collect();
    assert!(tried.contains(&("post", "handled")) && tried.contains(&("sessions", "done")), "{tried:?}");
    // The dry runs have shown which store it needs.
    let (allow, stores) = pasted(&report);
    assert_eq!(
        allow,
        ["process", "post", "sessions", "portable", "stanzas", "router", "marks", "storage", "runtime"]
    );
    assert_eq!(stores, [("shared/offline".to_owned(), 0)]);
}

#[tokio::test]
async fn every_hook_has_a_sample() {
    let report = check(&guest("clockwork"), &[], &options()).await.unwrap();
    let tried: std::collections::BTreeSet<&str> = report.costs.iter().map(|cost| cost.hook).collect();
    assert_eq!(
        tried.into_iter().collect::<Vec<_>>(),
        ["alarms", "commands", "portable", "process", "replies", "service"]
    );
    assert_eq!(report.services, ["clock.DOMAIN: Clock (component/bot)"]);
    assert_eq!(
        report.commands,
        ["wind: Wind the clock, for administrators", "hello: Say hello, for everybody with an account"]
    );
    assert_eq!(report.serial.as_deref(), Some("one at a time for each sending account"));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["hooks"].as_array().unwrap().len(), report.hooks.len());
    assert!(json["costs"][0]["median_us"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn what_cannot_be_loaded_is_refused_with_a_sentence() {
    let refused = async |name: &str| check(&guest(name), &[], &options()).await.unwrap_err().to_string();
    assert!(refused("describe-traps").await.contains("`describe` failed: it trapped"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text.wasm");
    std::fs::write(&file, "text").unwrap();
    let error = check(&file, &[], &options()).await.unwrap_err().to_string();
    assert!(error.ends_with("text.wasm: the file is not a WebAssembly component"), "{error}");
    let error = check(&bundled("msgoffline"), &["store-limit=many".into()], &options()).await.unwrap_err();
    assert!(format!("{error:#}").contains("it does not start with these settings"), "{error:#}");
}
