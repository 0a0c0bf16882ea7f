//! Elements between the stanzas of a bound session: stream management (XEP-0198) and client state indication
//! (XEP-0352).

use super::io::Socket;
use super::session::Established;
use super::{Ending, Shared};
use std::time::Duration;
use waxwing_server::TooHigh;
use waxwing_xmpp::{Condition, Element, Frame, StreamCondition, StreamError, escape, ns};

/// `<failed/>`, with how many stanzas were handled if that is known.
pub fn failed(condition: Condition, handled: Option<u32>) -> String {
    let handled = handled.map(|h| format!(" h='{h}'")).unwrap_or_default();
    format!("<failed xmlns='{}'{handled}><{condition} xmlns='{}'/></failed>", ns::SM, ns::STANZA_ERRORS)
}

/// The value of `h`, modulo 2^32.
///
/// # Errors
/// If there is none or it is none.
pub fn handled(element: &Element) -> Result<u32, StreamError> {
    element.attr("h").and_then(|h| h.parse().ok()).ok_or_else(|| {
        StreamError::new(StreamCondition::BadFormat).with_text("'h' must be a number below 4294967296")
    })
}

/// What ends a stream whose client has acknowledged too much (XEP-0198, section 6).
pub fn too_high(TooHigh { h, sent }: TooHigh) -> StreamError {
    StreamError::new(StreamCondition::UndefinedCondition)
        .with_text(format!("You acknowledged {h} stanzas, but I only sent you {sent} so far."))
        .with_extra(format!("<handled-count-too-high xmlns='{}' h='{h}' send-count='{sent}'/>", ns::SM))
}

/// The value of an XML Schema boolean; `false` if it is none.
fn is_true(value: Option<&str>) -> bool {
    matches!(value, Some("true" | "1"))
}

fn enabled(resume: Option<(String, Duration)>, shared: &Shared) -> String {
    let Some((id, most)) = resume else { return format!("<enabled xmlns='{}'/>", ns::SM) };
    let location = shared.settings.stream_management.location.as_deref();
    let location = location.map(|at| format!(" location='{}'", escape(at))).unwrap_or_default();
    format!("<enabled xmlns='{}' id='{id}' resume='true' max='{}'{location}/>", ns::SM, most.as_secs())
}

impl<T: Socket> Established<T> {
    /// Deal with a child of the stream that is no stanza.
    pub fn take_nonza(&mut self, element: Element) -> Result<(), Ending> {
        let settings = &self.shared.settings;
        let session = &self.session.session;
        match (element.ns(), element.name()) {
            (ns::SM, "enable") if settings.stream_management.enabled => {
                let most = element.attr("max").and_then(|max| max.parse().ok());
                let answer = match self.session.server.manage(session, is_true(element.attr("resume")), most)
                {
                    Some(what) => {
                        self.ahead = Some(Box::default());
                        enabled(what.resume, &self.shared)
                    }
                    None => failed(Condition::UnexpectedRequest, None),
                };
                self.link.push(&answer);
            }
            (ns::SM, "resume") if settings.stream_management.enabled => {
                self.link.push(&failed(Condition::UnexpectedRequest, None));
            }
            (ns::SM, "r") if self.ahead.is_some() => {
                let answer = format!("<a xmlns='{}' h='{}'/>", ns::SM, session.handled());
                self.link.push(&answer);
            }
            (ns::SM, "a") if self.ahead.is_some() => self.acknowledge(&element)?,
            (ns::CSI, "inactive") if settings.client_state.enabled => {
                session.set_inactive(Some(&settings.client_state));
            }
            (ns::CSI, "active") if settings.client_state.enabled => session.set_inactive(None),
            _ => {
                let frame = Frame::Nonza(element);
                return Err(Ending::unexpected(&frame, StreamCondition::UnsupportedStanzaType));
            }
        }
        Ok(())
    }

    /// The client says how many stanzas it has handled.
    pub fn acknowledge(&self, element: &Element) -> Result<(), StreamError> {
        self.session.session.acknowledge(handled(element)?).map_err(too_high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h_is_a_number_of_32_bits() {
        let h = |text: &str| handled(&Element::new("a", ns::SM).with_attr("h", text));
        assert_eq!(h("0"), Ok(0));
        assert_eq!(h("4294967295"), Ok(u32::MAX));
        for wrong in ["", "-1", "4294967296", "x", " 1"] {
            assert_eq!(h(wrong).unwrap_err().condition, StreamCondition::BadFormat, "{wrong}");
        }
        assert!(handled(&Element::new("a", ns::SM)).is_err());
    }

    #[test]
    fn too_high_says_by_how_much() {
        let xml = too_high(TooHigh { h: 10, sent: 8 }).to_xml();
        assert!(xml.contains("<undefined-condition "), "{xml}");
        assert!(
            xml.contains("<handled-count-too-high xmlns='urn:xmpp:sm:3' h='10' send-count='8'/>"),
            "{xml}"
        );
    }
}
