//! Series by their labels, at most so many of them: what comes beyond that is counted as `other`. A look-up of a series that
//! is there takes one shared lock for a moment and allocates nothing.
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

/// The label of what has no series of its own.
pub(in crate::telemetry) const OTHER: &str = "other";

pub(super) struct Series<const N: usize, T> {
    pub(super) labels: [Box<str>; N],
    pub(super) values: T,
}

pub(super) struct Keyed<const N: usize, T> {
    series_max: usize,
    fresh: fn() -> T,
    hasher: RandomState,
    /// By the hash of their labels. The hash has a random key: nobody can aim for two of one.
    series: RwLock<HashMap<u64, Arc<Series<N, T>>>>,
    other: Arc<Series<N, T>>,
}

// === impl Keyed ===
impl<const N: usize, T> Keyed<N, T> {
    pub(super) fn new(series_max: usize, fresh: fn() -> T) -> Self {
        let other = Arc::new(Series { labels: std::array::from_fn(|_| OTHER.into()), values: fresh() });
        Self { series_max, fresh, hasher: RandomState::new(), series: RwLock::default(), other }
    }

    pub(super) fn of(&self, labels: [&str; N]) -> Arc<Series<N, T>> {
        let key = self.hasher.hash_one(labels);
        let known = self.series.read().unwrap_or_else(PoisonError::into_inner).get(&key).map(Arc::clone);
        match known {
            Some(series) if series.has(labels) => series,
            Some(_) => Arc::clone(&self.other),
            None => self.begin(key, labels),
        }
    }

    fn begin(&self, key: u64, labels: [&str; N]) -> Arc<Series<N, T>> {
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= self.series_max && !all.contains_key(&key) {
            return Arc::clone(&self.other);
        }
        let fresh = || Arc::new(Series { labels: labels.map(Box::from), values: (self.fresh)() });
        Arc::clone(all.entry(key).or_insert_with(fresh))
    }

    /// Every series, by its labels; what has none of its own last, where there is any.
    pub(super) fn all(&self) -> Vec<Arc<Series<N, T>>> {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = series.values().map(Arc::clone).collect();
        let is_full = series.len() >= self.series_max;
        drop(series);
        all.sort_by(|one, two| one.labels.cmp(&two.labels));
        all.extend(is_full.then(|| Arc::clone(&self.other)));
        all
    }
}

impl<const N: usize, T> Series<N, T> {
    fn has(&self, labels: [&str; N]) -> bool {
        self.labels.iter().zip(labels).all(|(one, other)| one.as_ref() == other)
    }
}
