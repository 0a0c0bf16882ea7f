//! Entity capabilities (XEP-0115), computed once more to check the server's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::xml::Node;

/// The verification string's hash of a `<query/>` of service discovery without forms (section 5.1).
pub fn caps_version(query: &Node) -> String {
    let children = |name: &'static str| query.children.iter().filter(move |child| child.name == name);
    let attr = |node: &Node, name: &str| node.attr(name).unwrap_or_default().to_owned();
    let identity = |node: &Node| {
        let parts = ["category", "type", "xml:lang", "name"].map(|name| attr(node, name));
        parts.join("/")
    };
    let mut identities: Vec<_> = children("identity").map(identity).collect();
    let mut features: Vec<_> = children("feature").map(|node| attr(node, "var")).collect();
    identities.sort_unstable();
    features.sort_unstable();
    let text: String = identities.iter().chain(&features).map(|part| format!("{part}<")).collect();
    BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}
