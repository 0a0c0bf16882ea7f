//! Which files may be included (XInclude, as XEP-0227 uses it).

use super::super::PortableError;
use percent_encoding::percent_decode_str;
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
        let decoded = percent_decode_str(href).decode_utf8();
        let path = decoded.map_err(|_| format!("'{href}' is no path"))?;
        let path = from.parent().unwrap_or(Path::new("")).join(&*path);
        let path = path.canonicalize().map_err(|why| format!("'{href}' cannot be included: {why}"))?;
        // Symbolic links have been followed.
        if !path.starts_with(&self.0) || !path.is_file() {
            return Err(format!("'{href}' cannot be included: it is no file below {}", self.0.display()));
        }
        Ok(path)
    }
}
