//! One file as XML, with limits: tags are read one by one, and an element whole only if it is not too large.

use super::super::PortableError;
use super::Place;
use quick_xml::events::{BytesStart, Event};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use waxwing_xmpp::Element;

/// The largest tag or text, and the largest element, in bytes.
const TOKEN: usize = 1 << 20;
const ELEMENT: usize = 1 << 20;
/// How deep elements may stand in each other.
const DEPTH: usize = 200;

/// A start tag.
pub(super) struct Tag {
    /// Its name and attributes; nothing is inside.
    pub element: Element,
    /// Nothing is inside of the element.
    pub is_empty: bool,
    /// As it is written, without the brackets.
    raw: String,
}

/// What comes next where only elements may be.
pub(super) enum Next {
    Start(Tag),
    End,
}

/// A file that is being read.
pub(super) struct Source {
    path: PathBuf,
    file: Arc<str>,
    xml: quick_xml::Reader<Limited>,
    buffer: Vec<u8>,
    /// The namespace declarations of the elements that are open, as they are written.
    open: Vec<Vec<Declaration>>,
    /// Where the last tag began.
    line: u64,
}

struct Declaration {
    /// With the prefix: `xmlns:xi`.
    name: String,
    value: String,
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, PortableError> {
        let file: Arc<str> = path.display().to_string().into();
        let failed = |why| PortableError::File { file: file.to_string(), why };
        let opened = File::open(path).map_err(failed)?;
        if !opened.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("this is not a file")));
        }
        let limited = Limited { inner: BufReader::new(opened), lines: 1, token: 0 };
        let mut xml = quick_xml::Reader::from_reader(limited);
        xml.config_mut().check_end_names = true;
        let (path, buffer, open) = (path.to_owned(), Vec::new(), Vec::new());
        Ok(Self { path, file, xml, buffer, open, line: 1 })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the last tag began.
    pub fn place(&self) -> Place {
        Place { file: self.file.clone(), line: self.line }
    }

    /// An error at this place.
    pub fn wrong(&self, why: String) -> PortableError {
        PortableError::Format { file: self.file.to_string(), line: self.line, why }
    }

    /// The first tag.
    pub fn root(&mut self) -> Result<Tag, PortableError> {
        match self.next()? {
            Next::Start(tag) => Ok(tag),
            Next::End => Err(self.wrong("there is no element".to_owned())),
        }
    }

    /// See to it that nothing follows.
    pub fn end(&mut self) -> Result<(), PortableError> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Text(text) if is_blank(&text) => {}
                _ => return Err(self.wrong("something follows the last element".to_owned())),
            }
        }
    }

    /// The next tag where only elements may be.
    pub fn next(&mut self) -> Result<Next, PortableError> {
        loop {
            match self.event()? {
                Event::Start(start) => return self.tag(&start, false).map(Next::Start),
                Event::Empty(start) => return self.tag(&start, true).map(Next::Start),
                Event::End(_) => {
                    self.open.pop();
                    return Ok(Next::End);
                }
                Event::Text(text) if is_blank(&text) => {}
                Event::Eof => return Err(self.wrong("the file ends in the middle".to_owned())),
                _ => return Err(self.wrong("there is text where only elements may be".to_owned())),
            }
        }
    }

    /// Leave out what is inside of the element that has just begun.
    pub fn skip(&mut self) -> Result<(), PortableError> {
        self.collect(None).map(drop)
    }

    /// The element that has just begun, whole; `None` if it is too large.
    pub fn whole(&mut self, tag: Tag) -> Result<Option<Element>, PortableError> {
        if tag.is_empty {
            return Ok(Some(tag.element));
        }
        let line = self.line;
        let scope = self.scope();
        let mut text = format!("<w{scope}><{}>", tag.raw);
        if !self.collect(Some(&mut text))? {
            return Ok(None);
        }
        text.push_str("</w>");
        let parsed = Element::parse(&text).map(|whole| whole.children().next().cloned());
        match parsed {
            Ok(Some(element)) => Ok(Some(element)),
            Ok(None) => Err(self.wrong_at(line, "this is no element")),
            Err(why) => {
                let why = why.text.map_or_else(|| why.condition.to_string(), |text| text.to_string());
                Err(self.wrong_at(line, &why))
            }
        }
    }

    /// Read on to the end of the element that has just begun, and have that in `text`. `false` if it is too large.
    fn collect(&mut self, mut text: Option<&mut String>) -> Result<bool, PortableError> {
        let (mut depth, mut fits) = (self.open.len(), true);
        let outside = depth - 1;
        while depth > outside {
            let (raw, change) = match self.event()? {
                Event::Start(start) => (["<", &start, ">"].concat(), 1),
                Event::Empty(start) => (["<", &start, "/>"].concat(), 0),
                Event::End(end) => (["</", &end, ">"].concat(), -1),
                Event::Text(text) => (text.to_string(), 0),
                Event::CData(data) => (["<![CDATA[", &data, "]]>"].concat(), 0),
                Event::GeneralRef(name) => {
                    if !name.starts_with('#') && !["lt", "gt", "amp", "apos", "quot"].contains(&&*name) {
                        return Err(self
                            .wrong(format!("the entity &{}; is not known, and a DTD is not read", &*name)));
                    }
                    (["&", &name, ";"].concat(), 0)
                }
                Event::Eof => return Err(self.wrong("the file ends in the middle".to_owned())),
                _ => continue,
            };
            depth = depth.saturating_add_signed(change);
            if depth > DEPTH {
                return Err(self.wrong(format!("elements stand in each other more than {DEPTH} deep")));
            }
            if let Some(text) = text.as_mut().filter(|_| fits) {
                text.push_str(&raw);
                fits = text.len() <= ELEMENT;
            }
        }
        self.open.pop();
        Ok(fits)
    }

    /// The next event that means something.
    fn event(&mut self) -> Result<Event<'static>, PortableError> {
        loop {
            self.buffer.clear();
            let limited = self.xml.get_mut();
            limited.token = 0;
            self.line = limited.lines;
            let event = self.xml.read_event_into(&mut self.buffer).map(Event::into_owned);
            match event {
                Ok(Event::Comment(_) | Event::PI(_)) => {}
                Ok(Event::Decl(decl)) => {
                    let encoding = decl.encoding().and_then(Result::ok);
                    let name = encoding.map(|name| name.to_ascii_uppercase());
                    if name.is_some_and(|name| name != "UTF-8" && name != "US-ASCII") {
                        return Err(self.wrong("the file is not in UTF-8".to_owned()));
                    }
                }
                Ok(Event::DocType(_)) => {
                    return Err(self.wrong("there is a DTD, which such a file has not".to_owned()));
                }
                Ok(event) => return Ok(event),
                Err(quick_xml::Error::Io(why)) => {
                    return Err(self.wrong(why.to_string()));
                }
                Err(why) => return Err(self.wrong(format!("this is not XML: {why}"))),
            }
        }
    }

    fn tag(&mut self, start: &BytesStart<'_>, is_empty: bool) -> Result<Tag, PortableError> {
        let raw = start.to_string();
        let mut declarations = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|why| self.wrong(format!("this is not XML: {why}")))?;
            let name = attribute.key.as_ref().to_owned();
            if name == "xmlns" || name.starts_with("xmlns:") {
                declarations.push(Declaration { name, value: attribute.value.into_owned() });
            }
        }
        let text = format!("<w{}><{raw}/></w>", self.scope());
        let parsed = Element::parse(&text).ok().and_then(|whole| whole.children().next().cloned());
        let element = parsed.ok_or_else(|| self.wrong(format!("<{}> is not XML", head(&raw))))?;
        if !is_empty {
            if self.open.len() >= DEPTH {
                return Err(self.wrong(format!("elements stand in each other more than {DEPTH} deep")));
            }
            self.open.push(declarations);
        }
        Ok(Tag { element, is_empty, raw })
    }

    /// The namespaces that are declared here, as attributes.
    fn scope(&self) -> String {
        let mut known: Vec<&str> = Vec::new();
        let mut scope = String::new();
        for declaration in self.open.iter().rev().flatten() {
            if known.contains(&declaration.name.as_str()) {
                continue;
            }
            known.push(&declaration.name);
            let quote = if declaration.value.contains('"') { '\'' } else { '"' };
            scope.push_str(&format!(" {}={quote}{}{quote}", declaration.name, declaration.value));
        }
        scope
    }

    fn wrong_at(&self, line: u64, why: &str) -> PortableError {
        PortableError::Format { file: self.file.to_string(), line, why: why.to_owned() }
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The beginning of something that may be long.
fn head(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Counts lines, and ends what has no end.
struct Limited {
    inner: BufReader<File>,
    lines: u64,
    /// Bytes since the last event.
    token: usize,
}

impl Read for Limited {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(to)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Limited {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.token > TOKEN {
            return Err(io::Error::other(format!("a tag or a text is longer than {} KiB", TOKEN >> 10)));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        let read = self.inner.buffer().get(..count).unwrap_or_default();
        self.lines += read.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.token += count;
        self.inner.consume(count);
    }
}
