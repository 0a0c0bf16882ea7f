//! WASI, and HTTP through it, for guests whose language brings it along.

use crate::run::state::State;
use wasmtime::component::Linker;
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::add_only_http_to_linker_async;
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

/// Link WASI, and HTTP if the plugin may send requests to anybody.
pub(crate) fn link(linker: &mut Linker<State>, http: bool) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    if http { add_only_http_to_linker_async(linker) } else { Ok(()) }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi().view()
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let dry = self.call.as_ref().is_some_and(|call| call.is_dry());
        self.wasi().http_view(dry)
    }
}
