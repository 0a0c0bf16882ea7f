//! Characters that are allowed in some places only (RFC 5892, appendix A).

use icu_properties::CodePointMapData;
use icu_properties::props::{CanonicalCombiningClass, JoiningType, Script};

/// Whether the character at `at`, of the class `Context`, may be there.
pub fn allows(text: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
    let after = text.get(at + 1).copied();
    match text.get(at) {
        // A zero-width non-joiner or joiner.
        Some('\u{200c}') => before.is_some_and(is_virama) || breaks_a_join(text, at),
        Some('\u{200d}') => before.is_some_and(is_virama),
        // The dot of Catalan.
        Some('\u{b7}') => before == Some('l') && after == Some('l'),
        // A Greek numeral sign.
        Some('\u{375}') => after.is_some_and(|c| script(c) == Script::Greek),
        // Hebrew punctuation.
        Some('\u{5f3}' | '\u{5f4}') => before.is_some_and(|c| script(c) == Script::Hebrew),
        // What depends on the whole text is asked of it once.
        _ => true,
    }
}

/// Whether the rules hold that look at all of a text: a katakana dot stands with kana or Chinese characters, and the
/// two kinds of Arabic digits are not mixed.
pub fn allows_whole(text: &[char]) -> bool {
    let is_kana = |c: &char| matches!(script(*c), Script::Hiragana | Script::Katakana | Script::Han);
    let dots_fit = !text.contains(&'\u{30fb}') || text.iter().any(is_kana);
    let has = |digits: std::ops::RangeInclusive<char>| text.iter().any(|c| digits.contains(c));
    dots_fit && !(has('\u{660}'..='\u{669}') && has('\u{6f0}'..='\u{6f9}'))
}

fn script(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

fn is_virama(c: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama
}

/// Whether the letters around would be joined without what is at `at`.
fn breaks_a_join(text: &[char], at: usize) -> bool {
    let joining = |c: &char| CodePointMapData::<JoiningType>::new().get(*c);
    let is_letter = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let (before, after) = text.split_at(at);
    let before = before.iter().rev().map(joining).find(is_letter);
    let after = after.iter().skip(1).map(joining).find(is_letter);
    matches!(before, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(after, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}
