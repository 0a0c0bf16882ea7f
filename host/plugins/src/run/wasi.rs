//! WASI 0.2 for guests whose language brings it along: a clock, randomness and a place for what they
//! print, but no files, no environment and no network. Outgoing HTTP goes to the hosts that are granted.

use crate::common::shared::Shared;
use crate::line::one_line;
use crate::run::http::{self, Sent, Target, Waits};
use ::http::Request;
use std::fmt::Display;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{WasiCtx, WasiCtxView};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks};

/// What interfaces of WASI begin with, and those for HTTP.
pub(crate) const PREFIX: &str = "wasi:";
pub(crate) const HTTP: &str = "wasi:http/";

/// Handles of one instance to what WASI gives it: streams, requests.
const HANDLES: usize = 1024;
/// Bytes of a printed line that are kept.
const LINE: usize = 1000;
/// Printed lines, and refused requests, that reach the log, for each instance.
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
        let refusals = Refusals { shared: shared.clone(), left: AtomicU32::new(LINES) };
        let hooks = AllowedHosts { refusals: Arc::new(refusals), dry: false };
        Wasi { ctx: builder.build(), http: WasiHttpCtx::new(), hooks, table }
    }

    pub fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }

    /// The same for HTTP, which a call that may not reach the world does without.
    pub fn http_view(&mut self, dry: bool) -> WasiHttpCtxView<'_> {
        self.hooks.dry = dry;
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Lets requests go to hosts that the operator has named.
struct AllowedHosts {
    refusals: Arc<Refusals>,
    /// The call may not reach the world.
    dry: bool,
}

/// Says which requests were refused, so that their author need not guess.
struct Refusals {
    shared: Arc<Shared>,
    /// Lines that may still be written.
    left: AtomicU32,
}

impl Refusals {
    fn note(&self, to: impl Display, why: &str) {
        let take = |left: u32| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            tracing::warn!(plugin = %self.shared.name, "an HTTP request to {to} was refused: {why}");
        }
    }
}

impl WasiHttpHooks for AllowedHosts {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let refusals = self.refusals.clone();
        let target = if self.dry { None } else { Target::of(request.uri()) };
        let Some(target) = target else { return Box::new(ready(Err(Error::HttpRequestDenied))) };
        if !target.is_granted(&refusals.shared.grants.http) {
            refusals.note(&target, "this host is not granted to the plugin");
            return Box::new(ready(Err(Error::HttpRequestDenied)));
        }
        let waits = Waits::within(refusals.shared.limits.call_timeout, options);
        Box::new(async move {
            let sent = http::send(request, &target, waits).await;
            if let Err(Error::HttpRequestDenied) = sent {
                refusals
                    .note(&target, "the name leads to an address that the grant of a name does not cover");
            }
            sent
        })
    }
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
        let text = one_line(&String::from_utf8_lossy(&line));
        tracing::info!(plugin = %self.shared.name, "{text}");
    }
}
