//! From a core module to a component: what `waxwing plugin build` does.

/// Why a core module cannot be made a component.
#[derive(Debug, thiserror::Error)]
#[error("this core module does not follow xmpp:plugin: {0}")]
pub struct ComponentizeError(String);

/// Wrap a core module, as a compiler makes it for `wasm32-unknown-unknown`, into a component. The
/// module carries its WIT world in a custom section, which wit-bindgen has put there.
pub fn componentize(core_module: &[u8]) -> Result<Vec<u8>, ComponentizeError> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(core_module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| ComponentizeError(format!("{error:#}")))
}
