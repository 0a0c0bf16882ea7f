//! The Bidi rule (RFC 5893, section 2): texts from right to left that look the same wherever they are shown.

use icu_properties::CodePointMapData;
use icu_properties::props::BidiClass;

/// Whether a text is to be read in one way only. One without characters from right to left always is.
pub fn is_unambiguous(text: &str) -> bool {
    let class = |c: char| CodePointMapData::<BidiClass>::new().get(c);
    let is_right_to_left =
        |class| matches!(class, BidiClass::RightToLeft | BidiClass::ArabicLetter | BidiClass::ArabicNumber);
    if !text.chars().map(class).any(is_right_to_left) {
        return true;
    }
    let last = text.chars().rev().map(class).find(|class| *class != BidiClass::NonspacingMark);
    match text.chars().next().map(class) {
        Some(BidiClass::RightToLeft | BidiClass::ArabicLetter) => {
            let has = |wanted| text.chars().map(class).any(|class| class == wanted);
            let is_allowed = |class| is_neutral(class) || is_right_to_left(class);
            text.chars().map(class).all(is_allowed)
                && last.is_some_and(|class| is_right_to_left(class) || class == BidiClass::EuropeanNumber)
                && !(has(BidiClass::EuropeanNumber) && has(BidiClass::ArabicNumber))
        }
        // What begins from left to right has no character from right to left, and nothing else may begin it.
        _ => false,
    }
}

/// What both directions may have.
fn is_neutral(class: BidiClass) -> bool {
    matches!(
        class,
        BidiClass::EuropeanNumber
            | BidiClass::EuropeanSeparator
            | BidiClass::CommonSeparator
            | BidiClass::EuropeanTerminator
            | BidiClass::OtherNeutral
            | BidiClass::BoundaryNeutral
            | BidiClass::NonspacingMark
    )
}
