//! How a request picks the order in which it tries its chain, as the file says it. Picks nothing: `magic-routing` does.

/// Of an alias. Every reference to a profile is its place in the alias's chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The chain as it stands.
    #[default]
    Ordered,
    /// A draw. One weight a place of the chain, in millionths; not all zero.
    Weighted(Vec<u64>),
    /// Whoever has the fewest requests under way.
    LeastBusy,
    /// Whoever answered soonest lately: the better of two that are drawn.
    LowestLatency,
    /// Whoever would ask the least for this request.
    LowestCost,
    /// The chain as it stands, without those that lack what the request needs.
    Capability,
    /// A score of the request picks a tier. At least one; bounds ascend, the last is [`Tier::UP_TO_MAX`].
    Complexity(Vec<Tier>),
}

/// The profiles for requests up to some score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// In thousandths.
    pub up_to: u32,
    /// Places in the chain, at least one; no place is in two tiers.
    pub legs: Vec<usize>,
}

/// What a profile can do, as far as its config says; `None`: unknown, which counts as "may be".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    pub tools: Option<bool>,
    pub vision: Option<bool>,
    pub json_schema: Option<bool>,
}

// === impl Strategy ===
impl Strategy {
    /// The words of the file, in the order of the enum.
    pub const WORDS: [&str; 7] =
        ["ordered", "weighted", "least_busy", "lowest_latency", "lowest_cost", "capability", "complexity"];

    /// The word in YAML, headers and logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Weighted(_) => "weighted",
            Self::LeastBusy => "least_busy",
            Self::LowestLatency => "lowest_latency",
            Self::LowestCost => "lowest_cost",
            Self::Capability => "capability",
            Self::Complexity(_) => "complexity",
        }
    }
}

// === impl Tier ===
impl Tier {
    /// The highest score there is.
    pub const UP_TO_MAX: u32 = 1000;
}
