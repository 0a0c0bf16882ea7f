use super::*;
use crate::{Condition, Jid, Type, ns};

const HEADER: &str = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
    to='example.com' version='1.0' xml:lang='en'>";

/// Every frame of the input, given in pieces of so many bytes.
fn frames_in(input: &[u8], piece: usize, limits: Limits) -> Result<Vec<Frame>, (Vec<Frame>, StreamError)> {
    let mut framer = Framer::new(limits);
    let mut frames = Vec::new();
    for mut piece in input.chunks(piece) {
        loop {
            match framer.next(&mut piece) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return Err((frames, error)),
            }
        }
        assert!(piece.is_empty());
    }
    Ok(frames)
}

fn show(frame: &Frame) -> String {
    match frame {
        Frame::Open(header) => format!("{header:?}"),
        Frame::Stanza(stanza) => stanza.to_xml(),
        Frame::Bad { stanza, error } => format!("{error} {}", stanza.to_xml()),
        Frame::Nonza(element) => element.to_string(),
        Frame::Close => "close".to_owned(),
    }
}

fn frames(input: &str) -> Vec<Frame> {
    frames_in(input.as_bytes(), usize::MAX, Limits::default()).unwrap()
}

/// The condition that ends a stream with this after its header.
fn condition(xml: &[u8]) -> Option<StreamCondition> {
    let input = [HEADER.as_bytes(), xml].concat();
    let at_once = frames_in(&input, usize::MAX, Limits::default()).err().map(|(_, error)| error.condition);
    let by_bytes = frames_in(&input, 1, Limits::default()).err().map(|(_, error)| error.condition);
    assert_eq!(at_once, by_bytes, "{}", String::from_utf8_lossy(xml));
    at_once
}

/// The only stanza of a stream with this header.
fn stanza_under(header: &str, xml: &str) -> Stanza {
    let mut frames = frames(&format!("{header}{xml}"));
    match (frames.pop(), frames.len()) {
        (Some(Frame::Stanza(stanza)), 1) => stanza,
        other => panic!("{other:?}"),
    }
}

#[test]
fn split_anywhere() {
    let input = format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n{HEADER} \
         <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\r\n\t\
         <message to='a@b/c' type='chat' id=\"1>'2\"><body>a &lt; b <![CDATA[ ]] ]>]] </body> ]]]></body>\
         <x xmlns='u' y='/>'/><z xmlns='/'  /></message >\
         <presence/><presence  ></presence>\
         <iq type='get' id='x/'><ping xmlns='urn:xmpp:ping'/></iq>\
         <iq type='get' to='@'/> \n</stream:stream >  "
    );
    let whole = frames_in(input.as_bytes(), usize::MAX, Limits::default()).unwrap();
    let whole: Vec<String> = whole.iter().map(show).collect();
    assert_eq!(whole.len(), 8, "{whole:#?}");
    assert_eq!(whole.last().map(String::as_str), Some("close"));
    for piece in 1..input.len() {
        let split = frames_in(input.as_bytes(), piece, Limits::default()).unwrap();
        assert_eq!(split.iter().map(show).collect::<Vec<_>>(), whole, "pieces of {piece}");
    }
}

#[test]
fn takes_only_what_it_needs() {
    let mut framer = Framer::new(Limits::default());
    let input = format!("{HEADER}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><auth");
    let mut rest = input.as_bytes();
    assert!(matches!(framer.next(&mut rest), Ok(Some(Frame::Open(_)))));
    assert!(matches!(framer.next(&mut rest), Ok(Some(Frame::Nonza(e))) if e.is("starttls", ns::TLS)));
    assert_eq!((rest, framer.pending()), (&b"<auth"[..], 0));
    assert!(matches!(framer.next(&mut rest), Ok(None)));
    assert_eq!((rest.len(), framer.pending()), (0, 5));
    framer.reset();
    assert_eq!(framer.pending(), 0);
    assert!(matches!(framer.next(&mut HEADER.as_bytes()), Ok(Some(Frame::Open(_)))));
}

