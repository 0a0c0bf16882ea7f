//! Who watches the calls of a plugin: a recording, a shadow, or both.

use crate::common::failure::Failure;
use crate::common::shared::Shared;
use crate::declare::grants::Grant;
use crate::host::Host;
use crate::run::call::Meter;
use crate::run::input::Input;
use crate::run::notes::Notes;
use crate::run::question::Question;
use crate::run::state::Call;
use crate::run::verdict::Settled;
use crate::run::watcher::{RecordingFigures, ShadowInfo, Watch, Watcher, Witness};
use crate::watch::record::RecordedCall;
use crate::watch::record::host::Asked;
use crate::watch::record::live::Live;
use crate::watch::record::reel::Reel;
use crate::watch::record::tape::{Recorder, Tape};
use crate::watch::shadow::{Place, Shadow};
use crate::watch::trace::Trace;
use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};
use waxwing_xmpp::Stanza;

/// A recording, a shadow, or both. Never changed: others take its place.
#[derive(Clone, Default)]
pub(crate) struct Watchers {
    reel: Option<Arc<Reel>>,
    shadow: Option<Arc<Shadow>>,
}

/// Sees one call.
struct Seen {
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

impl Watcher for Watchers {
    fn begin(
        &self,
        watch: &Watch,
        shared: &Arc<Shared>,
        question: &Question<'_>,
    ) -> Option<Box<dyn Witness>> {
        let reel = self.reel.as_ref().and_then(|reel| Some((reel.clone(), reel.claim()?)));
        if let Some(reel) = self.reel.as_ref().filter(|reel| reel.is_over()) {
            // The file ends when the calls that it has a place for are over.
            Watchers::end(watch, reel);
        }
        let shadow = self.shadow.as_ref().and_then(|shadow| shadow.place(question.sender));
        if reel.is_none() && shadow.is_none() {
            return None;
        }
        let (real, shared) = (question.host.clone(), shared.clone());
        let tape = Arc::new(Tape::default());
        let live = Live { host: real.clone(), shared: shared.clone(), dry: false };
        let oracle = Recorder { live, tape: tape.clone() };
        Some(Box::new(Seen {
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

    fn recording(&self) -> Option<RecordingFigures> {
        self.reel.as_ref().map(|reel| reel.figures())
    }

    fn shadow(&self) -> Option<ShadowInfo> {
        self.shadow.as_ref().map(|shadow| shadow.info())
    }
}

impl Watchers {
    /// Record. `false` if that is being done already.
    pub fn record(watch: &Watch, reel: &Arc<Reel>) -> bool {
        Watchers::change(watch, |watchers| {
            let free = watchers.reel.as_ref().is_none_or(|reel| reel.is_over());
            if free {
                watchers.reel = Some(reel.clone());
            }
            free
        })
    }

    /// End this recording, if it is still going on.
    pub fn end(watch: &Watch, reel: &Arc<Reel>) {
        Watchers::change(watch, |watchers| drop(watchers.reel.take_if(|known| Arc::ptr_eq(known, reel))));
    }

    /// End whatever recording goes on.
    pub fn stop_recording(watch: &Watch) -> Option<RecordingFigures> {
        Watchers::change(watch, |watchers| watchers.reel.take()).map(|reel| reel.figures())
    }

    /// Let another version run beside, or none.
    pub fn set_shadow(watch: &Watch, shadow: Option<Arc<Shadow>>) {
        Watchers::change(watch, |watchers| watchers.shadow = shadow);
    }

    fn change<T>(watch: &Watch, change: impl FnOnce(&mut Watchers) -> T) -> T {
        watch.change(|watcher| {
            let known = watcher.as_deref().and_then(|known| (known as &dyn Any).downcast_ref::<Watchers>());
            let mut watchers = known.cloned().unwrap_or_default();
            let answer = change(&mut watchers);
            let somebody = watchers.reel.is_some() || watchers.shadow.is_some();
            *watcher = somebody.then(|| Arc::new(watchers) as Arc<dyn Watcher>);
            answer
        })
    }
}

impl Witness for Seen {
    fn call(&self, stanza: Option<&Stanza>) -> Box<Call> {
        Call::new(&self.host, stanza, Some(self.notes.clone()))
    }

    fn saw(self: Box<Self>, settled: &Result<Settled, Failure>, hook: Grant, meter: &Meter) {
        let Seen { input, tape, notes, shared, started, at, reel, shadow, real, .. } = *self;
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
