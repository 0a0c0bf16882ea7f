//! Text that a plugin chooses and a person reads: in a log, on a terminal, in a consent.

/// The text on one line, without anything that moves a cursor, colours or turns around what stands beside it.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect()
}

/// Whether a character changes how others are shown and shows nothing itself: a control character, a separator of
/// lines, or a mark of the direction of writing (Unicode Standard Annex 9, section 2).
pub(crate) fn is_invisible(c: char) -> bool {
    let turns =
        matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_repaints_what_is_beside_it() {
        assert_eq!(one_line("a\nb\u{1b}[31m\0c\u{202e}d\u{2028}e\u{9b}f"), "a b [31m c d e f");
        assert_eq!(one_line("naïve — 日本 \u{5e9}\u{5dc}"), "naïve — 日本 \u{5e9}\u{5dc}");
    }
}
