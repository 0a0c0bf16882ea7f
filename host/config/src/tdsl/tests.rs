use super::*;
use crate::Located;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::time::Duration;

fn get<T: DeserializeOwned>(value: &str) -> T {
    let map: HashMap<String, T> =
        from_str(&format!("x = {value}"), "test.tdsl").unwrap_or_else(|e| panic!("{e}"));
    map.into_values().next().unwrap()
}

fn located<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> Located {
    match from_str::<T>(text, "test.tdsl").unwrap_err() {
        Error::At(located) => *located,
        other => panic!("{other}"),
    }
}

fn problem<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    let Located { line, column, message, .. } = located::<T>(text);
    format!("{line}:{column}: {message}")
}

fn syntax(text: &str) -> String {
    problem::<HashMap<String, IgnoredAny>>(text)
}

#[test]
fn numbers() {
    assert_eq!(get::<i64>("5"), 5);
    assert_eq!(get::<i64>("-5L"), -5);
    assert_eq!(get::<i64>("200ll"), 200);
    assert_eq!(get::<f64>("1.5"), 1.5);
    assert_eq!(get::<f64>("15dD"), 15.0);
    assert_eq!(get::<f32>("-1.5f"), -1.5);
    assert_eq!(get::<f64>("3"), 3.0);
    assert_eq!(get::<String>("127.0.0.1"), "127.0.0.1");
    assert_eq!(get::<String>("5222"), "5222");
}

#[test]
fn precedence() {
    for (expression, value) in [
        ("10 - 2 + 3", 11),
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("100 / 10 / 2", 5),
        ("100 / (10 / 2)", 20),
        ("2 * -3", -6),
        ("10 -3", 7),
        ("7 / 2", 3),
        ("-(1 + 1)", -2),
        ("(1 +\n 2\n)", 3),
        ("1 +\n 2", 3),
        ("64*1024*1024", 67_108_864),
    ] {
        assert_eq!(get::<i64>(expression), value, "{expression}");
    }
    assert_eq!(get::<f64>("1 / 2.0"), 0.5);
    assert_eq!(get::<String>("'a' + 1 + 'b' + true"), "a1btrue");
    assert_eq!(get::<i64>("null + 5"), 5);
}

