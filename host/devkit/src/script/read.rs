//! Reading a script: what is there at the start, then what happens, step by step.

use crate::component::{Values, add};
use crate::script::lines;
use crate::world::DOMAIN;
use std::path::{Path, PathBuf};
use std::time::Duration;
use waxwing_config::{VhostSettings, tdsl};
use waxwing_xmpp::{Element, Jid, Stanza, ns};

/// A script that cannot be played.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {problem}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct Problem {
    /// The script.
    pub file: PathBuf,
    /// Where in it.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
}

/// A test.
#[derive(Debug)]
pub(crate) struct Script {
    pub name: String,
    pub vhosts: Vec<VhostSettings>,
    pub settings: Values,
    /// Plugins that run beside the one that is tested.
    pub plugins: Vec<String>,
    pub accounts: Vec<Jid>,
    /// Those of them that administer the server.
    pub admins: Vec<String>,
    pub steps: Vec<(usize, Step)>,
}

/// One thing that happens, or is to have happened.
#[derive(Debug)]
pub(crate) enum Step {
    /// A session sends, or else a stream that has not logged in.
    Send { from: Option<Jid>, stanza: Stanza },
    /// Something like this has come.
    Expect { to: Option<Jid>, pattern: Element },
    /// Nothing has come, or nothing like these.
    ExpectNothing { to: Option<Jid>, patterns: Vec<Element> },
    /// A resource is bound, and unless there is no priority, its first presence sent.
    Login { jid: Jid, priority: Option<i8> },
    /// A session ends.
    Logout { jid: Jid },
    /// An account comes from another server with these elements (XEP-0227).
    Import { account: Jid, elements: Vec<Element> },
    /// What the plugin gives out of an account is like these.
    Export { account: Jid, patterns: Vec<Element> },
    /// Time passes.
    Advance { by: Duration },
}

/// Read a script. What comes first of accounts and sessions is a step like the others.
pub(crate) fn read(file: &Path) -> Result<Script, Problem> {
    let fail = |line, problem: String| Problem { file: file.to_owned(), line, problem };
    let text =
        std::fs::read_to_string(file).map_err(|error| fail(None, format!("cannot read it: {error}")))?;
    let (text, lines) = lines::prepare(&text);
    let root =
        Element::parse(&text).map_err(|error| fail(None, format!("it is not well-formed: {error}")))?;
    if root.name() != "test" {
        return Err(fail(Some(1), format!("a script is one <test>, not <{}>", root.name())));
    }
    only(&root, &["name"]).map_err(|problem| fail(Some(1), problem))?;
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut script = Script {
        name: root.attr("name").map_or(stem, String::from),
        vhosts: Vec::new(),
        settings: Values::new(),
        plugins: Vec::new(),
        accounts: Vec::new(),
        admins: Vec::new(),
        steps: Vec::new(),
    };
    for (number, child) in root.children().enumerate() {
        let line = lines.get(number).copied();
        script.take(line.unwrap_or_default(), child).map_err(|problem| fail(line, problem))?;
    }
    if script.vhosts.is_empty() {
        script.vhosts.push(VhostSettings::new(DOMAIN));
    }
    Ok(script)
}

