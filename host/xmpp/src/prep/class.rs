//! Which characters a text may have: the string classes of PRECIS (RFC 8264, section 8), computed from the tables of
//! Unicode as the RFC demands.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, HangulSyllableType, JoinControl};
use icu_properties::{CodePointMapData, CodePointSetData};

/// What may have a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Names, and whatever else.
    Identifier,
    /// Texts without a form, such as passwords, but not names.
    Freeform,
    /// Both, in some places only: see [`super::context`].
    Context,
    /// Nothing.
    Disallowed,
}

/// The class of a character. The order of the tests is the RFC's.
pub fn class(c: char) -> Class {
    match c {
        // Section 9.6: exceptions.
        '\u{df}' | '\u{3c2}' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => return Class::Identifier,
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{30fb}' => return Class::Context,
        '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => return Class::Context,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' => return Class::Disallowed,
        '\u{3031}'..='\u{3035}' | '\u{303b}' => return Class::Disallowed,
        '!'..='~' => return Class::Identifier,
        _ => {}
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    if category == GeneralCategory::Unassigned {
        return Class::Disallowed;
    }
    if CodePointSetData::new::<JoinControl>().contains(c) {
        return Class::Context;
    }
    let hangul = CodePointMapData::<HangulSyllableType>::new().get(c);
    let is_old_jamo = matches!(
        hangul,
        HangulSyllableType::LeadingJamo | HangulSyllableType::VowelJamo | HangulSyllableType::TrailingJamo
    );
    if is_old_jamo || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) {
        return Class::Disallowed;
    }
    match category {
        GeneralCategory::Control => Class::Disallowed,
        _ if has_compatibility_form(c) => Class::Freeform,
        GeneralCategory::LowercaseLetter
        | GeneralCategory::UppercaseLetter
        | GeneralCategory::OtherLetter
        | GeneralCategory::ModifierLetter
        | GeneralCategory::NonspacingMark
        | GeneralCategory::SpacingMark
        | GeneralCategory::DecimalNumber => Class::Identifier,
        GeneralCategory::Format
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator
        | GeneralCategory::PrivateUse
        | GeneralCategory::Surrogate => Class::Disallowed,
        // Other letters and digits, spaces, symbols and punctuation.
        _ => Class::Freeform,
    }
}

/// Whether it stands for other characters, as `ﬁ` does for two letters (section 9.17).
fn has_compatibility_form(c: char) -> bool {
    !ComposingNormalizerBorrowed::new_nfkc().is_normalized(c.encode_utf8(&mut [0; 4]))
}
