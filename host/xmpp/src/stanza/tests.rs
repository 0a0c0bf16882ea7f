use super::*;
use crate::{Condition, ErrorType};

fn parse(xml: &str) -> Stanza {
    Stanza::parse(xml).unwrap()
}

fn jid(text: &str) -> Option<Jid> {
    Some(Jid::parse(text).unwrap())
}

fn wire(stanza: &Stanza) -> String {
    let mut out = Vec::new();
    stanza.write_to(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn head() {
    let stanza = parse(
        "<message from='a@b/c' xmlns='jabber:client' type=\"chat\" to='d@e' id='1&amp;2' xml:lang='en' odd='x'>\
         <body>hi</body><x xmlns='jabber:x:oob'/></message>",
    );
    assert_eq!((stanza.kind(), stanza.ty(), stanza.type_attr()), (Kind::Message, Type::Chat, Some("chat")));
    assert_eq!((stanza.from.clone(), stanza.to.clone()), (jid("a@b/c"), jid("d@e")));
    assert_eq!((stanza.id().as_deref(), stanza.lang()), (Some("1&2"), Some("en")));
    let children: Vec<_> = stanza.children().map(|child| (child.name(), child.ns())).collect();
    assert_eq!(children, [("body", ns::CLIENT), ("x", "jabber:x:oob")]);
    assert_eq!(stanza.payload().unwrap().raw(), "<body>hi</body>");
    assert_eq!(stanza.payload().unwrap().xml(), "<body xmlns='jabber:client'>hi</body>");
    assert_eq!(stanza.child("x", "jabber:x:oob").unwrap().xml(), "<x xmlns='jabber:x:oob'/>");
    assert!(stanza.child("x", ns::CLIENT).is_none());
    assert_eq!(&stanza.inner()[stanza.children().nth(1).unwrap().range()], "<x xmlns='jabber:x:oob'/>");
    let rest = " type=\"chat\" id='1&amp;2' xml:lang='en' odd='x'><body>hi</body><x xmlns='jabber:x:oob'/></message>";
    assert_eq!(wire(&stanza), format!("<message from='a@b/c' to='d@e'{rest}"));
    assert_eq!(stanza.to_xml(), format!("<message xmlns='jabber:client' from='a@b/c' to='d@e'{rest}"));
    assert!(!format!("{stanza:?}").contains("hi"));
    assert_eq!(std::mem::size_of::<Stanza>(), 56);
}

#[test]
fn types() {
    let cases = [
        ("<message/>", Type::Normal, None),
        ("<message type='normal'/>", Type::Normal, Some("normal")),
        ("<message type='what'/>", Type::Normal, Some("what")),
        ("<message type='groupchat'/>", Type::Groupchat, Some("groupchat")),
        ("<message type='headline'/>", Type::Headline, Some("headline")),
        ("<message type='error'/>", Type::Error, Some("error")),
        ("<message type='ch&#97;t'/>", Type::Chat, Some("ch&#97;t")),
        ("<presence/>", Type::Available, None),
        ("<presence type='unavailable'/>", Type::Unavailable, Some("unavailable")),
        ("<presence type='probe'/>", Type::Probe, Some("probe")),
        ("<iq type='result' id='1'/>", Type::Result, Some("result")),
        ("<iq type='error' id='1'/>", Type::Error, Some("error")),
    ];
    for (xml, ty, attr) in cases {
        let stanza = parse(xml);
        assert_eq!((stanza.ty(), stanza.type_attr()), (ty, attr), "{xml}");
        assert_eq!(Type::from_attr(stanza.kind(), ty.as_attr()), Some(ty), "{xml}");
    }
}

#[test]
fn round_trip() {
    let cases = [
        "<presence/>",
        "<message from='a@b/c&apos;d' to='e@f/&lt;&amp;&gt;' type='chat' id='&quot;'><body>1 &lt; 2</body></message>",
        "<iq id=\"x'y\" type='get'><query xmlns='jabber:iq:roster'/></iq>",
        "<message><a xmlns=''/><b xmlns='u&amp;v'><c/></b><p:d xmlns:p='w'>\r\n</p:d></message>",
    ];
    for xml in cases {
        let stanza = parse(xml);
        let written = wire(&stanza);
        let again = parse(&written);
        assert_eq!(wire(&again), written);
        assert_eq!(
            (&again.from, &again.to, again.inner()),
            (&stanza.from, &stanza.to, stanza.inner()),
            "{xml}"
        );
        assert_eq!(parse(&stanza.to_xml()).to_xml(), stanza.to_xml());
        let names = |stanza: &Stanza| -> Vec<String> {
            stanza.children().map(|child| format!("{{{}}}{}", child.ns(), child.name())).collect()
        };
        assert_eq!(names(&again), names(&stanza));
        if !written.contains('&') {
            assert_eq!(stanza.wire_len(), written.len());
        }
    }
    let names = parse(cases[3]);
    let names: Vec<_> = names.children().map(|child| format!("{{{}}}{}", child.ns(), child.name())).collect();
    assert_eq!(names, ["{}a", "{u&v}b", "{w}d"]);
    let child = parse("<message><p:a xmlns:p='u&amp;v'><b/></p:a></message>");
    let child = child.payload().unwrap();
    assert_eq!((child.name(), child.ns()), ("a", "u&v"));
    assert_eq!(child.xml(), "<p:a xmlns='jabber:client' xmlns:p='u&amp;v'><b/></p:a>");
    assert_eq!(child.element().unwrap().to_string(), "<a xmlns='u&amp;v'><b xmlns='jabber:client'/></a>");
}

#[test]
fn what_is_no_stanza() {
    let cases = [
        "",
        "x",
        "<message>",
        "<message/><message/>",
        "<a/>",
        "<a xmlns='b'/>",
        "<message xmlns='jabber:server'/>",
    ];
    for xml in cases {
        assert!(matches!(Stanza::parse(xml), Err(ParseError::Xml(_))), "{xml}");
    }
    let bad = Stanza::parse("<iq type='get' id='1'/>").unwrap_err();
    assert_eq!(bad, ParseError::Stanza(Condition::BadRequest.into()));
    assert!(Stanza::parse(" <presence/>\n").is_ok());
}

#[test]
fn addresses_are_cheap_to_change() {
    let stanza = parse("<message from='a@b' to='c@d'><body/></message>");
    let changed = stanza.with_addresses(None, jid("e@f"));
    assert!(Arc::ptr_eq(&stanza.body, &changed.body));
    assert_eq!(wire(&changed), "<message to='e@f'><body/></message>");
}

#[test]
fn changed_content() {
    let stanza = parse("<message from='a@b' to='c@d' id='1' type='chat' xml:lang='en'><body/></message>");
    let delayed = stanza.with_child("<delay xmlns='urn:xmpp:delay'/>");
    assert_eq!(delayed.children().len(), 2);
    assert!(delayed.has("{urn:xmpp:delay}delay"));
    assert_eq!(
        wire(&delayed),
        "<message from='a@b' to='c@d' id='1' type='chat' xml:lang='en'><body/><delay xmlns='urn:xmpp:delay'/></message>"
    );
    assert_eq!(
        wire(&stanza.with_inner("").unwrap()),
        "<message from='a@b' to='c@d' id='1' type='chat' xml:lang='en'/>"
    );
    for evil in ["<a>", "</message><message>", "]]>", "<!-- x -->", "<a b='c", "<p:a/>"] {
        assert!(stanza.with_inner(evil).is_err(), "{evil}");
    }
    assert_eq!(stanza.with_id("a'b").id().as_deref(), Some("a'b"));
    assert_eq!(stanza.with_id("2").attrs(), " type='chat' xml:lang='en' id='2'");
    assert_eq!(stanza.with_lang("de").lang(), Some("de"));
    assert_eq!(
        parse("<presence/>").with_lang("de").with_id("x").to_xml(),
        "<presence xmlns='jabber:client' xml:lang='de' id='x'/>"
    );
    let ready = Stanza::iq(Type::Result, "", "<q xmlns='u'><x/></q><p/>");
    let request = parse("<iq type='get' id='a&amp;b' from='a@b/c' to='d'><q xmlns='u'/></iq>");
    let answer = ready.answering(&request);
    assert_eq!(wire(&answer), wire(&request.iq_result("<q xmlns='u'><x/></q><p/>")));
    assert_eq!((answer.id().as_deref(), answer.ty()), (Some("a&b"), Type::Result));
    let children: Vec<_> = answer.children().map(|child| (child.name(), child.ns(), child.raw())).collect();
    assert_eq!(children, [("q", "u", "<q xmlns='u'><x/></q>"), ("p", "jabber:client", "<p/>")]);
    let odd = parse("<presence xmlns:i='u' i:id='1' idle='2' id = '3'/>").with_id("4");
    assert_eq!(odd.attrs(), " xmlns:i='u' i:id='1' idle='2' id='4'");
}

#[test]
fn built() {
    let ping = Stanza::iq(Type::Get, "a&b", "<ping xmlns='urn:xmpp:ping'/>");
    assert_eq!(wire(&ping), "<iq type='get' id='a&amp;b'><ping xmlns='urn:xmpp:ping'/></iq>");
    assert!(ping.child("ping", ns::PING).is_some());
    let ping = ping.with_addresses(jid("a@b/c"), jid("d"));
    assert_eq!(wire(&ping.iq_result("")), "<iq from='d' to='a@b/c' type='result' id='a&amp;b'/>");
    assert_eq!(wire(&Stanza::message(Type::Normal, "<body>x</body>")), "<message><body>x</body></message>");
    assert_eq!(wire(&Stanza::presence(Type::Unavailable, "")), "<presence type='unavailable'/>");
    assert_eq!(Stanza::presence(Type::Available, "").ty(), Type::Available);
}

#[test]
fn paths() {
    let stanza = parse(
        "<message><body>one &lt; <i xmlns='h'>not</i>two<![CDATA[ <3]]></body><body>second</body>\
         <query xmlns='jabber:iq:register'><username a='1' xml:lang='en'>u</username>\
         <x xmlns='jabber:x:data' type='submit'><field var='a'><value>v1</value></field>\
         <field var='b'><value>v2</value><value>v3</value></field></x>\
         <a><c/></a><a><b k='first'/><b k='second'/></a></query>\
         <p:w xmlns:p='http://a/b'><inherits/></p:w></message>",
    );
    let texts = [
        ("body", Some("one < two <3")),
        ("{jabber:client}body", Some("one < two <3")),
        ("*", Some("one < two <3")),
        ("{jabber:iq:register}query/username", Some("u")),
        ("{jabber:iq:register}query/{jabber:iq:register}username", Some("u")),
        ("{jabber:iq:register}*/*", Some("u")),
        ("{jabber:iq:register}query/{jabber:x:data}x/field/value", Some("v1")),
        ("{jabber:iq:register}query/field", None),
        ("{jabber:iq:register}query", Some("")),
        ("query", None),
        ("{http://a/b}w", Some("")),
        ("body/i", None),
        ("body/{h}i", Some("not")),
        ("", None),
        ("body/", None),
        ("/body", None),
        ("{jabber:client", None),
        ("{jabber:client}", None),
        ("body[2]", Some("second")),
        ("*[2]", Some("second")),
        ("body[3]", None),
        ("body[0]", None),
        ("body[]", None),
        ("body[1", None),
        ("body[1]x", None),
        ("body[x='1']", None),
        ("{jabber:iq:register}query/{jabber:x:data}x/field[2]/value", Some("v2")),
        ("{jabber:iq:register}query/{jabber:x:data}x/field[var='b']/value[2]", Some("v3")),
        ("{jabber:iq:register}query/{jabber:x:data}x/field[var=\"b\"]/value", Some("v2")),
        ("{jabber:iq:register}query/{jabber:x:data}x[type='submit']/field/value", Some("v1")),
        ("{jabber:iq:register}query/{jabber:x:data}x/field[var='c']/value", None),
        ("{jabber:iq:register}query/{jabber:x:data}x/field[var='a]/value", None),
        ("{jabber:iq:register}query/{jabber:x:data}x/field[1]/value[2]", None),
        ("{jabber:iq:register}query[1]/a[2]/b", Some("")),
        ("{jabber:iq:register}query/a[1]/b", None),
        ("{jabber:iq:register}query/a/b[k='second']", Some("")),
    ];
    for (path, text) in texts {
        assert_eq!(stanza.text(path).as_deref(), text, "{path}");
        assert_eq!(stanza.has(path), text.is_some(), "{path}");
        assert_eq!(stanza.child_xml(path).is_some(), text.is_some(), "{path}");
    }
    let attributes = [
        ("{jabber:iq:register}query/username", "a", Some("1")),
        ("{jabber:iq:register}query/username", "xml:lang", Some("en")),
        ("{jabber:iq:register}query/username", "b", None),
        ("{jabber:iq:register}query/{jabber:x:data}x", "type", Some("submit")),
        ("{jabber:iq:register}query/{jabber:x:data}x", "xmlns", None),
        ("{jabber:iq:register}query/a/b", "k", Some("first")),
        ("{jabber:iq:register}query/a/b[2]", "k", Some("second")),
        ("{jabber:iq:register}query/a[2]/b[1]", "k", Some("first")),
    ];
    for (path, name, value) in attributes {
        assert_eq!(stanza.attribute(path, name).as_deref(), value, "{path} {name}");
    }
    let xml = [
        ("*/{h}i", "<i xmlns='h'>not</i>"),
        ("{jabber:iq:register}query/a/c", "<c xmlns='jabber:iq:register'/>"),
        ("{http://a/b}w", "<p:w xmlns='jabber:client' xmlns:p='http://a/b'><inherits/></p:w>"),
        ("{http://a/b}w/{jabber:client}inherits", "<inherits xmlns='jabber:client'/>"),
        (
            "{jabber:iq:register}query/{jabber:x:data}x/field",
            "<field xmlns='jabber:x:data' var='a'><value>v1</value></field>",
        ),
    ];
    for (path, expected) in xml {
        assert_eq!(stanza.child_xml(path).as_deref(), Some(expected), "{path}");
    }
}

/// They are counted in each parent, and picked by what an attribute means, not by how it is written.
#[test]
fn paths_that_pick() {
    let stanza = parse(
        "<message><q xmlns='u'><l><i n='1'/></l><l><i n='2'/><j/><i n='3'/></l></q>\
         <q xmlns='u' j='a@b/c [&lt;]'><i n='4'/></q></message>",
    );
    let attributes = [
        ("{u}q/l/i[2]", Some("3")),
        ("{u}q/l[2]/i", Some("2")),
        ("{u}q/l[2]/i[2]", Some("3")),
        ("{u}q/l[1]/i[2]", None),
        ("{u}q/l[2]/*[3]", Some("3")),
        ("{u}q[2]/i", Some("4")),
        ("{u}q[1]/i", None),
        ("{u}q[j='a@b/c [<]']/i", Some("4")),
        ("{u}q[j='a@b/c']/i", None),
        ("{u}q/l/i[n='3']", Some("3")),
    ];
    for (path, expected) in attributes {
        assert_eq!(stanza.attribute(path, "n").as_deref(), expected, "{path}");
    }
}

#[test]
fn error_replies() {
    let iq = parse("<iq from='a@b/c' to='d@e' type='get' id='1' odd='x'><q xmlns='u'/></iq>");
    let error = StanzaError::new(Condition::ItemNotFound).with_text("No <such> thing");
    assert_eq!(
        wire(&iq.error_reply(&error).unwrap()),
        "<iq from='d@e' to='a@b/c' type='error' id='1'><q xmlns='u'/><error type='cancel'>\
         <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
         <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>No &lt;such&gt; thing</text></error></iq>"
    );
    assert_eq!(iq.error_reply(&error).unwrap().ty(), Type::Error);
    for xml in [
        "<iq type='result' id='1'/>",
        "<iq type='error' id='1'/>",
        "<message type='error'/>",
        "<presence type='error'/>",
    ] {
        assert!(parse(xml).error_reply(&error).is_none(), "{xml}");
    }
    let long = parse(&format!("<message><body>{}</body></message>", "x".repeat(9000)));
    assert_eq!(
        long.error_reply(&error).unwrap().children().map(|child| child.name()).collect::<Vec<_>>(),
        ["error"]
    );
    let extra =
        StanzaError::new(Condition::NotAcceptable).with_type(ErrorType::Wait).with_extra("<a xmlns='b'/>");
    let reply = iq.error_reply(&extra).unwrap();
    assert!(reply.has("error/{b}a") && reply.attribute("error", "type").as_deref() == Some("wait"));
    let broken = StanzaError::new(Condition::NotAcceptable).with_extra("</error>");
    assert_eq!(iq.error_reply(&broken).unwrap().children().len(), 2);
}

#[test]
fn conditions_have_names_and_types() {
    for condition in Condition::ALL {
        assert_eq!(Condition::from_name(condition.as_str()), Some(*condition));
        assert_eq!(StanzaError::from(*condition).ty, condition.default_type());
    }
    assert_eq!(Condition::ALL.len(), 22);
    assert_eq!(StreamCondition::ALL.len(), 25);
    assert_eq!(Condition::from_name("teapot"), None);
    assert_eq!(
        StreamError::new(StreamCondition::Conflict).with_text("a & b").to_xml(),
        "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
         <text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>a &amp; b</text></stream:error>"
    );
}

/// What the limits of a stream let in can be wrapped, delayed and read again.
#[test]
fn room_to_grow() {
    let (open, close) = ("<a xmlns='u'>".repeat(383), "</a>".repeat(383));
    let limits = Limits { depth: usize::MAX, declarations: usize::MAX, ..Limits::default() };
    let mut framer = crate::Framer::new(limits);
    let header = b"<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>";
    framer.next(&mut header.as_slice()).unwrap();
    let refused = format!("<message>{open}{close}</message>");
    assert!(framer.next(&mut refused.as_bytes()).is_err());

    let (open, close) = ("<a xmlns='u'>".repeat(60), "</a>".repeat(60));
    let long = parse(&format!("<message><body>{}</body>{open}{close}</message>", "x".repeat(262_000)));
    let wrapped = Stanza::message(Type::Normal, &format!("<b><c><d>{}</d></c></b>", long.to_xml()));
    assert_eq!(wrapped.child_xml("b/c/d/message/body").map(|xml| xml.len()), Some(262_000 + 35));
    assert_eq!(long.with_child("<e xmlns='f'/>").children().len(), 3);
}

/// Whoever asked is answered by the address that was asked, whatever became of the stanza on its way.
#[test]
fn answers_come_from_the_address_that_was_written() {
    let mut iq = parse("<iq type='get' id='i' from='a@b/c' to='strasse@d'><q xmlns='q'/></iq>");
    iq.redirect(jid("straße@d").unwrap());
    assert_eq!(iq.to, jid("straße@d"));
    let iq = iq.with_id("j").with_child("<r xmlns='r'/>");
    assert_eq!(iq.iq_result("").from, jid("strasse@d"));
    assert_eq!(Stanza::iq(Type::Result, "", "").answering(&iq).from, jid("strasse@d"));
    assert_eq!(iq.error_reply(&Condition::ItemNotFound.into()).unwrap().from, jid("strasse@d"));
    assert!(wire(&iq).contains("to='straße@d'"));
    let elsewhere = iq.with_addresses(jid("a@b/c"), jid("e@f"));
    assert_eq!(elsewhere.iq_result("").from, jid("e@f"));
}
