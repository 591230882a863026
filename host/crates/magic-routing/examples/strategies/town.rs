//! Who asks and who answers: four vendors with their bad hours, and a mix of requests. Chance comes from a seed.
use std::ops::Range;
use std::time::Duration;

use magic_routing::{Facts, Needs};
use magic_types::Kind;

/// A vendor is left for the next one when it is silent for this long.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Vendor {
    pub(super) name: &'static str,
    pub(super) id: u8,
    /// Of the time to the first event; the distribution is lognormal.
    median_ms: f64,
    spread: f64,
    tokens_per_second: f64,
    /// Beyond so many at once it becomes slower, beyond twice as many it turns requests away.
    at_once: f64,
    errors_percent: u64,
    window: u64,
    sees: bool,
    /// Whether it is a model for hard questions.
    pub(super) is_strong: bool,
    trouble: Trouble,
    /// In minutes.
    when: Range<u64>,
}

enum Trouble {
    /// 503 at once.
    Down,
    /// So many times as long to the first event.
    Slow(f64),
    /// Nothing ever comes.
    Hangs,
}

pub(super) const VENDORS: [Vendor; 4] = [
    Vendor {
        name: "main",
        id: 1,
        median_ms: 700.0,
        spread: 0.35,
        tokens_per_second: 70.0,
        at_once: 20.0,
        errors_percent: 0,
        window: 128_000,
        sees: true,
        is_strong: true,
        trouble: Trouble::Down,
        when: 10..20,
    },
    Vendor {
        name: "small",
        id: 2,
        median_ms: 300.0,
        spread: 0.3,
        tokens_per_second: 150.0,
        at_once: 30.0,
        errors_percent: 2,
        window: 16_000,
        sees: false,
        is_strong: false,
        trouble: Trouble::Slow(3.0),
        when: 22..26,
    },
    Vendor {
        name: "twin",
        id: 3,
        median_ms: 450.0,
        spread: 0.35,
        tokens_per_second: 60.0,
        at_once: 20.0,
        errors_percent: 0,
        window: 128_000,
        sees: true,
        is_strong: true,
        trouble: Trouble::Slow(8.0),
        when: 30..40,
    },
    Vendor {
        name: "home",
        id: 4,
        median_ms: 900.0,
        spread: 0.2,
        tokens_per_second: 40.0,
        at_once: 8.0,
        errors_percent: 0,
        window: 8_000,
        sees: false,
        is_strong: false,
        trouble: Trouble::Hangs,
        when: 42..45,
    },
];

/// What a vendor does with a request.
pub(super) enum Answer {
    Speaks { after: Duration, whole: Duration },
    Fails { after: Duration, kind: Kind },
}

/// A request.
pub(super) struct Asked {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    score: u32,
    has_image: bool,
}

/// xorshift64*: the same numbers everywhere and for ever.
pub(super) struct Dice(u64);

/// Until the next request: two a second, six in the rush from minute 50 to 55, by chance.
pub(super) fn pause(now: Duration, dice: &mut Dice) -> Duration {
    let per_second = if (50..55).contains(&(now.as_secs() / 60)) { 6.0 } else { 2.0 };
    Duration::from_secs_f64(-(1.0 - dice.unit()).ln() / per_second)
}

// === impl Vendor ===
impl Vendor {
    pub(super) fn answer(&self, asked: &Asked, now: Duration, load: u32, dice: &mut Dice) -> Answer {
        let (luck, normal) = (dice.below(100), dice.normal());
        let is_troubled = self.when.contains(&(now.as_secs() / 60));
        let crowd = (f64::from(load) / self.at_once - 1.0).max(0.0);
        let slow = match self.trouble {
            Trouble::Slow(factor) if is_troubled => factor,
            Trouble::Slow(_) | Trouble::Down | Trouble::Hangs => 1.0,
        };
        let millis = self.median_ms * (self.spread * normal).exp() * slow * (1.0 + 3.0 * crowd);
        let fails = |millis, kind| Answer::Fails { after: Duration::from_millis(millis), kind };
        match self.trouble {
            Trouble::Down if is_troubled => return fails(150, Kind::ServerError),
            Trouble::Hangs if is_troubled => return Answer::Fails { after: PATIENCE, kind: Kind::TimedOut },
            Trouble::Down | Trouble::Hangs | Trouble::Slow(_) => {}
        }
        if asked.has_image && !self.sees {
            return fails(100, Kind::InvalidRequest);
        }
        if asked.input_tokens > self.window {
            return fails(100, Kind::ContextTooLong);
        }
        if luck < self.errors_percent || crowd > 1.0 {
            return fails(200, Kind::ServerError);
        }
        let after = Duration::from_secs_f64(millis / 1000.0);
        if after > PATIENCE {
            return Answer::Fails { after: PATIENCE, kind: Kind::TimedOut };
        }
        let tokens = f64::from(u32::try_from(asked.output_tokens).unwrap_or(u32::MAX));
        Answer::Speaks { after, whole: Duration::from_secs_f64(tokens / self.tokens_per_second) }
    }
}

// === impl Answer ===
impl Answer {
    pub(super) fn after(&self) -> Duration {
        match self {
            Self::Speaks { after, .. } | Self::Fails { after, .. } => *after,
        }
    }
}

// === impl Asked ===
impl Asked {
    /// Of a hundred: 55 short and easy, 30 hard, 10 with an image, 5 long.
    pub(super) fn throw(dice: &mut Dice) -> Self {
        let kind = dice.below(100);
        let mut around = |tokens: u64| tokens / 2 + dice.below(tokens);
        let (input_tokens, output_tokens) = match kind {
            0..55 => (around(200), around(150)),
            55..85 => (around(1_500), around(500)),
            85..95 => (around(1_200), around(250)),
            _ => (around(24_000), around(600)),
        };
        let score = match kind {
            0..55 => 50,
            55..85 => 450,
            85..95 => 150,
            _ => 300,
        };
        Self { input_tokens, output_tokens, score, has_image: (85..95).contains(&kind) }
    }

    pub(super) fn is_hard(&self) -> bool {
        self.score > 200
    }

    /// As a gateway would see it: the estimate of the tokens is off by a tenth.
    pub(super) fn facts(&self) -> Facts {
        let needs = Needs { vision: self.has_image, ..Needs::default() };
        Facts { needs, input_tokens: self.input_tokens * 9 / 10, output_tokens_max: None, score: self.score }
    }
}

// === impl Dice ===
impl Dice {
    pub(super) fn of(seeds: &[u64]) -> Self {
        let mix = |state: u64, seed: &u64| {
            let mixed = (state ^ seed).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (mixed ^ (mixed >> 29)).wrapping_add(0x9E37_79B9_7F4A_7C15)
        };
        Self(seeds.iter().fold(0x2545_F491_4F6C_DD1D, mix) | 1)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((self.roll() >> 33) * bound) >> 31
    }

    /// From 0 to below 1.
    fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.roll() >> 33).unwrap_or(0)) / f64::from(1_u32 << 31)
    }

    /// Twelve dice are as normal as this needs.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}