impl Script {
    /// Take one child of the root.
    fn take(&mut self, line: usize, child: &Element) -> Result<(), String> {
        let step = match child.name() {
            "vhost" => {
                self.vhosts.push(vhost(child)?);
                return Ok(());
            }
            "setting" => {
                only(child, &["key"])?;
                add(&mut self.settings, attr(child, "key")?, child.text().trim());
                return Ok(());
            }
            "plugin" => {
                only(child, &["name"])?;
                self.plugins.push(attr(child, "name")?.to_owned());
                return Ok(());
            }
            "account" => {
                only(child, &["jid", "admin"])?;
                let jid = address(attr(child, "jid")?, Jid::is_bare, "an account, user@domain")?;
                match child.attr("admin") {
                    None | Some("false") => {}
                    Some("true") => self.admins.push(jid.to_string()),
                    Some(_) => return Err("'admin' is 'true' or 'false'".into()),
                }
                self.accounts.push(jid);
                return Ok(());
            }
            "session" | "login" => {
                only(child, &["jid", "priority", "available"])?;
                let jid = address(attr(child, "jid")?, is_full, "a session, user@domain/resource")?;
                Step::Login { jid, priority: priority(child)? }
            }
            "logout" => {
                only(child, &["jid"])?;
                Step::Logout { jid: session(attr(child, "jid")?)? }
            }
            "send" => {
                only(child, &["from"])?;
                Step::Send { from: party(child, "from")?, stanza: stanza(child)? }
            }
            "expect" => {
                only(child, &["to"])?;
                Step::Expect { to: party(child, "to")?, pattern: one(child)? }
            }
            "expect-nothing" => {
                only(child, &["to"])?;
                Step::ExpectNothing { to: party(child, "to")?, patterns: inside(child)? }
            }
            "import" | "export" => {
                only(child, &["account"])?;
                let account = address(attr(child, "account")?, Jid::is_bare, "an account, user@domain")?;
                let elements = inside(child)?;
                match child.name() {
                    "import" => Step::Import { account, elements },
                    _ => Step::Export { account, patterns: elements },
                }
            }
            "advance" => {
                only(child, &["by"])?;
                let by = attr(child, "by")?;
                let by = tdsl::duration::parse(by);
                Step::Advance { by: by.ok_or("it advances by a duration such as '90s', '1h 30m' or '2d'")? }
            }
            other => {
                return Err(format!(
                    "<{other}> is no step; there are vhost, setting, plugin, account, session, login, logout, send, expect, \
                     expect-nothing, import, export and advance"
                ));
            }
        };
        self.steps.push((line, step));
        Ok(())
    }
}

fn vhost(element: &Element) -> Result<VhostSettings, String> {
    let mut vhost = VhostSettings::new(element.text().trim());
    for (key, value) in element.attrs() {
        vhost.set(key, value)?;
    }
    Ok(vhost)
}

fn priority(element: &Element) -> Result<Option<i8>, String> {
    match element.attr("available") {
        Some("false") => return Ok(None),
        None | Some("true") => {}
        Some(_) => return Err("'available' is 'true' or 'false'".into()),
    }
    let priority = element.attr("priority").unwrap_or("0");
    priority.parse().map(Some).map_err(|_| "a priority is a number from -128 to 127".into())
}

/// Refuse attributes that have no meaning: one that is misspelt would have none either.
fn only(element: &Element, known: &[&str]) -> Result<(), String> {
    match element.attrs().find(|(name, _)| !known.contains(name)) {
        Some((name, _)) => Err(format!("<{}> has no attribute '{name}'", element.name())),
        None => Ok(()),
    }
}

fn attr<'a>(element: &'a Element, name: &str) -> Result<&'a str, String> {
    element.attr(name).ok_or_else(|| format!("<{}> lacks the attribute '{name}'", element.name()))
}

/// The session that an attribute names.
fn party(element: &Element, name: &str) -> Result<Option<Jid>, String> {
    element.attr(name).map(session).transpose()
}

fn session(text: &str) -> Result<Jid, String> {
    address(text, is_full, "a session, user@domain/resource")
}

fn is_full(jid: &Jid) -> bool {
    jid.local().is_some() && jid.resource().is_some()
}

fn address(text: &str, fits: impl Fn(&Jid) -> bool, what: &str) -> Result<Jid, String> {
    let jid = Jid::parse(text).map_err(|error| format!("'{text}': {error}"))?;
    if jid.local().is_some() && fits(&jid) {
        Ok(jid)
    } else {
        Err(format!("'{text}' is not the address of {what}"))
    }
}

