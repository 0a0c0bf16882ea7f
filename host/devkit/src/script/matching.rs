//! Whether what came is what was expected.

use waxwing_xmpp::Element;

/// Stands for any value of an attribute, and any text.
const ANY: &str = "*";

/// Why an element does not match a pattern, or nothing if it does. Name and namespace must be the same, and
/// everything that the pattern has must be there: its attributes with the same values, its text, and a child
/// for each of its children, in whatever order. Other attributes and children may be there too.
pub(crate) fn mismatch(found: &Element, pattern: &Element) -> Option<String> {
    let name = pattern.name();
    if !found.is(name, pattern.ns()) {
        let named = |element: &Element| format!("<{} xmlns='{}'>", element.name(), element.ns());
        return Some(format!("expected {}, not {}", named(pattern), named(found)));
    }
    for (key, wanted) in pattern.attrs() {
        match found.attr(key) {
            None => return Some(format!("<{name}> lacks the attribute {key}='{wanted}'")),
            Some(value) if wanted != ANY && value != wanted => {
                return Some(format!("<{name}> has {key}='{value}', not {key}='{wanted}'"));
            }
            Some(_) => {}
        }
    }
    let (text, wanted) = (found.text(), pattern.text());
    match (text.trim(), wanted.trim()) {
        (_, "") => {}
        ("", ANY) => return Some(format!("<{name}> has no text")),
        (_, ANY) => {}
        (text, wanted) if text != wanted => {
            return Some(format!("<{name}> has the text {text:?}, not {wanted:?}"));
        }
        _ => {}
    }
    let children: Vec<&Element> = found.children().collect();
    let wanted: Vec<&Element> = pattern.children().collect();
    if pair_off(&wanted, &children, &mut vec![false; children.len()]) {
        return None;
    }
    Some(lacking(name, &wanted, &children))
}

/// Whether each of the wanted children can have one of those found for itself.
fn pair_off(wanted: &[&Element], found: &[&Element], taken: &mut [bool]) -> bool {
    let Some((first, rest)) = wanted.split_first() else { return true };
    for (number, child) in found.iter().enumerate() {
        if taken.get(number) == Some(&false) && mismatch(child, first).is_none() {
            set(taken, number, true);
            if pair_off(rest, found, taken) {
                return true;
            }
            set(taken, number, false);
        }
    }
    false
}

fn set(taken: &mut [bool], number: usize, value: bool) {
    if let Some(place) = taken.get_mut(number) {
        *place = value;
    }
}

/// The nearest reason why children do not match.
fn lacking(name: &str, wanted: &[&Element], found: &[&Element]) -> String {
    let unmatched = wanted.iter().find(|wanted| found.iter().all(|child| mismatch(child, wanted).is_some()));
    let Some(wanted) = unmatched else { return format!("<{name}> has too few of the expected children") };
    // One of the same name differs in something; that is what the author wants to know.
    let namesake = found.iter().find(|child| child.is(wanted.name(), wanted.ns()));
    namesake
        .and_then(|child| mismatch(child, wanted))
        .unwrap_or_else(|| format!("<{name}> has no child <{} xmlns='{}'>", wanted.name(), wanted.ns()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(found: &str, pattern: &str) -> Option<String> {
        let parse = |xml| Element::parse_in(xml, "jabber:client").unwrap();
        mismatch(&parse(found), &parse(pattern))
    }

    #[test]
    fn more_may_be_there_and_in_any_order() {
        let found = "<iq id='1' type='get'>\n <a xmlns='u' k='v'>text</a>\n <b/><b x='1'/></iq>";
        for pattern in [
            "<iq/>",
            "<iq type='get' id='*'/>",
            "<iq><b/><a xmlns='u'> text </a></iq>",
            "<iq><a xmlns='u'>*</a></iq>",
            // The first `b` could take the place of the second.
            "<iq><b/><b x='1'/></iq>",
            "<iq><b x='1'/><b/></iq>",
        ] {
            assert_eq!(why(found, pattern), None, "{pattern}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let found = "<iq id='1'><a xmlns='u'>text</a><b/></iq>";
        for (pattern, reason) in [
            ("<message/>", "expected <message xmlns='jabber:client'>, not <iq xmlns='jabber:client'>"),
            ("<iq xmlns='u'/>", "expected <iq xmlns='u'>, not <iq xmlns='jabber:client'>"),
            ("<iq type='*'/>", "<iq> lacks the attribute type='*'"),
            ("<iq id='2'/>", "<iq> has id='1', not id='2'"),
            ("<iq><a xmlns='u'>other</a></iq>", "<a> has the text \"text\", not \"other\""),
            ("<iq><b>*</b></iq>", "<b> has no text"),
            ("<iq><b/><b/></iq>", "<iq> has too few of the expected children"),
            ("<iq><a/></iq>", "<iq> has no child <a xmlns='jabber:client'>"),
        ] {
            assert_eq!(why(found, pattern).as_deref(), Some(reason), "{pattern}");
        }
    }
}
