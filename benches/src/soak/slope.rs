//! Whether a row of samples stays level: a straight line by least squares, and the verdict on its slope.

/// Samples before that many requests are of pools and caches that fill.
pub(super) const FROM: u64 = 20_000;
/// Fewer say nothing.
const SAMPLES_MIN: usize = 5;
/// What 100 000 requests may add: a hundredth of what is there, and what an allocator moves by anyway.
const SHARE_MAX: f64 = 0.01;
const MARGIN_MIB: f64 = 0.5;
const PER: f64 = 100_000.0;

#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) requests: u64,
    pub(super) mib: f64,
}

/// What the line says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// MiB in 100 000 requests.
    pub(super) growth: f64,
    pub(super) growth_max: f64,
}

// === impl Line ===
impl Line {
    /// Through the samples that count; `None` if they are too few.
    pub(super) fn through(samples: &[Sample]) -> Option<Self> {
        let counted: Vec<(f64, f64)> = samples
            .iter()
            .filter(|sample| sample.requests >= FROM)
            .map(|sample| (sample.requests as f64 / PER, sample.mib))
            .collect();
        if counted.len() < SAMPLES_MIN {
            return None;
        }
        let count = counted.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| counted.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let over: f64 = counted.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let under: f64 = counted.iter().map(|point| (point.0 - x).powi(2)).sum();
        (under > 0.0).then(|| Self { growth: over / under, growth_max: y * SHARE_MAX + MARGIN_MIB })
    }

    pub(super) fn is_flat(&self) -> bool {
        self.growth <= self.growth_max
    }
}

#[cfg(test)]
mod tests;
