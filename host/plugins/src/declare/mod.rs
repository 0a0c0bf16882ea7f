//! What plugins say of themselves and are granted: values that everything else of the engine speaks of.

pub(crate) mod command;
pub(crate) mod declared;
pub(crate) mod description;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod grants;
pub(crate) mod http_host;
pub(crate) mod index;
pub(crate) mod marks;
pub(crate) mod options;
pub(crate) mod portable;
pub(crate) mod reach;
pub(crate) mod requested;
pub(crate) mod words;
