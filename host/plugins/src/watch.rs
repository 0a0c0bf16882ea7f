//! Who watches the calls of a plugin: a recording, a shadow, or both.

use crate::call::Meter;
use crate::failure::Failure;
use crate::grants::Grant;
use crate::host::Host;
use crate::input::Input;
use crate::notes::Notes;
use crate::plugin::Plugin;
use crate::question::Question;
use crate::record::host::Asked;
use crate::record::live::Live;
use crate::record::tape::{Recorder, Tape};
use crate::record::{RecordedCall, RecordingFigures, Reel};
use crate::shadow::{Place, Shadow, ShadowInfo};
use crate::shared::Shared;
use crate::state::Call;
use crate::trace::Trace;
use crate::verdict::Settled;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use waxwing_xmpp::Stanza;

/// Who watches the calls of one plugin.
#[derive(Default)]
pub(crate) struct Watch {
    /// So that a plugin that nobody watches costs one load a call.
    on: AtomicBool,
    watchers: Mutex<Watchers>,
}

#[derive(Default)]
struct Watchers {
    reel: Option<Arc<Reel>>,
    shadow: Option<Arc<Shadow>>,
}

/// Sees one call.
pub(crate) struct Witness {
    input: Input,
    /// What the call is to have as its host.
    host: Arc<dyn Host>,
    /// The host itself.
    real: Arc<dyn Host>,
    tape: Arc<Tape>,
    notes: Arc<Notes>,
    shared: Arc<Shared>,
    started: Instant,
    /// When it began, in milliseconds since the Unix epoch.
    at: u64,
    /// The recording, and the number of the call there.
    reel: Option<(Arc<Reel>, u64)>,
    shadow: Option<Place>,
}

impl Watch {
    /// Somebody to see the call that is about to be made; `None` if nobody watches.
    pub fn begin(&self, plugin: &Plugin, question: &Question<'_>) -> Option<Box<Witness>> {
        if !self.on.load(Ordering::Relaxed) {
            return None;
        }
        let (reel, shadow) = {
            let mut watchers = self.watchers.lock();
            let number = watchers.reel.as_ref().and_then(|reel| reel.claim());
            let reel = watchers.reel.clone().zip(number);
            if watchers.reel.as_ref().is_some_and(|reel| reel.is_over()) {
                // The file ends when the calls that it has a place for are over.
                watchers.reel = None;
                self.update(&watchers);
            }
            (reel, watchers.shadow.clone())
        };
        let shadow = shadow.and_then(|shadow| shadow.place(question.sender));
        if reel.is_none() && shadow.is_none() {
            return None;
        }
        let (real, shared) = (question.host.clone(), plugin.callable.shared.clone());
        let tape = Arc::new(Tape::default());
        let live = Live { host: real.clone(), shared: shared.clone(), dry: false };
        let oracle = Recorder { live, tape: tape.clone() };
        Some(Box::new(Witness {
            input: Input::of(question),
            host: Arc::new(Asked { oracle, shared: shared.clone() }),
            at: real.now(),
            real,
            tape,
            notes: Arc::default(),
            shared,
            started: Instant::now(),
            reel,
            shadow,
        }))
    }

    /// Record. `false` if that is being done already.
    pub fn record(&self, reel: Arc<Reel>) -> bool {
        let mut watchers = self.watchers.lock();
        if watchers.reel.as_ref().is_some_and(|reel| !reel.is_over()) {
            return false;
        }
        watchers.reel = Some(reel);
        self.update(&watchers);
        true
    }

    /// End this recording, if it is still going on.
    pub fn end(&self, reel: &Arc<Reel>) {
        let mut watchers = self.watchers.lock();
        if watchers.reel.as_ref().is_some_and(|known| Arc::ptr_eq(known, reel)) {
            watchers.reel = None;
            self.update(&watchers);
        }
    }

    /// End whatever recording goes on.
    pub fn stop_recording(&self) -> Option<RecordingFigures> {
        let mut watchers = self.watchers.lock();
        let reel = watchers.reel.take();
        self.update(&watchers);
        reel.map(|reel| reel.figures())
    }

    /// Let another version run beside, or none.
    pub fn set_shadow(&self, shadow: Option<Arc<Shadow>>) {
        let mut watchers = self.watchers.lock();
        let old = std::mem::replace(&mut watchers.shadow, shadow);
        self.update(&watchers);
        drop(watchers);
        drop(old);
    }

    /// End all of it.
    pub fn stop(&self) {
        let mut watchers = self.watchers.lock();
        let old = std::mem::take(&mut *watchers);
        self.on.store(false, Ordering::Relaxed);
        drop(watchers);
        drop(old);
    }

    /// What has been recorded so far.
    pub fn recording(&self) -> Option<RecordingFigures> {
        self.watchers.lock().reel.as_ref().map(|reel| reel.figures())
    }

    /// How the version beside it does.
    pub fn shadow(&self) -> Option<ShadowInfo> {
        let shadow = self.watchers.lock().shadow.clone();
        shadow.map(|shadow| shadow.info())
    }

    fn update(&self, watchers: &Watchers) {
        self.on.store(watchers.reel.is_some() || watchers.shadow.is_some(), Ordering::Relaxed);
    }
}

impl Witness {
    /// The call that it sees.
    pub fn call(&self, stanza: Option<&Stanza>) -> Box<Call> {
        Call::new(&self.host, stanza, Some(self.notes.clone()))
    }

    /// What the call comes to, before anything of it happens.
    pub fn saw(self: Box<Self>, settled: &Result<Settled, Failure>, hook: Grant, meter: &Meter) {
        let Witness { input, tape, notes, shared, started, at, reel, shadow, real, .. } = *self;
        if matches!(settled, Err(Failure::Busy | Failure::Suspended)) {
            // It has never begun.
            if let Some((reel, _)) = reel {
                reel.skipped();
            }
            if let Some(place) = shadow {
                place.skipped();
            }
            return;
        }
        let cost: (Duration, Duration) = (meter.cpu, started.elapsed());
        let trace = Trace::of(hook, settled, &notes, shared.marks(), cost);
        let Some(exchanges) = tape.take(input.weight() + trace.weight()) else {
            if let Some((reel, _)) = reel {
                reel.too_large();
            }
            if let Some(place) = shadow {
                place.skipped();
            }
            return;
        };
        let number = reel.as_ref().map_or(0, |(_, number)| *number);
        let call = Arc::new(RecordedCall { number, at, input, exchanges, trace });
        if let Some((reel, _)) = reel {
            reel.keep(call.clone());
        }
        if let Some(place) = shadow {
            place.follow(call, real);
        }
    }
}
