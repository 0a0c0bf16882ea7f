//! An address that is accepted is prepared: reading its text again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxwing_xmpp::{Jid, domain_to_ascii};

fuzz_target!(|text: &str| {
    if let Ok(jid) = Jid::parse(text) {
        assert_eq!(Jid::parse(jid.as_str()).as_ref(), Ok(&jid));
        assert_eq!(Jid::from_parts(jid.local(), jid.domain(), jid.resource()).as_ref(), Ok(&jid));
        assert_eq!(Jid::parse(jid.bare_str()), Ok(jid.bare()));
        assert_eq!(Jid::parse(jid.domain()), Ok(jid.domain_jid()));
        assert!(jid.as_str().len() <= 3 * 1023 + 2);
        // A domain survives the DNS, and what older software writes is an address that it leaves alone.
        if !jid.is_ip_address() {
            let ascii = domain_to_ascii(jid.domain()).expect("a name of the DNS");
            assert_eq!(Jid::parse(&ascii), Ok(jid.domain_jid()));
        }
        if let Some(older) = jid.rfc6122() {
            assert_eq!(older.rfc6122(), None);
        }
    }
});