/// RFC 6120, section 8.1.5: readers would take it for the language of their own stream.
#[test]
fn the_language_of_the_stream_is_that_of_its_stanzas() {
    let german = HEADER.replace("'en'", "'de-CH'");
    let stanza = |xml| stanza_under(&german, xml);
    let text = |stanza: Stanza| stanza.to_xml().replace(" xmlns='jabber:client'", "");
    let message = stanza("<message to='a@b' id='1'><body>Hallo</body></message>");
    assert_eq!(
        text(message.clone()),
        "<message to='a@b' id='1' xml:lang='de-CH'><body>Hallo</body></message>"
    );
    assert_eq!((message.lang(), message.id().as_deref()), (Some("de-CH"), Some("1")));
    assert_eq!(message.children().next().map(|child| child.raw()), Some("<body>Hallo</body>"));
    assert_eq!(message.with_lang("fr").lang(), Some("fr"));
    let own = "<presence xml:lang='it'><status>Ciao</status></presence>";
    assert_eq!(text(stanza(own)), own);
    // Nothing is said in it.
    assert_eq!(text(stanza("<presence/>")), "<presence/>");
    for none in ["", "d'e", "d e", &"x".repeat(36)] {
        let header = HEADER.replace("'en'", &format!("\"{none}\""));
        let said = "<message><body>Hi</body></message>";
        assert_eq!(text(stanza_under(&header, said)), said, "{none}");
    }
}

/// The stream header, and what is wrong with others.
#[test]
fn headers() {
    let Some(Frame::Open(header)) = frames(HEADER).pop() else { panic!() };
    assert_eq!(header.to, Some(Jid::parse("example.com").unwrap()));
    assert_eq!((header.version, header.lang.as_deref()), (Some((1, 0)), Some("en")));
    assert_eq!((header.ns, header.from, header.id, header.dialback), (ns::CLIENT, None, None, false));

    let server = "<s:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' from='a.example' id='x&amp;y' \
        xmlns:s='http://etherx.jabber.org/streams'>";
    let Some(Frame::Open(header)) = frames(server).pop() else { panic!() };
    assert_eq!((header.ns, header.dialback, header.version), (ns::SERVER, true, None));
    assert_eq!((header.id.as_deref(), header.from.unwrap().as_str()), (Some("x&y"), "a.example"));

    use StreamCondition::*;
    let streams = "http://etherx.jabber.org/streams";
    let cases = [
        (format!("<stream xmlns='{streams}'>"), None),
        (format!("<s:stream xmlns:s='{streams}'>"), None),
        (format!("<s:stream xmlns:s='{streams}' xmlns:c='jabber:server'>"), None),
        (format!("\n<?xml version='1.0'?>\n<stream xmlns='{streams}'>"), None),
        (
            format!("<?xml version='1.0'?><?xml version='1.0'?><stream xmlns='{streams}'>"),
            Some(RestrictedXml),
        ),
        (format!("\u{feff}<stream xmlns='{streams}'>"), Some(NotWellFormed)),
        ("<stream:stream xmlns='jabber:client' xmlns:stream='streams'>".into(), Some(InvalidNamespace)),
        ("<stream:stream xmlns='jabber:client'>".into(), Some(NotWellFormed)),
        ("<stream xmlns='jabber:client'>".into(), Some(InvalidNamespace)),
        ("<stream>".into(), Some(InvalidNamespace)),
        (format!("<s:stream xmlns:s='{streams}' xmlns='jabber:other'>"), Some(InvalidNamespace)),
        (format!("<s:streams xmlns:s='{streams}' xmlns='jabber:client'>"), Some(BadFormat)),
        (format!("<s:stream xmlns:s='{streams}' xmlns='jabber:client'/>"), Some(BadFormat)),
        (format!("<s:stream xmlns:s='{streams}' xmlns='jabber:client' to='@'>"), Some(ImproperAddressing)),
        (format!("<s:stream xmlns:s='{streams}' xmlns='jabber:client' from='@'>"), Some(InvalidFrom)),
        (
            format!("<s:stream xmlns:s='{streams}' xmlns='jabber:client' version='one'>"),
            Some(UnsupportedVersion),
        ),
        (format!("<s:stream xmlns:s='{streams}' id='{}'>", "x".repeat(4096)), Some(PolicyViolation)),
        ("</stream:stream>".into(), Some(NotWellFormed)),
        ("GET / HTTP/1.1\r\n".into(), Some(NotWellFormed)),
        ("<!DOCTYPE x>".into(), Some(RestrictedXml)),
        ("<!-- x -->".into(), Some(RestrictedXml)),
        ("<?php ?>".into(), Some(RestrictedXml)),
        ("<?xml version='1.0' encoding='utf-8' standalone='yes' ?>".into(), None),
        ("<?xml version=\"1.0\"?>".into(), None),
        ("<?xml?>".into(), Some(RestrictedXml)),
        ("<?xml encoding='UTF-8'?>".into(), Some(NotWellFormed)),
        ("<?xml encoding='UTF-8' version='1.0'?>".into(), Some(NotWellFormed)),
        ("<?xml version='1.0' x='y'?>".into(), Some(NotWellFormed)),
        ("<?xml version='1.0' encoding='UTF-16'?>".into(), Some(UnsupportedEncoding)),
        ("<?xml version='1.1'?>".into(), Some(UnsupportedEncoding)),
    ];
    for (input, expected) in cases {
        for piece in [1, usize::MAX] {
            let result = frames_in(input.as_bytes(), piece, Limits::default());
            assert_eq!(result.err().map(|(_, error)| error.condition), expected, "{input}");
        }
    }
    for utf16 in [&b"\xff\xfe<\0"[..], b"\xfe\xff\0<", b"<\0?\0"] {
        let result = frames_in(utf16, usize::MAX, Limits::default());
        assert_eq!(result.err().map(|(_, error)| error.condition), Some(UnsupportedEncoding));
    }
}

