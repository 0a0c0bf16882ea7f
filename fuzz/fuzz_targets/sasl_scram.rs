//! No message of a client makes the exchange fall over, and none that is made up gets in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use waxwing_xmpp::sasl::{ChannelBinding, ClientFirst, Hash, Keys, Plain, derive_keys};

static KEYS: LazyLock<Keys> =
    LazyLock::new(|| derive_keys(Hash::Sha256, "pencil", b"salt of many bytes", 4096).expect("a password"));

fuzz_target!(|messages: (bool, &[u8], &[u8])| {
    let (plus, first, last) = messages;
    let _ = Plain::parse(first);
    let channel = ChannelBinding { exporter: Some(vec![7; 32]), end_point: None };
    let channel = if plus { channel } else { ChannelBinding::default() };
    if let Ok(first) = ClientFirst::parse(first, Hash::Sha256, plus, &channel) {
        let (exchange, _) = first.challenge("nonce", b"salt of many bytes", 4096, KEYS.clone());
        assert!(exchange.finish(last).is_err());
    }
});
