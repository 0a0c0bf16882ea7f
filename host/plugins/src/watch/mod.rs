//! What nobody pays for who does not ask for it: traces of calls, dry calls, recordings, shadows.

pub(crate) mod dry;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod shadow;
pub(crate) mod trace;
pub(crate) mod watchers;
