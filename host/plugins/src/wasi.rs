//! WASI 0.2 for guests whose language brings it along: a clock, randomness and a place for what they
//! print, but no files, no environment and no network. Outgoing HTTP goes to the hosts that are granted.

use crate::state::{Shared, State};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::add_only_http_to_linker_async;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

/// What interfaces of WASI begin with, and those for HTTP.
pub(crate) const PREFIX: &str = "wasi:";
pub(crate) const HTTP: &str = "wasi:http/";

/// Handles of one instance to what WASI gives it: streams, requests.
const HANDLES: usize = 1024;
/// Bytes of a printed line that are kept.
const LINE: usize = 1000;
/// Printed lines that reach the log, for each instance.
const LINES: u32 = 1000;

/// What one instance has of WASI.
pub(crate) struct Wasi {
    ctx: WasiCtx,
    http: WasiHttpCtx,
    hooks: AllowedHosts,
    table: ResourceTable,
}

impl Wasi {
    pub fn new(shared: &Arc<Shared>) -> Wasi {
        let mut builder = WasiCtx::builder();
        builder.stdout(Printed { shared: shared.clone() }).stderr(Printed { shared: shared.clone() });
        builder.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let hooks = AllowedHosts { shared: shared.clone(), dry: false };
        Wasi { ctx: builder.build(), http: WasiHttpCtx::new(), hooks, table }
    }
}

/// Link WASI, and HTTP if the plugin may send requests to anybody.
pub(crate) fn link(linker: &mut Linker<State>, http: bool) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    if http { add_only_http_to_linker_async(linker) } else { Ok(()) }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Wasi { ctx, table, .. } = self.wasi();
        WasiCtxView { ctx, table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let dry = self.call.as_ref().is_some_and(|call| call.is_dry());
        let Wasi { http, hooks, table, .. } = self.wasi();
        hooks.dry = dry;
        WasiHttpCtxView { hooks, table, ctx: http }
    }
}

/// Lets requests go to hosts that the operator has named.
struct AllowedHosts {
    shared: Arc<Shared>,
    /// The call may not reach the world.
    dry: bool,
}

type Sent = Result<
    (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>),
    wasmtime_wasi_http::Error,
>;

impl WasiHttpHooks for AllowedHosts {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let allowed = !self.dry && is_allowed(&self.shared.grants.http, request.uri());
        let most = self.shared.limits.call_timeout;
        let within = |given: Option<std::time::Duration>| Some(given.unwrap_or(most).min(most));
        let options = options.unwrap_or_default();
        let options = RequestOptions {
            connect_timeout: within(options.connect_timeout),
            first_byte_timeout: within(options.first_byte_timeout),
            between_bytes_timeout: within(options.between_bytes_timeout),
        };
        Box::new(async move {
            if !allowed {
                return Err(Error::HttpRequestDenied);
            }
            let (response, io) = wasmtime_wasi_http::default_send_request(request, Some(options)).await?;
            let body = response.map(http_body_util::BodyExt::boxed_unsync);
            Ok((body, Box::new(io) as Box<dyn Future<Output = _> + Send>))
        })
    }
}

/// Whether a grant names the host of this address, or the host with its port.
fn is_allowed(granted: &BTreeSet<String>, uri: &http::Uri) -> bool {
    let Some(authority) = uri.authority() else { return false };
    let host = authority.host().to_ascii_lowercase();
    let plain = uri.scheme_str() == Some("http");
    let port = authority.port_u16().unwrap_or(if plain { 80 } else { 443 });
    // A grant without a port is for the usual one.
    let usual = port == if plain { 80 } else { 443 };
    granted.contains(&format!("{host}:{port}")) || usual && granted.contains(&host)
}

/// What a guest prints is for its author: each line goes to the log.
#[derive(Clone)]
struct Printed {
    shared: Arc<Shared>,
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines { shared: self.shared.clone(), line: Vec::new(), left: LINES })
    }
}

struct Lines {
    shared: Arc<Shared>,
    line: Vec<u8>,
    left: u32,
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        for byte in bytes {
            if *byte == b'\n' {
                self.finish();
            } else if self.line.len() < LINE {
                self.line.push(*byte);
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.finish();
        Poll::Ready(Ok(()))
    }
}

impl Lines {
    fn finish(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() || self.left == 0 {
            return;
        }
        self.left -= 1;
        let text = String::from_utf8_lossy(&line).replace(|c: char| c.is_control(), " ");
        tracing::info!(plugin = %self.shared.name, "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_hosts_and_ports() {
        let granted = BTreeSet::from(["hooks.example.org".to_owned(), "localhost:8080".to_owned()]);
        let allowed = |uri: &str| is_allowed(&granted, &uri.parse().unwrap());
        assert!(allowed("https://hooks.example.org/x") && allowed("http://HOOKS.example.org/"));
        assert!(allowed("http://localhost:8080/"));
        for bad in [
            "https://hooks.example.org:8443/",
            "http://localhost/",
            "https://evil.example/",
            "https://hooks.example.org.evil.example/",
            "https://hooks.example.org@evil.example/",
            "/relative",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
