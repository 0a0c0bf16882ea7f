use super::*;

#[test]
fn escapes_what_has_to_be() {
    assert_eq!(escape("a<b>&'\"\t\r\n"), "a&lt;b&gt;&amp;&apos;&quot;&#9;&#13;&#10;");
    assert_eq!(escape_text("a<b>&'\"\t\r\n"), "a&lt;b&gt;&amp;'\"\t&#13;\n");
    assert_eq!(escape("\0a\u{1}\u{ffff}"), "a");
    assert_eq!(escape("\0"), "");
    assert!(matches!(escape("caf\u{e9} \u{1f600}"), Cow::Borrowed(_)));
    assert!(matches!(escape_text("it's\n"), Cow::Borrowed(_)));
    assert_eq!(escape("\u{e9}<\u{e9}"), "\u{e9}&lt;\u{e9}");
}