/// What ends a stream, and with what.
#[test]
fn violations() {
    use StreamCondition::*;
    let inside: &[(&[u8], StreamCondition)] = &[
        (b"<a", NotWellFormed),
        (b"</b>", NotWellFormed),
        (b"<a></b>", NotWellFormed),
        (b"<a><b></a></b>", NotWellFormed),
        (b"<1/>", NotWellFormed),
        (b"<a$/>", NotWellFormed),
        (b"<a:b:c/>", NotWellFormed),
        (b"<:a/>", NotWellFormed),
        (b"<a:/>", NotWellFormed),
        (b"< a/>", NotWellFormed),
        (b"<>", NotWellFormed),
        (b"<a / >", NotWellFormed),
        (b"<a b/>", NotWellFormed),
        (b"<a b=c/>", NotWellFormed),
        (b"<a b='c'd='e'/>", NotWellFormed),
        (b"<a b='<'/>", NotWellFormed),
        (b"<a b='&'/>", NotWellFormed),
        (b"<a b='&amp'/>", NotWellFormed),
        (b"<a b='&#0;'/>", NotWellFormed),
        (b"<a 1='c'/>", NotWellFormed),
        (b"<a b='c' b='d'/>", NotWellFormed),
        (b"<a xmlns:p='u' xmlns:q='u' p:b='c' q:b='d'/>", NotWellFormed),
        (b"<a xmlns:p='u' xmlns:p='v'/>", NotWellFormed),
        (b"<a xmlns='u' xmlns='v'/>", NotWellFormed),
        (b"<p:a/>", NotWellFormed),
        (b"<a p:b='c'/>", NotWellFormed),
        (b"<a xmlns:p=''/>", NotWellFormed),
        (b"<a xmlns:xml='u'/>", NotWellFormed),
        (b"<a xmlns:xmlns='u'/>", NotWellFormed),
        (b"<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", NotWellFormed),
        (b"<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", NotWellFormed),
        (b"<a xmlns='http://www.w3.org/XML/1998/namespace'/>", NotWellFormed),
        (b"<xmlns:a/>", NotWellFormed),
        (b"]]>", NotWellFormed),
        (b"&", NotWellFormed),
        (b"& ", NotWellFormed),
        (b"&;", NotWellFormed),
        (b"&#;", NotWellFormed),
        (b"&#x;", NotWellFormed),
        (b"&#X20;", NotWellFormed),
        (b"&#+9;", NotWellFormed),
        (b"&#0;", NotWellFormed),
        (b"&#8;", NotWellFormed),
        (b"&#xB;", NotWellFormed),
        (b"&#xD800;", NotWellFormed),
        (b"&#xFFFE;", NotWellFormed),
        (b"&#x110000;", NotWellFormed),
        (b"&#99999999999;", NotWellFormed),
        (b"\0", NotWellFormed),
        (b"\x0b", NotWellFormed),
        (b"\xef\xbf\xbf", NotWellFormed),
        (b"<![CDATA[\x01]]>", NotWellFormed),
        (b"<![cdata[x]]>", NotWellFormed),
        (b"<!ELEMENT a>", NotWellFormed),
        (b"\xff", UnsupportedEncoding),
        (b"\xc0\x80", UnsupportedEncoding),
        (b"\xed\xa0\x80", UnsupportedEncoding),
        (b"<a b='\xe9'/>", UnsupportedEncoding),
        (b"<!-- x -->", RestrictedXml),
        (b"<?x y?>", RestrictedXml),
        (b"<?xml version='1.0'?>", RestrictedXml),
        (b"<!DOCTYPE a>", RestrictedXml),
        (b"&nbsp;", RestrictedXml),
        (b"<a b='&x;'/>", RestrictedXml),
    ];
    for (bytes, expected) in inside {
        let xml = [b"<message><body>", *bytes, b"</body></message>"].concat();
        assert_eq!(condition(&xml), Some(*expected), "{}", String::from_utf8_lossy(bytes));
        // The same where nothing is collected but a tree.
        let xml = [b"<x xmlns='y'><body>", *bytes, b"</body></x>"].concat();
        assert_eq!(condition(&xml), Some(*expected), "{}", String::from_utf8_lossy(bytes));
    }
    let top: &[(&[u8], StreamCondition)] = &[
        (b"text", BadFormat),
        (b"<presence/>x", BadFormat),
        (b"<presence/>&amp;", BadFormat),
        (b"<![CDATA[x]]>", NotWellFormed),
        (b"<!-- x -->", RestrictedXml),
        (b"<?xml version='1.0'?>", RestrictedXml),
        (b"</stream:features>", NotWellFormed),
        (b"</stream>", NotWellFormed),
        (b"</stream:stream><presence/>", NotWellFormed),
        (b"</stream:stream>x", NotWellFormed),
        (b"<stanza/>", UnsupportedStanzaType),
        (b"<message xmlns=''/>", BadNamespacePrefix),
        (b"<message></message x='y'>", NotWellFormed),
        (b"<presence to='a' to='b'/>", NotWellFormed),
    ];
    for (xml, expected) in top {
        assert_eq!(condition(xml), Some(*expected), "{}", String::from_utf8_lossy(xml));
    }
}

