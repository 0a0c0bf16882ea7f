//! Which files may be included (XInclude, as XEP-0227 uses it).

use super::super::PortableError;
use std::path::{Path, PathBuf};
use waxwing_xmpp::Element;

/// The namespace of XInclude.
const XI: &str = "http://www.w3.org/2001/XInclude";

/// Whether this stands for another file.
pub(super) fn is_include(element: &Element) -> bool {
    element.is("include", XI)
}

/// The folder that files may be included from: that of the first.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub fn of(file: &Path) -> Result<Self, PortableError> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |why| PortableError::File { file: file.display().to_string(), why };
        folder.canonicalize().map(Self).map_err(failed)
    }

    /// The file that an element in `from` stands for.
    ///
    /// # Errors
    /// Why there is none.
    pub fn resolve(&self, from: &Path, element: &Element) -> Result<PathBuf, String> {
        let href = element.attr("href").unwrap_or_default();
        if element.attr("parse").is_some_and(|parse| parse != "xml") || element.attr("xpointer").is_some() {
            return Err("only whole files can be included, as XML".to_owned());
        }
        let first = href.split(['/', '?', '#']).next().unwrap_or_default();
        if href.is_empty() || href.starts_with('/') || first.contains(':') || href.contains(['?', '#']) {
            return Err(format!("'{href}' cannot be included: it must be a path that begins at this file"));
        }
        let path = decoded(href).ok_or_else(|| format!("'{href}' is no path"))?;
        let path = from.parent().unwrap_or(Path::new("")).join(path);
        let path = path.canonicalize().map_err(|why| format!("'{href}' cannot be included: {why}"))?;
        // Symbolic links have been followed.
        if !path.starts_with(&self.0) || !path.is_file() {
            return Err(format!("'{href}' cannot be included: it is no file below {}", self.0.display()));
        }
        Ok(path)
    }
}

/// Without percent encoding (RFC 3986, section 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                let digits = std::str::from_utf8(digits)
                    .ok()
                    .filter(|it| it.bytes().all(|b| b.is_ascii_hexdigit()))?;
                u8::from_str_radix(digits, 16).ok()?
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn percent_encoding() {
        assert_eq!(decoded("a%20b/%C3%A9.xml").as_deref(), Some("a b/é.xml"));
        for wrong in ["%", "%2", "%zz", "%+1", "%ff", "%00"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
    }
}
