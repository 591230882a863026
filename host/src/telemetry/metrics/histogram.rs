//! Counts of values by bounds that never change. Whole numbers only: times are in microseconds. Recording takes no lock.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What is measured, and the upper bounds of its buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(super) bounds: &'static [u64],
    /// How many of these make one of the unit that is told.
    pub(super) per_unit: u64,
}

const MICROS: u64 = 1_000_000;

/// Calls to models: the bounds that OpenTelemetry's conventions for GenAI name, 10 ms doubled up to 82 s.
pub(super) const REQUESTS: Scale = Scale {
    bounds: &[
        10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000, 2_560_000, 5_120_000, 10_240_000,
        20_480_000, 40_960_000, 81_920_000,
    ],
    per_unit: MICROS,
};
/// Sessions: from a tenth of a second to the hour.
pub(super) const SESSIONS: Scale = Scale {
    bounds: &[
        100_000,
        500_000,
        1_000_000,
        2_500_000,
        5_000_000,
        10_000_000,
        30_000_000,
        60_000_000,
        120_000_000,
        300_000_000,
        600_000_000,
        1_800_000_000,
        3_600_000_000,
    ],
    per_unit: MICROS,
};
/// Calls of components: a call that computes takes tens of microseconds, one that asks the net seconds.
pub(super) const CALLS: Scale = Scale {
    bounds: &[
        50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000, 30_000_000,
    ],
    per_unit: MICROS,
};
/// Tokens: by the same conventions, fourfold from 1 to 67 million.
pub(super) const TOKENS: Scale = Scale {
    bounds: &[1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864],
    per_unit: 1,
};

pub(crate) struct Histogram {
    pub(super) scale: Scale,
    /// One more than there are bounds.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a histogram held when it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) bounds: Vec<f64>,
    /// Each by itself, not summed up.
    pub(crate) buckets: Vec<u64>,
    pub(crate) sum: f64,
}

// === impl Histogram ===
impl Histogram {
    pub(super) fn new(scale: Scale) -> Self {
        let buckets = std::iter::repeat_with(AtomicU64::default).take(scale.bounds.len() + 1);
        Self { scale, buckets: buckets.collect(), sum: AtomicU64::new(0) }
    }

    pub(super) fn record(&self, value: u64) {
        let at = self.scale.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(value, Relaxed);
    }

    pub(super) fn record_time(&self, took: Duration) {
        self.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// How many values there were.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }

    /// In the scale's own parts.
    pub(super) fn sum(&self) -> u64 {
        self.sum.load(Relaxed)
    }

    pub(super) fn read(&self) -> Reading {
        let per_unit = self.scale.per_unit as f64;
        Reading {
            bounds: self.scale.bounds.iter().map(|bound| *bound as f64 / per_unit).collect(),
            buckets: self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect(),
            sum: self.sum() as f64 / per_unit,
        }
    }
}
