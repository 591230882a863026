//! What the verbs for virtual keys and teams share: grants as arguments, and tables as text.
use crate::accounts::{GrantsPatch, Ledger};
use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use magic_access::{AliasRule, Amount, Budget, Grants, Money, Window};
use magic_types::Failure;
use std::path::PathBuf;
use std::time::Duration;

/// The file of accounts is closed within it, whatever a gateway does with it.
const CLOSE_MAX: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(super) struct Place {
    /// Folder of the file of accounts (`accounts.db`). A gateway may run on it: it sees changes within a second.
    #[arg(long, env = "MAGIC_PROXY_DATA", default_value = "data")]
    data: PathBuf,
}

#[derive(Args)]
pub(super) struct GrantArgs {
    /// An alias that may be used, or the beginning of some (`gpt-*`); may be given more than once. Without it: all.
    #[arg(long = "alias", value_name = "ALIAS", value_parser = AliasRule::parse)]
    aliases: Vec<AliasRule>,
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u64>,
    #[arg(long, value_name = "N")]
    tokens_per_minute: Option<u64>,
    /// Requests at one time.
    #[arg(long, value_name = "N")]
    parallel: Option<u64>,
    /// An amount, and over which window: `50/month` in money, `1000000tokens/day` in tokens. May be given more than once.
    #[arg(long = "budget", value_name = "AMOUNT[/WINDOW]")]
    budgets: Vec<String>,
    /// The window of budgets that name none: total, day, week, month, or a time like `5h`.
    #[arg(long, default_value = "month", value_parser = Window::parse)]
    window: Window,
}

/// Bounds that an update takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Bound {
    Aliases,
    RequestsPerMinute,
    TokensPerMinute,
    Parallel,
    Budgets,
}

// === impl Place ===
impl Place {
    /// For a change: makes the file where there is none.
    pub(super) fn open(&self) -> anyhow::Result<Ledger> {
        let folder = self.data.display();
        Ledger::open_beside(&self.data).with_context(|| format!("open the file of accounts in {folder}"))
    }

    /// For a look. `None`: there is no file, and none is made.
    pub(super) fn look(&self) -> anyhow::Result<Option<Ledger>> {
        if Ledger::exists(&self.data) { self.open().map(Some) } else { Ok(None) }
    }
}

impl Place {
    /// Makes a change in the file. `what` reads after "failed to".
    pub(super) async fn change<T>(
        &self,
        what: &str,
        change: impl AsyncFnOnce(&Ledger) -> Result<T, Failure>,
    ) -> anyhow::Result<T> {
        let ledger = self.open()?;
        let changed = change(&ledger).await;
        close(ledger).await;
        done(changed, what)
    }
}

// === impl GrantArgs ===
impl GrantArgs {
    pub(super) fn patch(self, cleared: &[Bound]) -> anyhow::Result<GrantsPatch> {
        let budgets = self.budgets.iter().map(|text| budget(text, self.window)).collect::<anyhow::Result<Vec<_>>>()?;
        let is_cleared = |bound| cleared.contains(&bound);
        let number = |given: Option<u64>, bound| if is_cleared(bound) { Some(None) } else { given.map(Some) };
        let some_or = |is_empty: bool, bound| !is_empty || is_cleared(bound);
        Ok(GrantsPatch {
            aliases: some_or(self.aliases.is_empty(), Bound::Aliases)
                .then(|| Some(self.aliases).filter(|_| !is_cleared(Bound::Aliases))),
            requests_per_minute_max: number(self.requests_per_minute, Bound::RequestsPerMinute),
            tokens_per_minute_max: number(self.tokens_per_minute, Bound::TokensPerMinute),
            requests_parallel_max: number(self.parallel, Bound::Parallel),
            budgets: some_or(budgets.is_empty(), Bound::Budgets)
                .then(|| if is_cleared(Bound::Budgets) { Vec::new() } else { budgets }),
        })
    }
}

pub(super) async fn close(ledger: Ledger) {
    // What was waited for is in the file already.
    let _closed = ledger.close(CLOSE_MAX).await;
}

/// A failure of the ledger as the end of a command: `what` reads after "failed to".
pub(super) fn done<T>(result: Result<T, Failure>, what: &str) -> anyhow::Result<T> {
    result.map_err(|failure| anyhow!("{}", failure.public)).with_context(|| what.to_owned())
}

/// Columns as wide as their widest cell.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain(head.get(at).map(|cell| cell.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let rows = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    line(&mut head.iter().copied()) + &rows.collect::<String>()
}

/// In few words.
pub(super) fn grants_text(grants: &Grants) -> String {
    let aliases = grants.aliases.as_ref().map(|rules| {
        let names: Vec<String> = rules.iter().map(AliasRule::to_string).collect();
        if names.is_empty() { "no alias".to_owned() } else { names.join("|") }
    });
    let limit = |number: Option<u64>, of: &str| number.map(|number| format!("{number} {of}"));
    let parts = [
        aliases,
        limit(grants.requests_per_minute_max, "requests/min"),
        limit(grants.tokens_per_minute_max, "tokens/min"),
        limit(grants.requests_parallel_max, "parallel"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().chain(grants.budgets.iter().map(Budget::to_string)).collect();
    if parts.is_empty() { "everything".to_owned() } else { parts.join(", ") }
}

fn budget(text: &str, window: Window) -> anyhow::Result<Budget> {
    let read = || {
        let (amount, window) = match text.split_once('/') {
            Some((amount, word)) => (amount, Window::parse(word)?),
            None => (text, window),
        };
        let amount = match amount.strip_suffix("tokens") {
            Some(tokens) => Amount::Tokens(tokens.trim().parse()?),
            None => Amount::Money(Money::parse(amount)?),
        };
        anyhow::Ok(Budget { amount, window })
    };
    read().with_context(|| format!("read --budget {text} (e.g. `50/month` or `1000000tokens/day`)"))
}

#[cfg(test)]
mod tests;
