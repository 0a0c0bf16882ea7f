//! Error replies (RFC 6120 section 8.3.1).

use super::{Stanza, Type, push_attr};
use crate::{Condition, ErrorType, StanzaError, ns};

/// What an error without a defined condition is taken for.
const UNDEFINED: Condition = Condition::UndefinedCondition;

/// The most bytes of the original that an error sends back.
const MAX_RETURNED: usize = 8 * 1024;

impl Stanza {
    /// The error as it goes back to the sender: addresses swapped, same id, what was inside first unless it
    /// is more than 8 KiB. `None` when this is an error or result itself, which must not be answered.
    pub fn error_reply(&self, error: &StanzaError) -> Option<Stanza> {
        if matches!(self.ty(), Type::Error | Type::Result) {
            return None;
        }
        let mut attrs = String::new();
        push_attr(&mut attrs, "type", Type::Error.as_attr());
        push_attr(&mut attrs, "id", self.id().as_deref());
        let inner = if self.inner().len() > MAX_RETURNED { "" } else { self.inner() };
        let plain = StanzaError { extra: None, ..error.clone() }.to_xml();
        let reply = Stanza::assemble(self.kind(), &attrs, &[inner, &error.to_xml()].concat())
            // Only the application-specific condition is somebody else's XML.
            .or_else(|_| Stanza::assemble(self.kind(), &attrs, &[inner, &plain].concat()));
        Some(reply.ok()?.with_addresses(self.written_to().cloned(), self.from.clone()))
    }

    /// The error that this stanza of type `error` carries; one that lacks what section 8.3.2 demands is
    /// read as far as it goes. `None` for other types.
    pub fn stanza_error(&self) -> Option<StanzaError> {
        if self.ty() != Type::Error {
            return None;
        }
        let element = self.child("error", ns::CLIENT).and_then(|child| child.element().ok());
        let Some(element) = element else { return Some(UNDEFINED.into()) };
        let mut defined = element.children().filter(|child| child.ns() == ns::STANZA_ERRORS);
        let condition = defined.find_map(|child| Condition::from_name(child.name())).unwrap_or(UNDEFINED);
        let text = element.child("text", ns::STANZA_ERRORS).map(|text| text.text());
        let ty = element.attr("type").and_then(ErrorType::from_name);
        Some(StanzaError { ty: ty.unwrap_or(condition.default_type()), condition, text, extra: None })
    }
}
