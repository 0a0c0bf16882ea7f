//! Scripted tests of plugins: those that pass, those that fail, and what they say then.

mod components;

use components::{bundled, guest, options};
use std::path::Path;
use waxwing_devkit::script::{Tally, play_all};

/// Play scripts against a component; how it went, and what was printed.
async fn play(component: &Path, scripts: &[&str]) -> (Tally, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    for (number, script) in scripts.iter().enumerate() {
        std::fs::write(folder.path().join(format!("tests/{number}.xml")), script).unwrap();
    }
    let mut printed = String::new();
    let mut print = |text: &str| printed += &format!("{text}\n");
    let tally = play_all(folder.path(), component, &options(), &mut print).await.unwrap();
    (tally, printed)
}

/// The script passes.
async fn passes(component: &Path, script: &str) {
    let (tally, printed) = play(component, &[script]).await;
    assert_eq!(tally, Tally { passed: 1, failed: 0 }, "{printed}");
}

/// The script fails; what was printed.
async fn fails(component: &Path, script: &str) -> String {
    let (tally, printed) = play(component, &[script]).await;
    assert_eq!(tally, Tally { passed: 0, failed: 1 }, "{printed}");
    printed
}

const PING: &str = "<test name='answers for the server'>
  <!-- Romeo has an account, which strangers are not told. -->
  <account jid='romeo@example.org'/>
  <session jid='juliet@example.org/balcony'/>
  <send from='juliet@example.org/balcony'>
    <iq type='get' id='1' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>
  </send>
  <expect to='juliet@example.org/balcony'><iq type='result' id='1' from='example.org'/></expect>
  <send from='juliet@example.org/balcony'>
    <iq type='get' id='2' to='romeo@example.org'><ping xmlns='urn:xmpp:ping'/></iq>
  </send>
  <expect to='juliet@example.org/balcony'><iq type='error' id='2' from='*'/></expect>
  <expect-nothing/>
</test>";

#[tokio::test]
async fn requests_are_answered() {
    passes(&bundled("ping"), PING).await;
}

#[tokio::test]
async fn messages_wait_for_who_is_offline() {
    let script = "<test>
      <account jid='romeo@example.org'/>
      <session jid='juliet@example.org/balcony'/>
      <send from='juliet@example.org/balcony'>
        <message type='chat' to='romeo@example.org'><body>first</body></message>
      </send>
      <send from='juliet@example.org/balcony'>
        <message type='chat' to='romeo@example.org'><body>second</body></message>
      </send>
      <expect-nothing/>
      <login jid='romeo@example.org/orchard' priority='-1'/>
      <expect-nothing/>
      <login jid='romeo@example.org/garden'/>
      <expect to='romeo@example.org/garden'>
        <message from='juliet@example.org/balcony'>
          <delay xmlns='urn:xmpp:delay' from='example.org' stamp='*'>Offline Storage</delay><body>first</body>
        </message>
      </expect>
      <expect to='romeo@example.org/garden'><message><body>second</body></message></expect>
      <expect-nothing/>
      <logout jid='romeo@example.org/garden'/>
      <login jid='romeo@example.org/garden' priority='5'/>
      <expect-nothing/>
    </test>";
    passes(&bundled("msgoffline"), script).await;
}

#[tokio::test]
async fn settings_are_those_of_the_script() {
    let script = "<test>
      <setting key='store-limit'>1</setting>
      <account jid='romeo@example.org'/>
      <session jid='juliet@example.org/balcony' available='false'/>
      <send from='juliet@example.org/balcony'><message to='romeo@example.org'><body>1</body></message></send>
      <expect-nothing/>
      <send from='juliet@example.org/balcony'><message to='romeo@example.org'><body>2</body></message></send>
      <expect to='juliet@example.org/balcony'>
        <message type='error'><error><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
      </expect>
    </test>";
    passes(&bundled("msgoffline"), script).await;
    let refused = fails(&bundled("msgoffline"), &script.replace(">1</setting>", ">many</setting>")).await;
    assert!(refused.contains("it does not start with these settings"), "{refused}");
}

