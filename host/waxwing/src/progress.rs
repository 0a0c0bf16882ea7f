//! How far something has come, on standard error: a bar where somebody looks, a line where a log is written.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::Instant;

/// Until it is finished or dropped.
pub struct Progress {
    what: String,
    bar: Option<ProgressBar>,
    done: u64,
    since: Instant,
}

impl Progress {
    /// Something begins, of which the length may be known.
    pub fn new(what: &str, total: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(8));
            let template = match total {
                Some(_) => "{msg:14} {bar:40} {human_pos}/{human_len}",
                None => "{msg:14} {spinner} {human_pos}",
            };
            // A template that is written here is a good one.
            bar.set_style(
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.with_message(what.to_owned())
        });
        Self { what: what.to_owned(), bar, done: 0, since: Instant::now() }
    }

    /// So much of it is done.
    pub fn set(&mut self, done: u64) {
        self.done = done;
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    /// All of it is done.
    pub fn finish(self) {
        match &self.bar {
            Some(bar) => bar.finish(),
            None => eprintln!("{}: {} in {:.1} s", self.what, self.done, self.since.elapsed().as_secs_f64()),
        }
    }
}
