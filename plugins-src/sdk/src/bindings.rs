//! The Rust side of `wit/`, as wit-bindgen writes it: one module for everything that a plugin may import,
//! and one for each interface that it may export, so that a plugin exports only the hooks that it has.
#![allow(missing_docs, clippy::all)]

pub mod imports {
    wit_bindgen::generate!({ path: "../../wit", world: "imports" });
}

macro_rules! export {
    ($module:ident, $world:literal, $macro_name:literal, [$($interface:literal = $shared:path),+]) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                pub_export_macro: true,
                export_macro_name: $macro_name,
                default_bindings_module: "waxwing_plugin::bindings",
                with: { $($interface: $shared),+ },
            });
        }
    };
    // A hook that is shown a stanza.
    (stanza $module:ident, $world:literal, $macro_name:literal) => {
        export!($module, $world, $macro_name, [
            "xmpp:plugin/types@0.1.0" = crate::bindings::imports::xmpp::plugin::types,
            "xmpp:plugin/stanzas@0.1.0" = crate::bindings::imports::xmpp::plugin::stanzas
        ]);
    };
    ($module:ident, $world:literal, $macro_name:literal) => {
        export!($module, $world, $macro_name, [
            "xmpp:plugin/types@0.1.0" = crate::bindings::imports::xmpp::plugin::types
        ]);
    };
}

export!(lifecycle, "with-lifecycle", "export_lifecycle");
export!(stanza pre, "with-pre", "export_pre");
export!(stanza incoming, "with-incoming", "export_incoming");
export!(stanza process, "with-process", "export_process");
export!(stanza post, "with-post", "export_post");
export!(stanza filter, "with-filter", "export_filter");
export!(sessions, "with-sessions", "export_sessions");
export!(stanza service, "with-service", "export_service");
export!(commands, "with-commands", "export_commands");
export!(alarms, "with-alarms", "export_alarms");
export!(stanza replies, "with-replies", "export_replies");
export!(stanza portable, "with-portable", "export_portable");
