//! That the pages for authors show what works: each piece of JavaScript and Python in them is cut from a plugin that the
//! tests build and try (`every_hook/`, `templates/`), and no hook and no function of the host is missing, in any language.
//! The Rust of the pages is compiled with the tests of `plugins-src/sdk`.

use std::fs;
use std::path::Path;

/// A page of `docs/plugins/`, and the one about the host's functions.
fn pages(language: &str) -> String {
    [format!("{language}.md"), format!("{language}-host.md")]
        .map(|page| read(&format!("../../docs/plugins/{page}")))
        .concat()
}

/// A file, by its path from this crate.
fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced blocks of a language.
fn blocks(page: &str, fence: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if language == fence {
                blocks.push(block.join("\n"));
            }
        }
    }
    blocks
}

/// Whether these lines stand in a text as they are, or all indented by as much.
fn is_cut_from(excerpt: &str, text: &str) -> bool {
    let (excerpt, text): (Vec<&str>, Vec<&str>) = (excerpt.lines().collect(), text.lines().collect());
    text.windows(excerpt.len()).any(|lines| {
        let indent = lines[0].strip_suffix(excerpt[0]).filter(|indent| indent.trim().is_empty());
        indent.is_some_and(|indent| {
            lines.iter().zip(&excerpt).all(|(line, expected)| line.strip_prefix(indent) == Some(expected))
        })
    })
}

/// Each paragraph of code is an excerpt.
fn check_excerpts(language: &str, fence: &str, extension: &str) {
    let files = [
        read(&format!("tests/every_hook/app.{extension}")),
        read(&format!("tests/every_hook/imports.{extension}")),
        read(&format!("templates/{language}/app.{extension}")).replace("{{name}}", "greeter"),
    ];
    let blocks = blocks(&pages(language), fence);
    assert!(blocks.len() > 10, "{language}: {} blocks", blocks.len());
    for excerpt in
        blocks.iter().flat_map(|block| block.split("\n\n")).map(|excerpt| excerpt.trim_matches('\n'))
    {
        let cut = files.iter().any(|file| is_cut_from(excerpt, file));
        assert!(
            cut,
            "{language}.md or {language}-host.md has what is in no plugin that is tested:\n{excerpt}"
        );
    }
}

/// Something that plugins have or may use: `router`, perhaps `table`, and `send-to-all`.
struct Function {
    interface: String,
    resource: Option<String>,
    name: String,
}

/// The functions of a file of `wit/`. It is written with an item a line.
fn functions(file: &str) -> Vec<Function> {
    let (mut interface, mut resource, mut functions) = (String::new(), None, Vec::new());
    for line in read(&format!("../../wit/{file}")).lines() {
        let words = line.trim().trim_end_matches(" {");
        match (words.strip_prefix("interface "), words.strip_prefix("resource "), words.split_once(": func("))
        {
            (Some(name), ..) => interface = name.to_owned(),
            (_, Some(name), _) => resource = Some(name.to_owned()),
            (.., Some((name, _))) => {
                let (interface, resource) = (interface.clone(), resource.clone());
                functions.push(Function { interface, resource, name: name.to_owned() });
            }
            _ if line == "  }" => resource = None,
            _ => {}
        }
    }
    functions
}

/// A name of WIT as JavaScript has it.
fn camel(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |all, word| all + &word[..1].to_uppercase() + &word[1..])
}

/// A name of WIT as Python and Rust have it.
fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// Every hook and every function of the host is in a block. `style` is how the language has names, `of` what stands between an
/// interface and its function, and `hook` what a hook begins with.
fn check_complete(language: &str, fence: &str, style: fn(&str) -> String, of: &str, hook: &str) {
    let blocks = blocks(&pages(language), fence);
    let shows =
        |pieces: &[String]| blocks.iter().any(|block| pieces.iter().all(|piece| block.contains(piece)));
    let hooks = functions("hooks.wit").into_iter().filter(|function| function.name.starts_with("on-"));
    let missing_hooks = hooks.filter(|function| !shows(&[format!("{hook}{}(", style(&function.name))]));
    let host: Vec<Function> = ["host.wit", "types.wit"].into_iter().flat_map(functions).collect();
    assert!(host.len() > 40, "{} functions of the host", host.len());
    let missing = host.into_iter().filter(|Function { interface, resource, name }| {
        !shows(&match resource.as_deref() {
            None => vec![format!("{}{of}{}(", style(interface), style(name))],
            Some("stanza") => vec![format!("stanza.{}(", style(name))],
            // What a store is called differs; it is opened in the same block.
            Some(store) => vec![style(&format!("open-{store}")), format!(".{}(", style(name))],
        })
    });
    let missing: Vec<String> =
        missing_hooks.chain(missing).map(|f| format!("{}.{}", f.interface, f.name)).collect();
    assert!(
        missing.is_empty(),
        "{language}.md and {language}-host.md show nothing of {}",
        missing.join(", ")
    );
}

#[test]
fn javascript() {
    check_excerpts("javascript", "js", "js");
    check_complete("javascript", "js", camel, ".", "");
}

#[test]
fn python() {
    check_excerpts("python", "python", "py");
    check_complete("python", "python", snake, ".", "def ");
}

#[test]
fn rust() {
    check_complete("rust", "rust", snake, "::", "fn ");
    let template = read("templates/rust/src/lib.rs").replace("{{name}}", "greeter");
    let (_, code) = template.split_once("\n\n").unwrap();
    assert!(blocks(&pages("rust"), "rust").contains(&code.trim_end().to_owned()), "the template has changed");
}

#[test]
fn the_pages_can_be_found() {
    for language in ["rust", "javascript", "python"] {
        let page = format!("plugins/{language}.md");
        for index in ["../../docs/plugins.md", "../../docs/README.md"] {
            assert!(read(index).contains(&format!("({page})")), "{index} has no link to {page}");
        }
        assert!(read(&format!("templates/{language}/README.md")).contains(&format!("docs/{page}")));
    }
}