#[test]
fn legal_oddities() {
    let cases = [
        "<message><body>&#x20AC;&#9;&amp;&quot;</body></message>",
        "<message><body>]] > ]>]]</body></message>",
        "<message><body><![CDATA[<&]]]]><![CDATA[>]]></body></message>",
        "<message\n to\t=\r'a@b'  ><body a='>' b='/>' c=\"'\"/></message\n>",
        "<message><\u{e9}l\u{e9}ment xmlns='u'/></message>",
        "<message><x:y xmlns:x='u' x:a='1' a='1'/></message>",
        "<message xml:lang='en'><body xml:lang='de'/></message>",
        "<message><a xmlns='u' xmlns:xml='http://www.w3.org/XML/1998/namespace'/></message>",
        "<presence>text</presence>",
        "<presence></presence>",
    ];
    for xml in cases {
        assert_eq!(condition(xml.as_bytes()), None, "{xml}");
    }
}

#[test]
fn limits() {
    let limits = Limits { stanza_bytes: 200, depth: 4, attributes: 5, ..Limits::default() };
    let try_out = |xml: &str| {
        let input = format!("{HEADER}{xml}");
        let results = [1, 7, usize::MAX]
            .map(|piece| frames_in(input.as_bytes(), piece, limits).err().map(|(_, error)| error.condition));
        assert!(results.iter().all(|result| *result == results[0]), "{xml} {results:?}");
        results[0]
    };
    let too_much = Some(StreamCondition::PolicyViolation);
    let sized = |bytes: usize| format!("<message>{}</message>", "x".repeat(bytes - 19));
    assert_eq!(try_out(&sized(200)), None);
    assert_eq!(try_out(&sized(201)), too_much);
    // Long before its end, if it has one.
    assert_eq!(try_out(&format!("<message>{}", "x".repeat(200))), too_much);
    assert_eq!(try_out(&format!("<message a='{}", "x".repeat(200))), too_much);
    assert_eq!(try_out("<iq><a><b><c/></b></a></iq>"), None);
    assert_eq!(try_out("<iq><a><b><c><d/></c></b></a></iq>"), too_much);
    assert_eq!(try_out("<iq><a><b><c><d>"), too_much);
    assert_eq!(try_out("<presence><a b='' c='' d='' e='' f=''/></presence>"), None);
    assert_eq!(try_out("<presence><a b='' c='' d='' e='' f='' g=''/></presence>"), too_much);
    let many: String = (0..64).map(|i| format!("<a xmlns:p{i}='u'>")).collect();
    let deep = Limits { depth: 1000, ..Limits::default() };
    let input = format!("{HEADER}<presence>{many}{}</presence>", "</a>".repeat(64));
    let result = frames_in(input.as_bytes(), usize::MAX, deep);
    assert_eq!(result.err().map(|(_, error)| error.condition), too_much);
}

