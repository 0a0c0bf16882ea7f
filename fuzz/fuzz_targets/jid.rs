//! An address that is accepted is prepared: reading its text again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxwing_xmpp::Jid;

fuzz_target!(|text: &str| {
    if let Ok(jid) = Jid::parse(text) {
        assert_eq!(Jid::parse(jid.as_str()).as_ref(), Ok(&jid));
        assert_eq!(Jid::from_parts(jid.local(), jid.domain(), jid.resource()).as_ref(), Ok(&jid));
        assert_eq!(Jid::parse(jid.bare_str()), Ok(jid.bare()));
        assert_eq!(Jid::parse(jid.domain()), Ok(jid.domain_jid()));
        assert!(jid.as_str().len() <= 3 * 1023 + 2);
    }
});
