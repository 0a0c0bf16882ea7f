//! What a plugin gives out of an account.

use crate::Page;

impl Page {
    /// The last page: these elements, each as XML that stands by itself. An `Option` is one element or none.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// # fn page(account: &str) -> Result<Page> {
    /// let vcard = storage::open_table("vcard")?.get_text(account, "vcard")?;
    /// Ok(Page::last(vcard))
    /// # }
    /// ```
    pub fn last(elements: impl IntoIterator<Item = String>) -> Self {
        Self { elements: elements.into_iter().collect(), next: None }
    }

    /// The same with another page to come, which begins after `next`; `None` if there is none.
    #[must_use]
    pub fn then(self, next: Option<String>) -> Self {
        Self { next, ..self }
    }
}
