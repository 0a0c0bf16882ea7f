//! Whatever comes and however it is split, the same frames; and whatever is accepted is accepted again once written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxwing_xmpp::{Frame, Framer, Limits, Stanza, StreamError};

const HEADER: &[u8] =
    b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

fn frames(input: &[u8], piece: usize) -> (Vec<String>, Option<StreamError>) {
    let mut framer = Framer::new(Limits {
        stanza_bytes: 4096,
        depth: 8,
        attributes: 8,
        declarations: 8,
        header_bytes: 512,
    });
    let mut seen = Vec::new();
    for mut piece in input.chunks(piece) {
        loop {
            match framer.next(&mut piece) {
                Ok(None) => break,
                Ok(Some(frame)) => seen.push(show(&frame)),
                Err(error) => return (seen, Some(error)),
            }
        }
    }
    (seen, None)
}

fn show(frame: &Frame) -> String {
    match frame {
        Frame::Stanza(stanza) => {
            let xml = stanza.to_xml();
            let again = Stanza::parse(&xml).expect("a stanza once is a stanza always");
            assert_eq!((again.to_xml(), again.children().len()), (xml.clone(), stanza.children().len()));
            for (child, again) in stanza.children().zip(again.children()) {
                assert_eq!((child.name(), child.ns(), child.xml()), (again.name(), again.ns(), again.xml()));
                let alone = waxwing_xmpp::Element::parse(&child.xml()).expect("a child stands by itself");
                assert!(alone.is(child.name(), child.ns()));
            }
            xml
        }
        Frame::Bad { stanza, error } => format!("{error} {}", stanza.to_xml()),
        Frame::Nonza(element) => {
            let xml = element.to_string();
            // Prefixes that were shared become declarations, which count as attributes.
            if let Ok(again) = waxwing_xmpp::Element::parse(&xml) {
                assert_eq!(again.to_string(), xml);
            }
            xml
        }
        Frame::Open(header) => format!("{header:?}"),
        Frame::Close => "close".to_owned(),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((split, data)) = data.split_first() else { return };
    let with_header = [HEADER, data].concat();
    for input in [data, with_header.as_slice()] {
        let (whole, error) = frames(input, usize::MAX);
        let (pieces, piece_error) = frames(input, usize::from(*split) + 1);
        assert_eq!(whole, pieces);
        assert_eq!(error.is_some(), piece_error.is_some());
    }
});
