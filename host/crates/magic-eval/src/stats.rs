//! What figures from a sample are worth: an interval for a share, and a comparison of two aliases on the same items.
//! Exact or by a named method; the formulas stand in docs/EVAL.md.

/// The 97.5th percentile of the normal distribution: two sides of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// At 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Items that two aliases both answered, by who was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    pub both: u64,
    pub only_alias: u64,
    pub only_control: u64,
    pub neither: u64,
}

/// The score interval of a share (Wilson, J. Am. Stat. Assoc. 22, 1927). Nothing is known from no items.
pub fn wilson(right: u64, of: u64) -> Interval {
    if of == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (n, p, z2) = (of as f64, share(right, of), Z * Z);
    let middle = p + z2 / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    Interval { low: ((middle - half) / scale).max(0.0), high: ((middle + half) / scale).min(1.0) }
}

pub(crate) fn share(right: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { right as f64 / of as f64 }
}

// === impl Pairs ===
impl Pairs {
    pub fn count(&self) -> u64 {
        self.both + self.only_alias + self.only_control + self.neither
    }

    pub fn add(&mut self, alias: bool, control: bool) {
        let counter = match (alias, control) {
            (true, true) => &mut self.both,
            (true, false) => &mut self.only_alias,
            (false, true) => &mut self.only_control,
            (false, false) => &mut self.neither,
        };
        *counter += 1;
    }

    /// The alias' share of right answers less the control's.
    pub fn difference(&self) -> f64 {
        (self.only_alias as f64 - self.only_control as f64) / (self.count().max(1) as f64)
    }

    /// For [`Pairs::difference`]: the square-and-add interval with the corrected correlation (Newcombe, Stat. Med. 17,
    /// 1998, 2635-2650, method 10).
    pub fn interval(&self) -> Interval {
        let of = self.count();
        if of == 0 {
            return Interval { low: -1.0, high: 1.0 };
        }
        let (alias, control) = (self.both + self.only_alias, self.both + self.only_control);
        let (one, other) = (wilson(alias, of), wilson(control, of));
        let (one_share, other_share) = (share(alias, of), share(control, of));
        let phi = self.correlation();
        let width =
            |first: f64, second: f64| (first * first - 2.0 * phi * first * second + second * second).max(0.0).sqrt();
        let below = width(one_share - one.low, other.high - other_share);
        let above = width(one.high - one_share, other_share - other.low);
        Interval { low: (self.difference() - below).max(-1.0), high: (self.difference() + above).min(1.0) }
    }

    fn correlation(&self) -> f64 {
        let [both, alias, control, neither] =
            [self.both, self.only_alias, self.only_control, self.neither].map(|count| count as f64);
        let product = (both + alias) * (control + neither) * (both + control) * (alias + neither);
        let (excess, half) = (both * neither - alias * control, self.count() as f64 / 2.0);
        // Newcombe's correction: a small agreement is not trusted.
        let trusted = if excess > half { excess - half } else { excess.min(0.0) };
        if product > 0.0 { trusted / product.sqrt() } else { 0.0 }
    }

    /// McNemar's test, exactly: how likely so uneven a split of the items on which the two differ is, if neither is better.
    /// A sum of the binomial distribution in logarithms, for any number of items, without the chi-squared approximation.
    pub fn p_value(&self) -> f64 {
        let differing = self.only_alias + self.only_control;
        let fewer = self.only_alias.min(self.only_control);
        let n = differing as f64;
        // ln C(n, 0) / 2^n; each next term follows from the one before.
        let mut term = -n * std::f64::consts::LN_2;
        let mut sum = term.exp();
        for step in 1..=fewer {
            let step = step as f64;
            term += ((n - step + 1.0) / step).ln();
            sum += term.exp();
        }
        (2.0 * sum).min(1.0)
    }
}

#[cfg(test)]
mod tests;
