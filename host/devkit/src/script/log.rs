//! What plugins log, and what the engine says of their calls, while a script is played.

use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;

/// Lines that have been logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collect what this thread logs from now on, until the guard is dropped.
    pub fn collect(&self) -> DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("off,waxwing_plugins=debug"))
            .with_writer(move || log.clone())
            .with_ansi(false)
            .with_target(false)
            .without_time()
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// The lines, indented; empty if there are none.
    pub fn text(&self) -> String {
        let bytes = self.0.lock();
        let text = String::from_utf8_lossy(&bytes);
        text.lines().map(|line| format!("        {}", line.trim())).collect::<Vec<_>>().join("\n")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
