use super::*;
use std::fs;
use tempfile::TempDir;

/// A folder with files, and what is in `main.xml`.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    /// The items as lines, and how it ended.
    fn read(&self) -> (Vec<String>, Result<(), String>) {
        let split = BTreeSet::from(["{urn:xmpp:pie:0}offline-messages".to_owned()]);
        let mut lines = Vec::new();
        let file = self.0.path().join("main.xml");
        let result = read(&file, &split, &mut |item| {
            lines.push(line(item));
            true
        });
        let folder = self.0.path().canonicalize().unwrap().display().to_string();
        let short = |error: PortableError| {
            let said = error.to_string().replace(&folder, "");
            said.replace(&self.0.path().display().to_string(), "")
        };
        (lines, result.map_err(short))
    }

    /// Why it cannot be read.
    fn wrong(&self) -> String {
        self.read().1.unwrap_err()
    }
}

fn line(item: Item) -> String {
    match item {
        Item::Host { domain, place } => format!("{} host {}", place.line, domain.unwrap_or_default()),
        Item::HostElement { element } => format!("host has {}", element.name()),
        Item::HostEnd { .. } => "host ends".to_owned(),
        Item::User { name, password, place } => {
            format!("{} user {} {}", place.line, name.unwrap_or_default(), password.unwrap_or_default())
        }
        Item::UserElement { element, place } => format!("{} {element}", place.line),
        Item::Part { of, element, place } => format!("{} in {of}: {element}", place.line),
        Item::TooLarge { name, place } => format!("{} {name} is too large", place.line),
        Item::UserEnd => "user ends".to_owned(),
        Item::Unknown { element } => format!("unknown {}", element.name()),
    }
}

fn main(text: &str) -> Files {
    Files::new(&[("main.xml", text)])
}

/// In a user of a host.
fn user(inside: &str) -> Files {
    let open = "<server-data xmlns='urn:xmpp:pie:0'><host jid='a.example'><user name='u'>";
    main(&format!("{open}{inside}</user></host></server-data>"))
}

#[test]
fn a_whole_file() {
    let files = main(
        "\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- from elsewhere -->\n\
         <p:server-data xmlns:p='urn:xmpp:pie:0' xmlns:x='urn:x' xmlns='jabber:client'>\n\
         <x:odd/>\n\
         <p:host jid='a.example'>\n<x:settings/>\n\
         <p:user name='r&amp;j' password='&#x41;'>\n<!-- between -->\n\
         <query xmlns='jabber:iq:roster'><item jid='a@b' x:y='z'/></query>\n\
         <p:offline-messages>\n<message><body><![CDATA[<]]></body></message>\n<message x:n='1'/>\n</p:offline-messages>\n\
         </p:user>\n<p:user name='empty'/>\n</p:host>\n<p:host jid='b.example'/>\n</p:server-data>\n<!-- end -->\n",
    );
    let (lines, result) = files.read();
    assert_eq!(result, Ok(()));
    assert_eq!(
        lines,
        [
            "unknown odd",
            "5 host a.example",
            "host has settings",
            "7 user r&j A",
            "9 <query xmlns='jabber:iq:roster'><item jid='a@b' xmlns:ns1='urn:x' ns1:y='z'/></query>",
            "11 in {urn:xmpp:pie:0}offline-messages: <message xmlns='jabber:client'><body>&lt;</body></message>",
            "12 in {urn:xmpp:pie:0}offline-messages: <message xmlns='jabber:client' xmlns:ns0='urn:x' ns0:n='1'/>",
            "user ends",
            "15 user empty ",
            "user ends",
            "host ends",
            "17 host b.example",
            "host ends",
        ]
    );
}

#[test]
fn files_that_include_each_other() {
    let xi = "xmlns:xi='http://www.w3.org/2001/XInclude' xmlns='urn:xmpp:pie:0'";
    let files = Files::new(&[
        ("main.xml", &format!("<server-data {xi}><xi:include href='a.example.xml'/></server-data>")),
        (
            "a.example.xml",
            &format!(
                "<?xml version='1.0'?><host {xi} jid='a.example'>\n<xi:include href='a.example/j%20t.xml'><xi:fallback/></xi:include></host>"
            ),
        ),
        (
            "a.example/j t.xml",
            &format!(
                "<user {xi} name='j'><xi:include href='../vcards/j.xml'/><q><xi:include href='/etc/passwd'/></q></user>"
            ),
        ),
        ("vcards/j.xml", "<vCard xmlns='vcard-temp'/>"),
    ]);
    let (lines, result) = files.read();
    assert_eq!(result, Ok(()));
    assert_eq!(
        lines,
        [
            "1 host a.example",
            "1 user j ",
            "1 <vCard xmlns='vcard-temp'/>",
            "1 <q xmlns='urn:xmpp:pie:0'><include xmlns='http://www.w3.org/2001/XInclude' href='/etc/passwd'/></q>",
            "user ends",
            "host ends",
        ]
    );
}

