//! XMPP without I/O: addresses, stanzas, stream framing, errors and SASL mechanisms.

mod chars;
pub mod datetime;
mod element;
mod error;
mod escape;
mod framing;
mod jid;
pub mod ns;
mod prep;
mod reader;
pub mod sasl;
mod stanza;

pub use chars::is_xml_char;
pub use element::{Element, Node};
pub use error::{Condition, ErrorType, StanzaError, StreamCondition, StreamError};
pub use escape::{escape, escape_text};
pub use framing::{Frame, Framer, Limits, StreamHeader};
pub use jid::{Jid, JidError};
pub use prep::{domain_to_ascii, rfc6122_domain};
pub use stanza::{Child, Kind, ParseError, Stanza, Type};