#[tokio::test]
async fn copies_come_to_other_sessions() {
    let script = "<test>
      <session jid='romeo@example.org/orchard'/>
      <session jid='romeo@example.org/garden'/>
      <session jid='juliet@example.org/balcony'/>
      <send from='romeo@example.org/garden'><iq type='set' id='1'><enable xmlns='urn:xmpp:carbons:2'/></iq></send>
      <expect to='romeo@example.org/garden'><iq type='result' id='1'/></expect>
      <send from='romeo@example.org/orchard'>
        <message type='chat' to='juliet@example.org'><body>Hi</body></message>
      </send>
      <expect to='romeo@example.org/garden'>
        <message><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
          <message xmlns='jabber:client'><body>Hi</body></message>
        </forwarded></sent></message>
      </expect>
      <expect to='juliet@example.org/balcony'><message><body>Hi</body></message></expect>
      <expect-nothing/>
    </test>";
    passes(&bundled("message-carbons"), script).await;
}

#[tokio::test]
async fn streams_that_have_not_logged_in_can_ask() {
    let script = "<test>
      <vhost>closed.example</vhost>
      <vhost register='true'>open.example</vhost>
      <send><iq type='get' id='1' to='open.example'><query xmlns='jabber:iq:register'/></iq></send>
      <expect><iq type='result'><query xmlns='jabber:iq:register'><username/><password/></query></iq></expect>
      <send><iq type='get' id='2' to='closed.example'><query xmlns='jabber:iq:register'/></iq></send>
      <expect><iq type='error' id='2'/></expect>
    </test>";
    passes(&bundled("jabber-iq-register"), script).await;
}

#[tokio::test]
async fn time_passes_when_the_script_says_so() {
    let script = "<test>
      <session jid='juliet@example.org/balcony'/>
      <send from='juliet@example.org/balcony'>
        <iq type='set' id='1' to='example.org'><set-alarm xmlns='urn:clock' data='is ready'/></iq>
      </send>
      <expect to='juliet@example.org/balcony'><iq type='result'/></expect>
      <expect-nothing/>
      <advance by='1h'/>
      <expect to='juliet@example.org/balcony'><message from='example.org'><body>tea is ready</body></message></expect>
      <advance by='1d'/>
      <expect-nothing/>
    </test>";
    passes(&guest("clockwork"), script).await;
}

#[tokio::test]
async fn requests_of_the_plugin_run_out_of_time() {
    let script = "<test>
      <session jid='juliet@example.org/balcony'/>
      <send from='juliet@example.org/balcony'>
        <iq type='set' id='1' to='example.org'><ask xmlns='urn:clock' whom='juliet@example.org/balcony'/></iq>
      </send>
      <expect to='juliet@example.org/balcony'><iq type='get'><q xmlns='urn:clock'/></iq></expect>
      <advance by='1m'/>
      <expect to='juliet@example.org/balcony'><message><body>timeout  context</body></message></expect>
    </test>";
    passes(&guest("clockwork"), script).await;
}

#[tokio::test]
async fn each_test_has_a_server_of_its_own() {
    let script = "<test>
      <session jid='juliet@example.org/balcony'/>
      <send from='juliet@example.org/balcony'>
        <iq type='get' id='1'><query xmlns='jabber:iq:private'><a xmlns='u'/></query></iq>
      </send>
      <expect to='juliet@example.org/balcony'><iq type='result'><query xmlns='jabber:iq:private'><a xmlns='u'/></query></iq></expect>
      <send from='juliet@example.org/balcony'>
        <iq type='set' id='2'><query xmlns='jabber:iq:private'><a xmlns='u'>kept</a></query></iq>
      </send>
      <expect to='juliet@example.org/balcony'><iq type='result' id='2'/></expect>
      <send from='juliet@example.org/balcony'>
        <iq type='get' id='3'><query xmlns='jabber:iq:private'><a xmlns='u'/></query></iq>
      </send>
      <expect to='juliet@example.org/balcony'><iq id='3'><query xmlns='jabber:iq:private'><a xmlns='u'>kept</a></query></iq></expect>
    </test>";
    let nothing_kept = script.replacen(
        "<a xmlns='u'/></query></iq></expect>",
        "<a xmlns='u'>kept</a></query></iq></expect>",
        1,
    );
    let (tally, printed) = play(&bundled("private"), &[script, script, &nothing_kept]).await;
    assert_eq!(tally, Tally { passed: 2, failed: 1 }, "{printed}");
}

