//! The one macro of a plugin.

/// Declares the plugin: what it is called, what it wants to see, which hooks it has and what can be set.
///
/// The type is the plugin, its fields are its settings. `store_limit: u64 = 100` is the setting `store-limit`
/// with the default 100; hooks read it as `self.store_limit`. Types of settings are those with
/// [`SettingValue`](crate::SettingValue). A setting that is not declared is refused when the plugin is loaded.
///
/// `hooks` lists the traits that the type implements, any of [`Pre`](crate::Pre), [`Incoming`](crate::Incoming), [`Process`](crate::Process),
/// [`Post`](crate::Post), [`Filter`](crate::Filter), [`Sessions`](crate::Sessions), [`OnService`](crate::OnService),
/// [`Commands`](crate::Commands), [`Alarms`](crate::Alarms), [`Replies`](crate::Replies),
/// [`Portable`](crate::Portable). After it come, in any order, the methods of [`Describe`](crate::Describe): `name`,
/// `summary`, `features`, `account_features`, `account_identities`, `interests`, `session_events`, `only_where`, `marks`,
/// `stream_features`, `serial`, `services`, `components`, `commands`, `portable`, `any_sender`. Name and version are Cargo's, unless
/// `name` says otherwise, and the summary is the type's doc comment.
///
/// ```
/// use waxwing_plugin::prelude::*;
///
/// plugin! {
///     /// Greets whoever asks.
///     pub struct Greeter {
///         /// What to say.
///         greeting: String = "Hello".into(),
///     }
///     hooks: [Process],
///     name: "urn:example:greeting",
///     features: ["urn:example:greeting"],
///     interests: [iq_get("{urn:example:greeting}greet").at(SERVER)],
/// }
///
/// impl Process for Greeter {
///     fn on_process(&self, event: &Event, _: &Stanza) -> Result {
///         Ok(Verdict::reply(xml!("<greet xmlns='urn:example:greeting'>{}, {}</greet>", self.greeting, event.sender())))
///     }
/// }
/// ```
#[macro_export]
macro_rules! plugin {
    ($(#[doc = $doc:literal])* $vis:vis struct $plugin:ident; $($rest:tt)*) => {
        $crate::plugin! { $(#[doc = $doc])* $vis struct $plugin {} $($rest)* }
    };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $plugin:ident {
            $( $(#[$field_meta:meta])* $field:ident: $ty:ty = $default:expr ),* $(,)?
        }
        hooks: [$($hook:ident),+ $(,)?]
        $(, $key:ident: $value:expr)* $(,)?
    ) => {
        $(#[doc = $doc])*
        $vis struct $plugin { $( $(#[$field_meta])* $field: $ty ),* }

        const _: () = {
            use ::std::{option_env, string::String, sync::OnceLock, vec::Vec};

            static PLUGIN: OnceLock<$plugin> = OnceLock::new();

            impl $crate::Plugin for $plugin {
                fn describe() -> $crate::Description {
                    let name = option_env!("CARGO_PKG_NAME").unwrap_or_default();
                    let version = option_env!("CARGO_PKG_VERSION").unwrap_or_default();
                    let summary = ::std::concat!($($doc),*);
                    let fields: &[&str] = &[$(::std::stringify!($field)),*];
                    $crate::Describe::new(name, version).summary(summary).fields(fields)$(.$key($value))*.done()
                }

                fn configure(given: Vec<$crate::Setting>) -> ::std::result::Result<Self, String> {
                    #[allow(unused_mut)]
                    let mut given = $crate::Given::new(given);
                    let plugin = Self { $( $field: given.take(::std::stringify!($field), $default)? ),* };
                    given.finish()?;
                    ::std::result::Result::Ok(plugin)
                }

                fn cell() -> &'static OnceLock<Self> {
                    &PLUGIN
                }
            }

            type Exported = $crate::Exports<$plugin>;
            $crate::bindings::lifecycle::export_lifecycle!(Exported with_types_in $crate::bindings::lifecycle);
            $( $crate::plugin!(@export $hook); )+
        };
    };
    (@export Pre) => { $crate::bindings::pre::export_pre!(Exported with_types_in $crate::bindings::pre); };
    (@export Incoming) => {
        $crate::bindings::incoming::export_incoming!(Exported with_types_in $crate::bindings::incoming);
    };
    (@export Process) => {
        $crate::bindings::process::export_process!(Exported with_types_in $crate::bindings::process);
    };
    (@export Post) => { $crate::bindings::post::export_post!(Exported with_types_in $crate::bindings::post); };
    (@export Filter) => {
        $crate::bindings::filter::export_filter!(Exported with_types_in $crate::bindings::filter);
    };
    (@export Sessions) => {
        $crate::bindings::sessions::export_sessions!(Exported with_types_in $crate::bindings::sessions);
    };
    (@export OnService) => {
        $crate::bindings::service::export_service!(Exported with_types_in $crate::bindings::service);
    };
    (@export Commands) => {
        $crate::bindings::commands::export_commands!(Exported with_types_in $crate::bindings::commands);
    };
    (@export Alarms) => {
        $crate::bindings::alarms::export_alarms!(Exported with_types_in $crate::bindings::alarms);
    };
    (@export Portable) => {
        $crate::bindings::portable::export_portable!(Exported with_types_in $crate::bindings::portable);
    };
    (@export Replies) => {
        $crate::bindings::replies::export_replies!(Exported with_types_in $crate::bindings::replies);
    };
}
