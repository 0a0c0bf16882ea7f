//! `runtime`: time, logging, numbers.

use crate::bindings::xmpp::plugin::runtime::{Host, Level, Software};
use crate::line::one_line;
use crate::run::state::State;
use std::time::SystemTime;
use wasmtime::Result;
use waxwing_xmpp::Jid;

/// Characters of a log line.
const LINE: usize = 1000;
/// Bytes of randomness a call.
const RANDOM: u32 = 1024;

impl Host for State {
    fn now(&mut self) -> Result<u64> {
        match &self.call {
            Some(call) => Ok(call.host.now()),
            None => Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis() as u64),
        }
    }

    fn log(&mut self, level: Level, message: String) -> Result<()> {
        if self.lines == 0 {
            return Ok(());
        }
        self.lines -= 1;
        let end = message.char_indices().nth(LINE).map_or(message.len(), |(end, _)| end);
        let line = one_line(message.get(..end).unwrap_or_default());
        let plugin = self.shared.name.as_str();
        if let Some(notes) = self.notes() {
            notes.line(named(level), &line);
            if notes.dry {
                return Ok(());
            }
        }
        match level {
            Level::Debug => tracing::debug!(plugin, "{line}"),
            Level::Info => tracing::info!(plugin, "{line}"),
            Level::Warn => tracing::warn!(plugin, "{line}"),
            Level::Error => tracing::error!(plugin, "{line}"),
        }
        Ok(())
    }

    fn count(&mut self, metric: String, delta: u64) -> Result<()> {
        let metric = crate::common::counters::name(&metric);
        if let Some(notes) = self.notes() {
            notes.count(&metric, delta);
            if notes.dry {
                return Ok(());
            }
        }
        self.shared.counters.add(metric, delta);
        Ok(())
    }

    fn about(&mut self) -> Result<Software> {
        Ok(Software {
            name: "Waxwing".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            os: std::env::consts::OS.into(),
            started: self.call.as_ref().map_or(0, |call| call.host.started()),
        })
    }

    fn vhost_setting(&mut self, vhost: String, name: String) -> Result<Option<String>> {
        let shared = &self.shared;
        let call = self.call.as_ref().filter(|call| shared.serves(&vhost, &*call.host));
        Ok(call.and_then(|call| call.host.vhost_setting(&vhost, &name)))
    }

    fn has_feature(&mut self, vhost: String, feature: String) -> Result<bool> {
        Ok(self.call.as_ref().is_some_and(|call| call.host.has_feature(&vhost, &feature)))
    }

    fn prepare_address(&mut self, text: String) -> Result<Option<String>> {
        Ok(Jid::parse(&text).ok().map(|jid| jid.to_string()))
    }

    fn random(&mut self, len: u32) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len.min(RANDOM) as usize];
        match &self.call {
            Some(call) if call.host.random(&mut bytes) => Ok(bytes),
            _ => Err(wasmtime::format_err!("there is no randomness")),
        }
    }

    fn is_accepted(&mut self) -> Result<bool> {
        Ok(self.call.as_ref().is_some_and(|call| call.accepted))
    }
}

fn named(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}