#[tokio::test]
async fn a_failure_shows_what_was_expected_and_what_came() {
    let wrong = PING.replace("id='1' from='example.org'", "id='1' from='example.com'");
    let printed = fails(&bundled("ping"), &wrong).await;
    let expected = "FAILED  answers for the server (tests/0.xml:8)
    expected at juliet@example.org/balcony:
        <iq type='result' id='1' from='example.com'/>
    what came:
        <iq from='example.org' to='juliet@example.org/balcony' type='result' id='1'/>
        (<iq> has from='example.org', not from='example.com')
";
    assert_eq!(printed, expected);

    let too_much = PING.replace(
        "<expect to='juliet@example.org/balcony'><iq type='result' id='1' from='example.org'/></expect>",
        "",
    );
    let printed = fails(&bundled("ping"), &too_much).await;
    let expected = "FAILED  answers for the server (tests/0.xml:13)
    nothing was expected at juliet@example.org/balcony, but this came:
        <iq from='example.org' to='juliet@example.org/balcony' type='result' id='1'/>
";
    assert_eq!(printed, expected);
}

#[tokio::test]
async fn what_was_passed_over_does_not_come_again() {
    let script = |first: &str, second: &str| {
        let send = |id: &str| {
            format!(
                "<send from='a@example.org/x'><iq type='get' id='{id}' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq></send>"
            )
        };
        let expect = |id: &str| format!("<expect to='a@example.org/x'><iq id='{id}'/></expect>");
        format!(
            "<test><session jid='a@example.org/x'/>{}{}{}{}</test>",
            send("1"),
            send("2"),
            expect(first),
            expect(second)
        )
    };
    passes(&bundled("ping"), &script("1", "2")).await;
    let printed = fails(&bundled("ping"), &script("2", "1")).await;
    assert!(printed.contains("nothing came"), "{printed}");
}

#[tokio::test]
async fn a_plugin_that_fails_is_quoted() {
    let printed = fails(
        &guest("hostile"),
        "<test>
          <session jid='juliet@example.org/balcony'/>
          <send from='juliet@example.org/balcony'><iq type='get' id='1'><trap xmlns='urn:test'/></iq></send>
          <expect to='juliet@example.org/balcony'><iq type='result'/></expect>
        </test>",
    )
    .await;
    assert!(
        printed.contains("<internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"),
        "{printed}"
    );
    assert!(printed.contains("    the log says:\n        WARN call failed: it trapped"), "{printed}");
}

#[tokio::test]
async fn scripts_that_cannot_be_played_fail() {
    let printed = fails(&bundled("ping"), "<test>\n<sned/></test>").await;
    assert!(
        printed.starts_with("FAILED  tests/0.xml\n") && printed.contains("0.xml:2: <sned> is no step"),
        "{printed}"
    );
    let printed =
        fails(&bundled("ping"), "<test><send from='a@example.org/x'><presence/></send></test>").await;
    assert!(printed.contains("there is no session a@example.org/x"), "{printed}");
    let printed = fails(&bundled("ping"), "<test><session jid='a@elsewhere.example/x'/></test>").await;
    assert!(
        printed.contains("cannot make the account a@elsewhere.example: its domain is not served here"),
        "{printed}"
    );
}

#[tokio::test]
async fn without_scripts_or_a_plugin_there_is_nothing_to_play() {
    let folder = tempfile::tempdir().unwrap();
    let error = play_all(folder.path(), &bundled("ping"), &options(), &mut |_| {}).await.unwrap_err();
    assert!(error.to_string().starts_with("there are no tests: "), "{error}");
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    std::fs::write(folder.path().join("tests/a.xml"), "<test/>").unwrap();
    let module = folder.path().join("module.wasm");
    std::fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
    let error = play_all(folder.path(), &module, &options(), &mut |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("waxwing plugin build"), "{error}");
}

#[tokio::test]
async fn what_is_missing_beside_is_looked_for_somewhere() {
    let said = fails(&bundled("ping"), "<test><plugin name='msgoffline'/></test>").await;
    assert!(
        said.contains("/msgoffline.wasm. A plugin that runs beside is looked for in the folder"),
        "{said}"
    );
    let import = "<test><import account='romeo@example.org'><item xmlns='urn:x'/></import></test>";
    let said = fails(&bundled("private"), import).await;
    assert!(
        said.contains("the plugin takes no <item xmlns='urn:x'>; it takes {jabber:iq:private}query/*"),
        "{said}"
    );
}
