//! How long answers take to begin: an average that forgets with time, and the silence of those that are waited for.
use std::time::{Duration, Instant};

/// After which a sample counts half. Long enough for a dozen samples of a quiet alias, short enough that a profile that has
/// become slow is left within a minute.
const HALF_LIFE: Duration = Duration::from_secs(30);
/// Below this much weight (a single sample after two minutes) nothing is known any more.
const WEIGHT_MIN: f64 = 0.06;

/// Sum and weight decay alike, so the average is right at any rate of requests: ten at once count ten times one.
#[derive(Default)]
pub(super) struct Pace {
    seconds: f64,
    weight: f64,
    /// When both were last decayed.
    at: Option<Instant>,
    waiting: u32,
    /// Since when those that wait have heard nothing. `None`: nobody waits.
    silent_since: Option<Instant>,
}

// === impl Pace ===
impl Pace {
    /// The average, or the silence where that is longer: a profile that hangs has no samples to tell of it.
    pub(super) fn expected(&self, now: Instant) -> Option<Duration> {
        let decay = self.decay(now);
        let average = (self.weight * decay >= WEIGHT_MIN).then(|| self.seconds / self.weight);
        let average = average.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())?;
        let silence = self.silent_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        Some(average.max(silence))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting == 0
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.waiting = self.waiting.saturating_add(1);
        self.silent_since = self.silent_since.or(Some(now));
    }

    pub(super) fn answered(&mut self, took: Duration, now: Instant) {
        let decay = self.decay(now);
        self.seconds = self.seconds * decay + took.as_secs_f64();
        self.weight = self.weight * decay + 1.0;
        self.at = Some(now);
        self.waiting = self.waiting.saturating_sub(1);
        self.silent_since = (self.waiting > 0).then_some(now);
    }

    /// Nobody waits for it any longer: nothing was heard, so the silence of the others goes on.
    pub(super) fn left(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
        if self.waiting == 0 {
            self.silent_since = None;
        }
    }

    fn decay(&self, now: Instant) -> f64 {
        let age = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        (-age.as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2()
    }
}
