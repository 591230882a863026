//! What a model takes, as far as its name tells. Anthropic refuses with a 400 what a generation does not take, so the
//! gateway has to know; a name that says no version is taken for one of the widest understanding.

/// The version in a model's name: `claude-opus-4-7`, `claude-3-7-sonnet-20250219`, `claude-sonnet-4-20250514`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(Option<(u32, u32)>);

// === impl Version ===
impl Version {
    /// The first number of one or two digits is the major version, the next the minor; a date has more digits.
    pub(super) fn of(model: &str) -> Self {
        let words = model.split(['-', '.', '@', ':', '/']).skip_while(|word| *word != "claude").skip(1);
        let mut numbers = words.skip_while(|word| small(word).is_none()).map_while(small);
        Self(numbers.next().map(|major| (major, numbers.next().unwrap_or(0))))
    }

    /// Thinks by `adaptive` and `output_config.effort`: from 4.6 on.
    /// <https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking>
    pub(super) fn thinks_adaptively(self) -> bool {
        self.is_from(4, 6)
    }

    /// Refuses `budget_tokens`, `temperature`, `top_p` and `top_k`: from 4.7 on.
    /// <https://platform.claude.com/docs/en/about-claude/models/migration-guide>
    pub(super) fn refuses_numbers(self) -> bool {
        self.is_from(4, 7)
    }

    /// Refuses `temperature` and `top_p` together: from 4.1 on.
    pub(super) fn samples_one_way(self) -> bool {
        self.is_from(4, 1)
    }

    /// Structured outputs (`output_config.format`, `strict` of a tool): from 4.1 on.
    /// <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>
    pub(super) fn has_formats(self) -> bool {
        self.0.is_none_or(|version| version >= (4, 1))
    }

    /// For requests without a bound, since Anthropic wants one: as much as every model of the generation takes, so that
    /// an answer ends where the model ends it, as at vendors without a bound. Thoughts count as well.
    /// <https://platform.claude.com/docs/en/about-claude/models/overview>
    pub(super) fn max_tokens_default(self) -> u64 {
        match self.0 {
            Some(version) if version < (3, 5) => 4096,
            Some(version) if version < (3, 7) => 8192,
            Some(_) | None => 32_000,
        }
    }

    fn is_from(self, major: u32, minor: u32) -> bool {
        self.0.is_some_and(|version| version >= (major, minor))
    }
}

fn small(word: &str) -> Option<u32> {
    (word.len() <= 2).then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
