//! The `block!` macro: one declaration from which a block of settings gets its struct, its
//! defaults, its reader and its description.

/// Declares a block of settings.
///
/// Each field is written as `"key in the file" => field: Type = default` under its documentation,
/// which also becomes the comment in `etc/config.tdsl` and the text in `docs/configuration.md`.
///
/// - `in "key"` after the name: the settings lie one block deeper in the file than in the struct.
/// - `beside { field: Type = default, }`: fields that are not keys of the block.
/// - `others path`: a function `(&mut Self, key, &mut MapAccess) -> Result<bool, _>` that is offered
///   the keys which are not fields, and says whether it took them.
/// - `also path`: a function `() -> Vec<Entry>`, what the reference tells of the block beside its fields.
macro_rules! block {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident $(in $outer:literal)? {
            $( $(#[doc = $doc:literal])* $key:literal => $field:ident: $ty:ty = $default:expr, )*
        }
        $( beside { $( $(#[doc = $beside_doc:literal])* $beside:ident: $beside_ty:ty = $beside_default:expr, )* } )?
        $( others $others:path; )?
        $( also $also:path; )?
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[doc = $doc])* pub $field: $ty, )*
            $( $( $(#[doc = $beside_doc])* pub $beside: $beside_ty, )* )?
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $( $field: $default, )*
                    $( $( $beside: $beside_default, )* )?
                }
            }
        }

        impl $crate::settings::kinds::Block for $name {
            const KEYS: &'static [&'static str] = &[$($key),*];

            fn entry<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match key {
                    $( $key => self.$field = map.next_value_seed($crate::settings::kinds::Read::new())?, )*
                    _ => return block!(@others self, key, map $(, $others)?),
                }
                Ok(true)
            }

            fn describe(&self) -> Vec<$crate::settings::kinds::Entry> {
                let entries = vec![
                    $( $crate::settings::kinds::Entry::new($key, &[$($doc),*], &self.$field), )*
                ];
                $( let entries = [entries, $also()].concat(); )?
                $( let entries = $crate::settings::kinds::wrap($outer, entries); )?
                entries
            }
        }

        impl $crate::settings::kinds::Setting for $name {
            const KIND: &'static str = "block";

            fn read<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                block!(@read input $(, $outer)?)
            }

            fn show(&self) -> $crate::settings::kinds::Shown {
                $crate::settings::kinds::Shown::Block($crate::settings::kinds::Block::describe(self))
            }
        }
    };
    (@others $this:ident, $key:ident, $map:ident) => { Ok(false) };
    (@others $this:ident, $key:ident, $map:ident, $others:path) => { $others($this, $key, $map) };
    (@read $input:ident) => { $crate::settings::kinds::read_block($input, Self::default()) };
    (@read $input:ident, $outer:literal) => { $crate::settings::kinds::read_inside($input, &[$outer]) };
}
pub(crate) use block;
