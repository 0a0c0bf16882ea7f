//! What a file may have and a stream may not, and where things are in it.

/// The text without declaration and comments, and the line of each child of its root. Where it is not
/// well-formed, the lines are worth nothing.
pub(crate) fn prepare(text: &str) -> (String, Vec<usize>) {
    let (mut kept, mut lines) = (String::with_capacity(text.len()), Vec::new());
    let (mut rest, mut line, mut depth) = (text.trim_start_matches('\u{feff}'), 1, 0_usize);
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        kept.push_str(before);
        line += newlines(before);
        let (end, keep) = if tag.starts_with("<!--") {
            (end_of(tag, "-->"), false)
        } else if tag.starts_with("<?") {
            (end_of(tag, "?>"), false)
        } else if tag.starts_with("<![CDATA[") {
            (end_of(tag, "]]>"), true)
        } else {
            (end_of_tag(tag), true)
        };
        let (whole, after) = tag.split_at(end);
        if keep {
            kept.push_str(whole);
            if whole.starts_with("</") {
                depth = depth.saturating_sub(1);
            } else if !whole.starts_with("<!") {
                if depth == 1 {
                    lines.push(line);
                }
                depth += usize::from(!whole.ends_with("/>"));
            }
        }
        line += newlines(whole);
        rest = after;
    }
    kept.push_str(rest);
    (kept, lines)
}

fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}

/// Where what begins here ends, or the text with it.
fn end_of(text: &str, mark: &str) -> usize {
    text.find(mark).map_or(text.len(), |at| at + mark.len())
}

/// The same for a tag, whose attributes may have `>` in them.
fn end_of_tag(tag: &str) -> usize {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    tag.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_lines_stay() {
        let text = "<?xml version='1.0'?>\n<!-- <a> -->\n<t>\n  <a x='>'\n/> <!--\n--><b>\n<c/></b><![CDATA[<!-- -->]]>\n<d/></t>";
        let (kept, lines) = prepare(text);
        assert_eq!(kept, "\n\n<t>\n  <a x='>'\n/> <b>\n<c/></b><![CDATA[<!-- -->]]>\n<d/></t>");
        assert_eq!(lines, [4, 6, 8]);
    }

    #[test]
    fn what_has_no_end_ends_with_the_text() {
        for text in ["<", "<a x='>", "<!-- ", "<a><", "", "x", "<?", "<![CDATA[é"] {
            prepare(text);
        }
        assert_eq!(prepare("<a>é<!--é-->é</a>").0, "<a>éé</a>");
    }
}