/// Names written out for every child do not make a small stanza a huge one.
#[test]
fn no_amplification() {
    let uri = "u".repeat(500);
    let input = format!("{HEADER}<message xmlns:p='{uri}'>{}</message>", "<p:a/>".repeat(10_000));
    let result = frames_in(input.as_bytes(), usize::MAX, Limits::default());
    assert_eq!(result.err().map(|(_, error)| error.condition), Some(StreamCondition::PolicyViolation));
    let input = format!("{HEADER}<message xmlns:p='{uri}uuuuuuuuuuuuu'/>");
    let result = frames_in(input.as_bytes(), usize::MAX, Limits::default());
    assert_eq!(result.err().map(|(_, error)| error.condition), Some(StreamCondition::PolicyViolation));
}

#[test]
fn trouble_of_a_stanza_is_not_trouble_of_the_stream() {
    use Condition::{BadRequest, JidMalformed};
    let cases = [
        ("<iq type='get'><a xmlns='b'/></iq>", BadRequest, true),
        ("<iq id='1'><a xmlns='b'/></iq>", BadRequest, true),
        ("<iq type='what' id='1'><a xmlns='b'/></iq>", BadRequest, true),
        ("<iq type='get' id='1'/>", BadRequest, true),
        ("<iq type='set' id='1'><a xmlns='b'/><c xmlns='b'/></iq>", BadRequest, true),
        ("<iq type='result' id='1'><a xmlns='b'/><c xmlns='b'/></iq>", BadRequest, false),
        ("<iq type='result'/>", BadRequest, false),
        ("<iq type='error'/>", BadRequest, false),
        ("<presence type='away'/>", BadRequest, true),
        ("<presence to=''/>", JidMalformed, true),
        ("<message to='a@b/'/>", JidMalformed, true),
        ("<message from='@a' to='a@b'/>", JidMalformed, true),
        ("<message to='@' type='error'/>", JidMalformed, false),
    ];
    for (xml, condition, answered) in cases {
        let frames = frames(&format!("{HEADER}{xml}<presence/>"));
        assert!(matches!(frames[2], Frame::Stanza(_)), "{xml}");
        let Frame::Bad { stanza, error } = &frames[1] else { panic!("{xml} {:?}", frames[1]) };
        assert_eq!(error.condition, condition, "{xml}");
        let reply = stanza.error_reply(error);
        assert_eq!(reply.is_some(), answered, "{xml}");
        assert!(reply.is_none_or(|reply| reply.ty() == Type::Error));
    }
    let fine =
        ["<message type='what'/>", "<iq type='result' id=''/>", "<iq type='error' id='1'><a/><b/></iq>"];
    for xml in fine {
        assert!(matches!(frames(&format!("{HEADER}{xml}"))[1], Frame::Stanza(_)), "{xml}");
    }
}