#[test]
fn quotes() {
    assert_eq!(get::<String>(r#"'say "hi"'"#), r#"say "hi""#);
    assert_eq!(get::<String>(r#""it's # here""#), "it's # here");
    assert_eq!(get::<String>("'two\nlines'"), "two\nlines");
    assert_eq!(get::<String>(r"'back\slash'"), r"back\slash");
}

#[test]
fn separators_and_comments() {
    let text = "a = 1, b: 2 # a comment, c = 5\n\n,,\n 'd e' = 3\r\n\tf=4 g=5";
    let map: HashMap<String, i64> = from_str(text, "").unwrap();
    let mut entries: Vec<_> = map.into_iter().collect();
    entries.sort();
    let expected = [("a", 1), ("b", 2), ("d e", 3), ("f", 4), ("g", 5)];
    assert_eq!(entries, expected.map(|(key, value)| (key.to_owned(), value)));
    assert_eq!(get::<String>("a:b=c"), "a:b=c");
    assert_eq!(get::<Vec<String>>("[ # first\n one\n 'two', three\n\n]"), ["one", "two", "three"]);
    assert_eq!(from_str::<HashMap<String, i64>>("\u{feff}a = 1", "").unwrap().len(), 1);
}

#[test]
fn nested_values() {
    assert_eq!(get::<Vec<Vec<u8>>>("[ [ 1, 2 ], [], [ 3 ] ]"), [vec![1, 2], vec![], vec![3]]);
    assert_eq!(get::<Vec<HashMap<String, u8>>>("[ { a = 1 }, { b = 2 } ]").len(), 2);
    assert_eq!(get::<HashMap<String, u8>>("{ a = 1, b = 2 }").len(), 2);
}

#[test]
fn environment_and_properties() {
    let props = BTreeMap::from([("port".to_owned(), "5229".to_owned())]);
    let text = "a = prop('port', '1')\nb = prop('none', 7)\nc = prop('none')\nd = env('PATH') + ''\n\
                e = env('WAXWING_NOT_SET', 'default')\nf = [ prop('port') ]\ng = env('a=b', 'odd')";
    #[derive(Deserialize)]
    struct All {
        a: u16,
        b: u16,
        c: Option<String>,
        d: String,
        e: String,
        f: Vec<u16>,
        g: String,
    }
    let all: All = Document::parse(text, "", &props).unwrap().deserialize().unwrap();
    assert_eq!((all.a, all.b, all.c, all.e.as_str(), all.f), (5229, 7, None, "default", vec![5229]));
    assert_eq!(all.d, std::env::var("PATH").unwrap());
    assert_eq!(all.g, "odd");
}

#[test]
fn conversion_to_what_the_field_wants() {
    assert_eq!(get::<u32>("'15'"), 15);
    assert_eq!(get::<u32>("'20000000'"), 20_000_000);
    assert!(get::<bool>("'true'"));
    assert_eq!(get::<Vec<String>>("'a, b,c'"), ["a", "b", "c"]);
    assert_eq!(get::<Vec<u16>>("'1,2'"), [1, 2]);
    assert_eq!(get::<Vec<u16>>("5222"), [5222]);
    assert_eq!(get::<Vec<String>>("''"), Vec::<String>::new());
    assert_eq!(get::<Option<u8>>("null"), None);
    assert_eq!(get::<Option<u8>>("'7'"), Some(7));
    assert_eq!(get::<(u8, String)>("[ 1, two ]"), (1, "two".to_owned()));
    assert_eq!(get::<char>("x"), 'x');
}

#[test]
fn enums() {
    #[derive(Debug, Deserialize, PartialEq)]
    enum Ping {
        Whitespace,
        Xmpp,
        Every(u32),
    }
    assert_eq!(get::<Ping>("'xmpp'"), Ping::Xmpp);
    assert_eq!(get::<Ping>("Whitespace"), Ping::Whitespace);
    assert_eq!(get::<Ping>("{ Every = 5 }"), Ping::Every(5));
    assert_eq!(problem::<HashMap<String, Ping>>("x = xmp"), "1:5: unknown value 'xmp', did you mean 'Xmpp'?");
    assert_eq!(problem::<HashMap<String, Ping>>("x = Every"), "1:5: 'Every' needs a value: Every = …");
}

#[test]
fn durations() {
    let seconds = Duration::from_secs;
    for (text, duration) in [
        ("PT15M", seconds(900)),
        ("P4W", seconds(4 * 604_800)),
        ("P1DT12H", seconds(129_600)),
        ("10s", seconds(10)),
        ("1h 30m", seconds(5400)),
        ("50ms", Duration::from_millis(50)),
        ("PT0.5S", Duration::from_millis(500)),
        ("1.5 s", Duration::from_millis(1500)),
        ("0s", Duration::ZERO),
    ] {
        assert_eq!(duration::parse(text), Some(duration), "{text}");
        assert_eq!(duration::parse(&duration::show(duration)), Some(duration), "{text}");
    }
    for text in [
        "",
        "P",
        "PT",
        "5",
        "s",
        "5 parsecs",
        "P5M",
        "-5s",
        "5s!",
        "1..5s",
        "99999999999999999999w",
        "P1DT",
        "é",
    ] {
        assert_eq!(duration::parse(text), None, "{text}");
    }
    #[derive(Debug, Deserialize)]
    struct Timed {
        #[serde(deserialize_with = "duration::deserialize")]
        _wait: Duration,
    }
    assert!(from_str::<Timed>("_wait = 10s", "").is_ok());
    assert_eq!(
        problem::<Timed>("_wait = 70"),
        "1:9: expected a duration such as '30s', '5m', '1h30m', '50ms' or 'PT15M', found 70 without a unit"
    );
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Bean {
    active: Option<bool>,
    level: u8,
}

#[test]
fn beans() {
    let beans = "a () {}\nb (active: false) { level = 1 }\n'c:d' (class: a.b.C, active: 'true', exportable: true) {}\n\
                 e { level = 2 }\n5222 (active = true)\n{ }";
    let map: HashMap<String, Bean> = from_str(beans, "").unwrap();
    let bean = |active, level| Bean { active, level };
    assert_eq!(map["a"], bean(None, 0));
    assert_eq!(map["b"], bean(Some(false), 1));
    assert_eq!(map["c:d"], bean(Some(true), 0));
    assert_eq!(map["e"], bean(None, 2));
    assert_eq!(map["5222"], bean(Some(true), 0));

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Map {
        _a: u8,
    }
    assert!(from_str::<HashMap<String, Map>>("x (active: true) { _a = 1 }", "").is_ok());
    let off = problem::<HashMap<String, Map>>("x (active: false) { _a = 1 }");
    assert_eq!(off, "1:12: this block cannot be switched off");
    assert_eq!(problem::<HashMap<String, Map>>("x { }"), "1:3: the key '_a' is missing");
    let header = syntax("x (actve: false) {}");
    assert_eq!(header, "1:4: unknown 'actve' in parentheses, did you mean 'active'?");
}

#[test]
fn blocks_of_one_name_are_one() {
    let text = "a (active: true) { level = 1 }\nb { level = 3 }\na (active: false) { }";
    let map: HashMap<String, Bean> = from_str(text, "").unwrap();
    assert_eq!(map["a"], Bean { active: Some(false), level: 1 });
    assert_eq!(syntax("a { b = 1 }\na { b = 2 }"), "2:5: the key 'b' is given twice");
    assert_eq!(syntax("a = 1\n'a' = 2"), "2:1: the key 'a' is given twice");
    assert_eq!(syntax("a { }\na = 2"), "2:1: the key 'a' is given twice");
}

#[test]
fn syntax_errors() {
    for (text, expected) in [
        ("}", "1:1: this '}' closes nothing"),
        ("a {\n b = 1", "1:3: this '{' is never closed"),
        ("a = [ 1, 2", "1:5: this '[' is never closed"),
        ("a = (1 + 2", "1:5: this '(' is never closed"),
        ("a = 'x", "1:5: this ' is never closed"),
        ("a = 'x\u{1b}[1m'", "1:7: the character U+001B has no place in a text"),
        ("a = ", "1:5: expected a value, found the end of the file"),
        ("a = \nb = 1", "1:5: expected a value, found the end of the line"),
        ("a", "1:1: expected '=' or '{' after the key 'a'; text with blanks must be quoted"),
        (
            "a = hello world\n",
            "1:11: expected '=' or '{' after the key 'world'; text with blanks must be quoted",
        ),
        ("a\n= 1", "1:1: 'a' and its '=' must be in one line"),
        ("= 1", "1:1: expected a key, found '='"),
        ("a = )", "1:5: expected a value, found ')'"),
        ("a = [ 'x' 'y' ]", "1:11: expected ',' or ']', found '''"),
        ("a = 1 / 0", "1:5: division by zero"),
        ("a = 9223372036854775807 + 1", "1:5: the result is too large a number"),
        ("a = 99999999999999999999", "1:5: 99999999999999999999 is too large a number"),
        ("a = /tmp/x", "1:5: expected a value, found '/'"),
        (
            "a = some-name",
            "1:5: '-' needs numbers, found the text 'some' and the text 'name'; text with + - * / in it must be quoted",
        ),
        (
            "a = -name",
            "1:5: '-' needs a number, found the text 'name'; text with + - * / in it must be quoted",
        ),
        ("a = env(5)", "1:9: env() takes a name, found 5"),
        ("a = 'x' + []", "1:5: '+' cannot join the text 'x' and a list"),
        (
            "a = 'x\nb = 'y'\n",
            "2:6: expected '=' or '{' after the key 'y'; text with blanks must be quoted; \
             the quote opened in line 1 ends here: is one missing there?",
        ),
    ] {
        assert_eq!(syntax(text), expected, "{text}");
    }
}

#[test]
fn an_error_shows_its_line() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Connections {
        _ports: Vec<u16>,
    }
    let error = located::<HashMap<String, Connections>>("# é\nc2s {\n\t'é' {} prots = [ 5222 ]\n}");
    assert_eq!((error.line, error.column), (3, 2));
    let error = located::<HashMap<String, Connections>>("c2s {\n    prots = [ 5222 ]\n}");
    assert_eq!(
        error.to_string(),
        "test.tdsl:2:5: unknown key 'prots', did you mean '_ports'?\n  |\n2 |     prots = [ 5222 ]\n  |     ^^^^^"
    );
    let error = located::<HashMap<String, Connections>>("c2s {\n\t_ports = [ 5222, 70000 ]\n}");
    assert_eq!(
        error.to_string(),
        "test.tdsl:2:19: expected a whole number from 0 to 65535, found 70000\n  |\n\
         2 | \t_ports = [ 5222, 70000 ]\n  | \t                 ^^^^^"
    );
    let long = format!("a = [ {} 'x' 'y' ]", "1, ".repeat(200));
    let shown = located::<HashMap<String, IgnoredAny>>(&long).to_string();
    assert!(shown.lines().all(|line| line.chars().count() < 120), "{shown}");
}

#[test]
fn depth_is_limited() {
    for open in ["a = [", "[", "a {", "{", "(", "-", "a = (", "env(", "'a' ("] {
        let text = format!("x = {}", open.repeat(100_000));
        assert!(from_str::<IgnoredAny>(&text, "").is_err());
        assert!(from_str::<IgnoredAny>(&open.repeat(100_000), "").is_err());
    }
    assert!(syntax(&format!("a = {}", "[".repeat(100))).ends_with("nested more than 64 deep"));
}

/// A small generator (xorshift): the same text in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn nothing_panics() {
    let whole = crate::Settings::reference_tdsl();
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        let _ = from_str::<IgnoredAny>(&whole[..end], "").map_err(|error| error.to_string());
    }
    let parts = [
        "a",
        "'b'",
        "\"",
        "'",
        "=",
        ":",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ",",
        "\n",
        " ",
        "#",
        "+",
        "-",
        "*",
        "/",
        "5",
        "1.5f",
        "true",
        "null",
        "env",
        "prop",
        "('x')",
        "active",
        "\u{feff}",
        "é",
        "\0",
        "9223372036854775807",
        "\r",
        ".",
        "c2s",
        "ports",
        "'sess-man'",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..30_000 {
        let text: String = (0..random.below(24)).map(|_| parts[random.below(parts.len())]).collect();
        let _ = from_str::<IgnoredAny>(&text, "").map_err(|error| error.to_string());
        let _ = from_str::<HashMap<String, Bean>>(&text, "").map_err(|error| error.to_string());
        let _ = crate::Settings::parse(&text, "", &BTreeMap::new()).map_err(|error| error.to_string());
    }
}