/// The elements inside, as they would stand on a client's stream.
fn inside(element: &Element) -> Result<Vec<Element>, String> {
    let stanzas = element.children().map(|child| {
        // Undeclared names are those of the stream.
        let stanza = Element::parse_in(&child.to_xml_in(""), ns::CLIENT);
        stanza.map_err(|error| format!("<{}>: {error}", child.name()))
    });
    stanzas.collect()
}

fn one(element: &Element) -> Result<Element, String> {
    let mut inside = inside(element)?;
    match (inside.pop(), inside.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(format!("there must be one stanza in <{}>", element.name())),
    }
}

fn stanza(element: &Element) -> Result<Stanza, String> {
    let one = one(element)?;
    Stanza::parse(&one.to_string()).map_err(|error| format!("<{}> cannot be sent: {error}", one.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Result<Script, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.xml");
        std::fs::write(&file, text).unwrap();
        read(&file).map_err(|problem| problem.to_string().replace(&file.display().to_string(), "a.xml"))
    }

    #[test]
    fn a_whole_script() {
        let script = script(
            "<?xml version='1.0'?>\n<!-- What it is about. -->\n<test name='greets'>\n\
             <vhost register='true'>a.example</vhost>\n<setting key='k'>1</setting><setting key='k'>2</setting>\n\
             <account jid='romeo@a.example'/>\n<session jid='juliet@a.example/x' priority='-1'/>\n\
             <send from='juliet@a.example/x'><message><!-- hello --><body>Hi</body></message></send>\n\
             <advance by='1h 30m'/>\n<expect-nothing/>\n</test>\n",
        )
        .unwrap();
        assert_eq!((script.name.as_str(), script.vhosts.len(), script.accounts.len()), ("greets", 1, 1));
        assert!(script.vhosts[0].register);
        assert_eq!(script.settings, [("k".to_owned(), vec!["1".to_owned(), "2".to_owned()])]);
        assert!(matches!(&script.steps[0], (7, Step::Login { priority: Some(-1), .. })));
        let (8, Step::Send { stanza, .. }) = &script.steps[1] else { panic!("{:?}", script.steps) };
        assert_eq!(stanza.text("body").as_deref(), Some("Hi"));
        assert!(matches!(&script.steps[2], (9, Step::Advance { by }) if by.as_secs() == 5400));
        assert_eq!(script.steps.len(), 4);
    }

    #[test]
    fn without_a_name_or_a_domain() {
        let script = script("<test><expect-nothing to='a@b/c'><presence/></expect-nothing></test>").unwrap();
        assert_eq!((script.name.as_str(), script.vhosts[0].domain.as_str()), ("a", DOMAIN));
        let [(1, Step::ExpectNothing { patterns, .. })] = &script.steps[..] else { panic!() };
        assert!(patterns[0].is("presence", ns::CLIENT));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (inside, problem) in [
            ("\n<sned/>", "a.xml:2: <sned> is no step"),
            (
                "\n\n<send from='juliet@example.org'><iq/></send>",
                "a.xml:3: 'juliet@example.org' is not the address of a session",
            ),
            ("<send from='a@b/c'/>", "a.xml:1: there must be one stanza in <send>"),
            ("<send from='a@b/c'><hello/></send>", "a.xml:1: <hello> cannot be sent"),
            ("<expect too='a@b/c'><iq/></expect>", "a.xml:1: <expect> has no attribute 'too'"),
            ("<advance by='1 fortnight'/>", "a.xml:1: it advances by a duration"),
            ("<account jid='example.org'/>", "a.xml:1: 'example.org' is not the address of an account"),
            ("<login jid='a@b/c' priority='200'/>", "a.xml:1: a priority is a number"),
            ("<setting/>", "a.xml:1: <setting> lacks the attribute 'key'"),
            ("<send>", "a.xml: it is not well-formed"),
        ] {
            let error = script(&format!("<test>{inside}</test>")).unwrap_err();
            assert!(error.starts_with(problem), "{error}");
        }
        assert!(script("<iq/>").unwrap_err().starts_with("a.xml:1: a script is one <test>"));
    }
}
