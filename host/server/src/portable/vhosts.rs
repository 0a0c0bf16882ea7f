//! The settings of virtual hosts, as they stand in a file.

use super::OWN;
use waxwing_config::VhostSettings;
use waxwing_xmpp::Element;

/// The name of the element.
pub(super) const NAME: &str = "vhost";

/// The settings that are not the default ones; `None` if all are.
pub(super) fn element(settings: &VhostSettings) -> Option<Element> {
    let usual = VhostSettings::new(&*settings.domain);
    let mut element = Element::new(NAME, OWN);
    for key in VhostSettings::KEYS {
        match settings.text(key) {
            Some(text) if Some(&text) != usual.text(key).as_ref() => {
                element.push(Element::new("setting", OWN).with_attr("key", *key).with_text(text));
            }
            _ => {}
        }
    }
    (element.children().count() > 0).then_some(element)
}

/// The settings in an element, by key.
pub(super) fn read(element: &Element) -> Vec<(String, String)> {
    let settings = element.children().filter(|child| child.is("setting", OWN));
    settings.filter_map(|child| Some((child.attr("key")?.to_owned(), child.text()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back() {
        let mut settings = VhostSettings::new("a.example");
        assert_eq!(element(&settings), None);
        for (key, text) in [("register", "true"), ("max-users", "7"), ("comment", "two\nlines")] {
            settings.set(key, text).unwrap();
        }
        let mut other = VhostSettings::new("a.example");
        for (key, text) in read(&element(&settings).unwrap()) {
            other.set(&key, &text).unwrap();
        }
        assert_eq!(other, settings);
    }
}
