use super::*;
use crate::StreamCondition;

#[test]
fn reads_and_writes() {
    let cases = [
        ("<a/>", "<a/>"),
        ("<a xmlns='u'><b/></a>", "<a xmlns='u'><b/></a>"),
        ("<a xmlns='u'><b xmlns='v'/><c xmlns=''/></a>", "<a xmlns='u'><b xmlns='v'/><c xmlns=''/></a>"),
        ("<p:a xmlns:p='u'><p:b/></p:a>", "<a xmlns='u'><b/></a>"),
        ("<a b=\"'&quot;&#10;\"/>", "<a b='&apos;&quot;&#10;'/>"),
        ("<a b='x\n\ty'/>", "<a b='x  y'/>"),
        ("<a xml:lang='en'/>", "<a xml:lang='en'/>"),
        ("<a xmlns:p='u' p:b='c'/>", "<a xmlns:ns0='u' ns0:b='c'/>"),
        ("<a>1 &lt; 2<![CDATA[ <&> ]]>&amp;</a>", "<a>1 &lt; 2 &lt;&amp;&gt; &amp;</a>"),
        ("<a>x\r\ny\rz&#13;</a>", "<a>x\ny\nz&#13;</a>"),
    ];
    for (xml, written) in cases {
        let element = Element::parse(xml).unwrap();
        assert_eq!(element.to_string(), written, "{xml}");
        assert_eq!(Element::parse(written).unwrap().to_string(), written);
    }
}

#[test]
fn finds_its_way() {
    let xml = "<query xmlns='jabber:iq:roster' ver='1'>\
        <item jid='a@b' xml:lang='en'><group>A &amp; B</group><group>C</group></item> <x xmlns='y'/></query>";
    let query = Element::parse(xml).unwrap();
    assert!(query.is("query", ns::ROSTER) && query.attr("ver") == Some("1") && query.attr("none").is_none());
    let item = query.child("item", ns::ROSTER).unwrap();
    assert_eq!((item.attr("jid"), item.attr("xml:lang")), (Some("a@b"), Some("en")));
    assert_eq!(item.attrs().collect::<Vec<_>>(), [("jid", "a@b")]);
    assert_eq!(item.child_text("group").as_deref(), Some("A & B"));
    assert_eq!(item.children().map(Element::text).collect::<Vec<_>>(), ["A & B", "C"]);
    assert!(query.child("x", ns::ROSTER).is_none() && query.child("x", "y").is_some());
    assert_eq!((query.text().as_str(), query.nodes().len()), (" ", 3));
}

#[test]
fn builds() {
    let element = Element::new("query", ns::ROSTER)
        .with_attr("ver", "a'b")
        .with_child(Element::new("item", ns::ROSTER).with_attr("jid", "a@b").with_text("1<2").with_text("&3"))
        .with_child(Element::new("y", "z"));
    let inside = "<item jid='a@b'>1&lt;2&amp;3</item><y xmlns='z'/></query>";
    assert_eq!(element.to_string(), format!("<query xmlns='jabber:iq:roster' ver='a&apos;b'>{inside}"));
    assert_eq!(element.to_xml_in(ns::ROSTER), format!("<query ver='a&apos;b'>{inside}"));
    assert_eq!(Element::parse(&element.to_string()), Ok(element.clone()));
    let mut changed = element.with_attr("ver", "2");
    assert_eq!(changed.attr("ver"), Some("2"));
    changed.set_attr("ver", None);
    assert_eq!(changed.attr("ver"), None);
    let lang = Element::new("a", "").with_attr("xml:lang", "de");
    assert_eq!((lang.to_string().as_str(), lang.attr("xml:lang")), ("<a xml:lang='de'/>", Some("de")));
}

#[test]
fn is_as_strict_as_a_stream() {
    let deep = "<a>".repeat(513) + &"</a>".repeat(513);
    let cases = [
        ("", StreamCondition::NotWellFormed),
        ("text", StreamCondition::NotWellFormed),
        ("<a>", StreamCondition::NotWellFormed),
        ("<a/><b/>", StreamCondition::NotWellFormed),
        ("<a/>x", StreamCondition::NotWellFormed),
        ("<p:a/>", StreamCondition::NotWellFormed),
        ("<?xml version='1.0'?><a/>", StreamCondition::RestrictedXml),
        ("<!DOCTYPE a><a/>", StreamCondition::RestrictedXml),
        (&deep, StreamCondition::PolicyViolation),
    ];
    for (xml, condition) in cases {
        assert_eq!(Element::parse(xml).map_err(|error| error.condition), Err(condition), "{xml}");
    }
}
