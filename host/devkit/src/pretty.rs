//! XML for people: one element a line, indented.

use std::fmt::Write as _;
use waxwing_xmpp::{Element, Node, escape, escape_text, ns};

/// An element that stands in a stream of clients, each line after `indent` spaces.
pub(crate) fn pretty(element: &Element, indent: usize) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write(&mut out, element, ns::CLIENT, indent);
    out.truncate(out.trim_end().len());
    out
}

/// XML that may not be well-formed: then as it is.
pub(crate) fn pretty_text(xml: &str, indent: usize) -> String {
    match Element::parse_in(xml, ns::CLIENT) {
        Ok(element) => pretty(&element, indent),
        Err(_) => format!("{:indent$}{xml}", ""),
    }
}

fn write(out: &mut String, element: &Element, around: &str, indent: usize) -> std::fmt::Result {
    let name = element.name();
    write!(out, "{:indent$}<{name}", "")?;
    if element.ns() != around {
        write!(out, " xmlns='{}'", escape(element.ns()))?;
    }
    for (key, value) in element.attrs() {
        write!(out, " {key}='{}'", escape(value))?;
    }
    if let Some(lang) = element.attr("xml:lang") {
        write!(out, " xml:lang='{}'", escape(lang))?;
    }
    let blank = |node: &Node| matches!(node, Node::Text(text) if text.trim().is_empty());
    if element.nodes().iter().all(blank) {
        return out.write_str("/>\n");
    }
    out.push('>');
    if element.children().next().is_none() {
        out.push_str(&escape_text(&element.text()));
        return writeln!(out, "</{name}>");
    }
    out.push('\n');
    for node in element.nodes().iter().filter(|node| !blank(node)) {
        match node {
            Node::Element(child) => write(out, child, element.ns(), indent + 2)?,
            Node::Text(text) => {
                writeln!(out, "{:width$}{}", "", escape_text(text.trim()), width = indent + 2)?
            }
        }
    }
    writeln!(out, "{:indent$}</{name}>", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_element_a_line() {
        let xml = "<iq type='get' xml:lang='en'> <query xmlns='u'><a>1 &lt; 2</a>mixed<b/></query></iq>";
        let expected = "  <iq type='get' xml:lang='en'>\n    <query xmlns='u'>\n      <a>1 &lt; 2</a>\n      mixed\n      \
                        <b/>\n    </query>\n  </iq>";
        assert_eq!(pretty_text(xml, 2), expected);
        assert_eq!(pretty_text("<iq", 1), " <iq");
        assert_eq!(pretty_text("<a xmlns=''/>", 0), "<a xmlns=''/>");
    }
}
