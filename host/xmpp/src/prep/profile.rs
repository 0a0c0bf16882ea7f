//! The profiles of PRECIS that addresses and passwords use (RFC 8265).

use super::bidi;
use super::class::{Class, class};
use super::context;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointMapData;
use icu_properties::props::{EastAsianWidth, GeneralCategory};

/// How often the rules are applied until nothing changes any more (RFC 8264, section 7).
const ROUNDS: usize = 4;

/// UsernameCaseMapped (section 3.3): full-width letters are ordinary ones, capitals small.
pub fn username(text: &str) -> Option<String> {
    stable(text, |text| {
        let narrow = narrow(text);
        if !has_only(&narrow, |class| class == Class::Identifier) {
            return None;
        }
        let lower: String = narrow.chars().flat_map(char::to_lowercase).collect();
        let name = ComposingNormalizerBorrowed::new_nfc().normalize(&lower).into_owned();
        bidi::is_unambiguous(&name).then_some(name)
    })
}

/// OpaqueString (section 4.2): nearly everything, as it is.
pub fn opaque(text: &str) -> Option<String> {
    stable(text, |text| {
        if !has_only(text, |class| matches!(class, Class::Identifier | Class::Freeform)) {
            return None;
        }
        let is_space =
            |c| CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::SpaceSeparator;
        let spaced: String = text.chars().map(|c| if is_space(c) { ' ' } else { c }).collect();
        Some(ComposingNormalizerBorrowed::new_nfc().normalize(&spaced).into_owned())
    })
}

/// Whether a text has characters of these classes and such as are allowed where they are.
pub fn has_only(text: &str, allowed: impl Fn(Class) -> bool) -> bool {
    let text: Vec<char> = text.chars().collect();
    let fits = |(at, c): (usize, &char)| match class(*c) {
        Class::Context => context::allows(&text, at),
        class => allowed(class),
    };
    text.iter().enumerate().all(fits) && context::allows_whole(&text)
}

/// Full-width and half-width characters become the ones that they are variants of.
fn narrow(text: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let mut narrow = String::with_capacity(text.len());
    for c in text.chars() {
        match CodePointMapData::<EastAsianWidth>::new().get(c) {
            EastAsianWidth::Fullwidth | EastAsianWidth::Halfwidth => {
                narrow.push_str(&nfkc.normalize(c.encode_utf8(&mut [0; 4])));
            }
            _ => narrow.push(c),
        }
    }
    narrow
}

/// Applies the rules of a profile until they change nothing, so that a text read back from where it was kept is
/// still the same. An empty text has no form.
fn stable(text: &str, enforce: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut text = enforce(text)?;
    for _ in 0..ROUNDS {
        let again = enforce(&text)?;
        if again == text {
            return (!text.is_empty()).then_some(text);
        }
        text = again;
    }
    None
}