/// What leans on declarations outside of it is written anew, and only that.
#[test]
fn children_stand_by_themselves() {
    let server = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>";
    let prefixed = "<stream xmlns='http://etherx.jabber.org/streams' xmlns:c='jabber:client' xmlns:p='u'>";
    let bare = "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns:c='jabber:server'>";
    let cases = [
        // As it is.
        (HEADER, "<message><body>x</body></message>", "<body>x</body>"),
        (HEADER, "<message xmlns='jabber:client'><body>x</body></message>", "<body>x</body>"),
        (server, "<message><body>x</body></message>", "<body>x</body>"),
        (
            HEADER,
            "<message><p:x  xmlns:p='u' p:a = '1'><p:y/></p:x></message>",
            "<p:x  xmlns:p='u' p:a = '1'><p:y/></p:x>",
        ),
        (HEADER, "<message><p:x xmlns:p='u'><body/></p:x></message>", "<p:x xmlns:p='u'><body/></p:x>"),
        (HEADER, "<message xmlns:p='unused'><body/></message>", "<body/>"),
        (HEADER, "<c:message xmlns:c='jabber:client'><body/></c:message>", "<body/>"),
        (
            HEADER,
            "<message><f xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body/></message></f></message>",
            "<f xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body/></message></f>",
        ),
        // Written anew.
        (
            HEADER,
            "<message xmlns:p='u'><p:x p:a='1'><p:y/></p:x></message>",
            "<x xmlns='u' xmlns:p='u' p:a='1'><y></y></x>",
        ),
        (HEADER, "<message><stream:x/></message>", "<x xmlns='http://etherx.jabber.org/streams'></x>"),
        (
            HEADER,
            "<message><x xmlns='u' stream:a='1'/></message>",
            "<x xmlns='u' xmlns:stream='http://etherx.jabber.org/streams' stream:a='1'></x>",
        ),
        (
            HEADER,
            "<c:message xmlns:c='jabber:client'><c:body>x &amp; <![CDATA[y]]></c:body></c:message>",
            "<body>x &amp; <![CDATA[y]]></body>",
        ),
        (
            HEADER,
            "<c:message xmlns:c='jabber:client' xmlns='u&amp;v'><x/><c:body/></c:message>",
            "<x xmlns='u&amp;v'></x><body></body>",
        ),
        (HEADER, "<message><body xmlns='jabber:client'>x</body></message>", "<body>x</body>"),
        (HEADER, "<message><c:body xmlns:c='jabber:client'>x</c:body></message>", "<body>x</body>"),
        (server, "<message><body xmlns='jabber:server'>x</body></message>", "<body>x</body>"),
        (
            prefixed,
            "<c:message><c:body/><p:x><c:y/></p:x></c:message>",
            "<body></body><x xmlns='u'><y xmlns='jabber:client'></y></x>",
        ),
        (prefixed, "<message xmlns='jabber:client'><body/></message>", "<body/>"),
        (bare, "<c:message><c:body/><x/></c:message>", "<body></body><x xmlns=''></x>"),
    ];
    for (header, xml, inner) in cases {
        let stanza = stanza_under(header, xml);
        assert_eq!(stanza.inner(), inner, "{xml}");
        // Anew once, and never again.
        assert_eq!(Stanza::parse(&stanza.to_xml()).unwrap().inner(), inner);
    }
    let stanza = stanza_under(HEADER, "<message stream:a='1' xmlns:p='u&amp;v' p:b='2'><body/></message>");
    assert_eq!(
        stanza.to_xml(),
        "<message xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' stream:a='1' \
         xmlns:p='u&amp;v' p:b='2' xml:lang='en'><body></body></message>"
    );
    let stanza = stanza_under(HEADER, "<message xmlns:p='u' p:b='2'><body/></message>");
    assert_eq!(
        stanza.to_xml(),
        "<message xmlns='jabber:client' xmlns:p='u' p:b='2' xml:lang='en'><body/></message>"
    );
}

/// What cannot become well-formed any more ends the stream then and there, not when the element ends, if
/// ever.
#[test]
fn early_refusal() {
    let cases = [
        "<message><body></message>",
        "<message><body>x</body ></messages>",
        "<message><body <",
        "<message><body a='<",
        "<message><a\"",
        "<message></message<",
        "<message></message x",
        "<message><!-",
        "<message><?",
        "<message></ ",
        "</stream:stream x",
    ];
    for xml in cases {
        assert!(condition(xml.as_bytes()).is_some(), "{xml}");
    }
}

/// Bytes of a long element are looked at once however slowly they come.
#[test]
fn slow_senders_cost_no_more() {
    let long = format!("<message><body>{}</body></message>", "word &amp; <i xmlns='h'>x</i> ".repeat(8000));
    assert_eq!(condition(long.as_bytes()), None);
}
