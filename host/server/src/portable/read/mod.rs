//! Reading a file, element by element: what is in memory at a time has a limit, whatever is in the file.

mod include;
mod source;

use super::{PIE, PortableError};
use include::{Folder, is_include};
use source::{Next, Source, Tag};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use waxwing_xmpp::Element;

/// Somewhere in a file.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub file: Arc<str>,
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What is in a file, in order.
#[derive(Debug)]
pub(super) enum Item {
    /// A virtual host begins.
    Host {
        domain: Option<String>,
        place: Place,
    },
    /// Something of its own, other than an account.
    HostElement {
        element: Element,
    },
    HostEnd {
        place: Place,
    },
    /// An account begins.
    User {
        name: Option<String>,
        password: Option<String>,
        place: Place,
    },
    /// Something of its own.
    UserElement {
        element: Element,
        place: Place,
    },
    /// A child of something of its own, which is named `{namespace}name`.
    Part {
        of: String,
        element: Element,
        place: Place,
    },
    /// Something that is too large to be looked at.
    TooLarge {
        name: String,
        place: Place,
    },
    UserEnd,
    /// Something that is neither a virtual host nor in one.
    Unknown {
        element: Element,
    },
}

/// Takes items; `false` if it wants no more.
type Taker<'a> = dyn FnMut(Item) -> bool + 'a;

/// Read a file with all that it includes. The children of elements that `split` names, as `{namespace}name`, come one
/// by one.
///
/// # Errors
/// See [`PortableError`]. What comes before that has been taken.
pub(super) fn read(file: &Path, split: &BTreeSet<String>, take: &mut Taker<'_>) -> Result<(), PortableError> {
    let folder = Folder::of(file)?;
    let mut source = Source::open(file)?;
    let root = source.root()?;
    if !root.element.is("server-data", PIE) {
        let found = format!("{{{}}}{}", root.element.ns(), root.element.name());
        return Err(source
            .wrong(format!("a file of XEP-0227 begins with <server-data xmlns='{PIE}'>, not with {found}")));
    }
    let mut reader = Reader { folder, split, take };
    match reader.server_data(&mut source, &root) {
        Err(Stop::Enough) => Ok(()),
        Err(Stop::Wrong(error)) => Err(error),
        Ok(()) => source.end(),
    }
}

/// Why reading ends early.
enum Stop {
    Wrong(PortableError),
    /// Nobody wants to know more.
    Enough,
}

impl From<PortableError> for Stop {
    fn from(error: PortableError) -> Self {
        Self::Wrong(error)
    }
}

struct Reader<'a> {
    folder: Folder,
    split: &'a BTreeSet<String>,
    take: &'a mut Taker<'a>,
}

/// What an included file may begin with. Each includes files of the next level only, so there is an end to it.
#[derive(Clone, Copy)]
enum Level {
    /// A `<host/>`.
    ServerData,
    /// A `<user/>`.
    Host,
    /// Anything.
    User,
}

impl Reader<'_> {
    fn item(&mut self, item: Item) -> Result<(), Stop> {
        if (self.take)(item) { Ok(()) } else { Err(Stop::Enough) }
    }

    fn server_data(&mut self, source: &mut Source, root: &Tag) -> Result<(), Stop> {
        self.children(source, root, Level::ServerData)
    }

    /// The children of an element that has just begun, up to its end.
    fn children(&mut self, source: &mut Source, parent: &Tag, level: Level) -> Result<(), Stop> {
        if parent.is_empty {
            return Ok(());
        }
        loop {
            match source.next()? {
                Next::Start(tag) => self.child(source, tag, level)?,
                Next::End => return Ok(()),
            }
        }
    }

    fn child(&mut self, source: &mut Source, tag: Tag, level: Level) -> Result<(), Stop> {
        if is_include(&tag.element) {
            return self.include(source, &tag, level);
        }
        match level {
            Level::ServerData if tag.element.is("host", PIE) => self.host(source, &tag),
            Level::Host if tag.element.is("user", PIE) => self.user(source, &tag),
            Level::User => self.user_element(source, tag),
            Level::ServerData | Level::Host => {
                let (place, name) = (source.place(), tag.element.name().to_owned());
                let item = match source.whole(tag)? {
                    None => Item::TooLarge { name, place },
                    Some(element) if matches!(level, Level::Host) => Item::HostElement { element },
                    Some(element) => Item::Unknown { element },
                };
                self.item(item)
            }
        }
    }

    fn host(&mut self, source: &mut Source, tag: &Tag) -> Result<(), Stop> {
        let (domain, place) = (tag.element.attr("jid").map(str::to_owned), source.place());
        self.item(Item::Host { domain, place })?;
        self.children(source, tag, Level::Host)?;
        self.item(Item::HostEnd { place: source.place() })
    }

    fn user(&mut self, source: &mut Source, tag: &Tag) -> Result<(), Stop> {
        let name = tag.element.attr("name").map(str::to_owned);
        let password = tag.element.attr("password").map(str::to_owned);
        self.item(Item::User { name, password, place: source.place() })?;
        self.children(source, tag, Level::User)?;
        self.item(Item::UserEnd)
    }

    fn user_element(&mut self, source: &mut Source, tag: Tag) -> Result<(), Stop> {
        let place = source.place();
        let of = format!("{{{}}}{}", tag.element.ns(), tag.element.name());
        if !self.split.contains(&of) {
            let name = tag.element.name().to_owned();
            return match source.whole(tag)? {
                Some(element) => self.item(Item::UserElement { element, place }),
                None => self.item(Item::TooLarge { name, place }),
            };
        }
        if tag.is_empty {
            return Ok(());
        }
        loop {
            match source.next()? {
                Next::Start(tag) => {
                    let (place, name) = (source.place(), tag.element.name().to_owned());
                    // What is in there is the user's own, includes as well.
                    match source.whole(tag)? {
                        Some(element) => self.item(Item::Part { of: of.clone(), element, place })?,
                        None => self.item(Item::TooLarge { name, place })?,
                    }
                }
                Next::End => return Ok(()),
            }
        }
    }

    fn include(&mut self, source: &mut Source, tag: &Tag, level: Level) -> Result<(), Stop> {
        let wrong = |why| Stop::Wrong(source.wrong(why));
        let path = self.folder.resolve(source.path(), &tag.element).map_err(wrong)?;
        let mut inner = Source::open(&path).map_err(|error| wrong(format!("what is included: {error}")))?;
        if !tag.is_empty {
            source.skip()?;
        }
        let root = inner.root()?;
        let expected = match level {
            Level::ServerData => Some("host"),
            Level::Host => Some("user"),
            Level::User => None,
        };
        if let Some(expected) = expected.filter(|name| !root.element.is(name, PIE)) {
            return Err(Stop::Wrong(
                inner.wrong(format!("there should be a <{expected} xmlns='{PIE}'> here")),
            ));
        }
        self.child(&mut inner, root, level)?;
        Ok(inner.end()?)
    }
}

#[cfg(test)]
mod tests;