#[test]
fn files_that_may_not_be_included() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "<host xmlns='urn:xmpp:pie:0' jid='a.example'/>").unwrap();
    for (include, why) in [
        ("href='/etc/passwd'", "must be a path that begins at this file"),
        ("href='file:///etc/passwd'", "must be a path that begins at this file"),
        ("href='http://a.example/x.xml'", "must be a path that begins at this file"),
        ("href='../../etc/passwd'", "cannot be included"),
        ("href='%2Fetc%2Fpasswd'", "no file below"),
        ("href='%2'", "cannot be included"),
        ("href='%zz'", "cannot be included"),
        ("href='%00'", "cannot be included"),
        ("href='%ff'", "is no path"),
        ("href='..'", "no file below"),
        ("href='link.xml'", "no file below"),
        ("href='absent.xml'", "No such file"),
        ("href=''", "must be a path"),
        ("href='user.xml' parse='text'", "only whole files"),
        ("href='user.xml' xpointer='x'", "only whole files"),
        ("href='user.xml'", "user.xml:1: there should be a <host"),
        ("href='main.xml'", "there should be a <host"),
    ] {
        let open = "xmlns='urn:xmpp:pie:0' xmlns:xi='http://www.w3.org/2001/XInclude'";
        let text = format!("<server-data {open}>\n<xi:include {include}/></server-data>");
        let files =
            Files::new(&[("main.xml", &text), ("user.xml", "<user xmlns='urn:xmpp:pie:0' name='u'/>")]);
        std::os::unix::fs::symlink(outside.path(), files.0.path().join("link.xml")).unwrap();
        let said = files.wrong();
        assert!(said.contains(why), "{include}: {said}");
        assert!(said.starts_with("/main.xml:2: ") || said.contains(".xml:1: "), "{said}");
    }
}

#[test]
fn what_no_such_file_has() {
    for (text, why) in [
        ("", "/main.xml:1: the file ends in the middle"),
        ("<host/>", "/main.xml:1: a file of XEP-0227 begins with"),
        ("<server-data/>", "/main.xml:1: a file of XEP-0227 begins with"),
        (
            "<?xml version='1.0'?>\n<!DOCTYPE server-data [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\n<server-data xmlns='urn:xmpp:pie:0'/>",
            "/main.xml:2: there is a DTD",
        ),
        (
            "<?xml version='1.0' encoding='ISO-8859-1'?><server-data/>",
            "/main.xml:1: the file is not in UTF-8",
        ),
        ("<server-data xmlns='urn:xmpp:pie:0'>text</server-data>", "/main.xml:1: there is text"),
        ("<server-data xmlns='urn:xmpp:pie:0'>&lol;</server-data>", "/main.xml:1: there is text"),
        ("<server-data xmlns='urn:xmpp:pie:0'/><server-data/>", "/main.xml:1: something follows"),
        (
            "<server-data xmlns='urn:xmpp:pie:0'>\n<host jid='a'></server-data>",
            "/main.xml:2: this is not XML",
        ),
        ("<server-data xmlns='urn:xmpp:pie:0'>\n\n<host jid='a.example'>", "the file ends in the middle"),
        ("<server-data xmlns='urn:xmpp:pie:0'><p:host/></server-data>", "<p:host> is not XML"),
        ("<server-data xmlns='urn:xmpp:pie:0' a='1' a='2'/>", "this is not XML"),
    ] {
        let said = main(text).wrong();
        assert!(said.contains(why), "{text}: {said}");
    }
    for (inside, why) in [
        ("<q>&xxe;</q>", "the entity &xxe; is not known"),
        ("<q a='&xxe;'/>", "is not XML"),
        ("<q>\u{1}</q>", "a character that XML does not allow"),
        ("<p:q/>", "is not XML"),
        ("<q><p:r/></q>", "undeclared namespace prefix"),
        ("<q", "is not XML"),
    ] {
        let said = user(inside).wrong();
        assert!(said.contains(why), "{inside}: {said}");
    }
}

#[test]
fn what_is_too_much() {
    let deep = "<a>".repeat(100_000);
    assert!(user(&deep).wrong().contains("more than 200 deep"));
    let long = "x".repeat(10 << 20);
    assert!(user(&format!("<q>{long}</q>")).wrong().contains("longer than 1024 KiB"));
    assert!(user(&format!("<q a='{long}'/>")).wrong().contains("longer than 1024 KiB"));
    // What is only too large is left out, and the rest goes on.
    let many = "<r>some text</r>".repeat(200_000);
    let (lines, result) = user(&format!("<q>{many}</q><s/>")).read();
    assert_eq!(result, Ok(()));
    assert_eq!(lines[2..4], ["1 q is too large", "1 <s xmlns='urn:xmpp:pie:0'/>"]);
}

/// Wherever a file is cut off, that is noticed.
#[test]
fn a_file_that_was_cut_off() {
    let text = "<server-data xmlns='urn:xmpp:pie:0'><host jid='a.example'><user name='u'><q a='1'>x</q></user></host></server-data>";
    for end in 0..text.len() {
        assert!(main(&text[..end]).read().1.is_err(), "{}", &text[..end]);
    }
    assert!(main(text).read().1.is_ok());
}

#[test]
fn whoever_wants_no_more_gets_no_more() {
    let mut seen = 0;
    let files = user("<a/><b/>");
    let done = read(&files.0.path().join("main.xml"), &BTreeSet::new(), &mut |_| {
        seen += 1;
        seen < 3
    });
    assert!(done.is_ok() && seen == 3);
}
