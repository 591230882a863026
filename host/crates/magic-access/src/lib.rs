//! Who may use the gateway, for what, and how much: virtual keys, teams, grants, limits and the arithmetic of budgets.
//! Pure: time comes in as `now_ms` (Unix milliseconds), chance as bytes, and what is kept where is the host's business.
//!
//! Reading order: `ids`, `scope`, `secret` (what a client shows), `grants` (what it may), `key`, `window` and `budget`
//! (what it may spend), `limiter` (how fast), `denied` (why not).

mod budget;
mod denied;
mod grants;
mod ids;
mod key;
mod limiter;
mod scope;
mod secret;
mod window;

pub use budget::{Amount, Budget, Charge, MICROS, Money, Refusal, Room, Unit};
pub use denied::Denied;
pub use grants::{ALIASES_MAX, AliasRule, BUDGETS_MAX, Grants};
pub use ids::{Account, TeamName, VirtualKeyId};
pub use key::{Standing, Team, VirtualKey};
pub use limiter::{Full, Limit, Limiter, Taken};
pub use scope::Scope;
pub use secret::{Hash, Issued, RANDOM_BYTES, Shown, Stored};
pub use window::{Span, Window, duration_ms, duration_text};

/// What somebody wrote cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("`{text}` is no name: 1 to 64 letters, digits, `-`, `_`, `.`, and a letter or a digit first")]
    Name { text: String },
    #[error("no scope `{word}`; known: user, viewer, operator, admin")]
    Scope { word: String },
    #[error("no window `{word}`; known: total, day, week, month, or a time like `5h` or `30d` (a minute to 366 days)")]
    Window { word: String },
    #[error("`{text}` is no time: a number and one of s, m, h, d, w, e.g. `90s` or `30d`")]
    Duration { text: String },
    #[error("`{text}` is no amount of money: digits with at most six after the point, more than 0, e.g. `12.50`")]
    Money { text: String },
    #[error("`{name}` is 0: leave it out for no limit, or revoke the key")]
    Zero { name: &'static str },
    #[error("alias `{text}` is empty, too long, or has a `*` that is not its end")]
    Alias { text: String },
    #[error("{found} {what} are too many: at most {max}")]
    TooMany { what: &'static str, found: usize, max: usize },
    #[error("two budgets in {unit} over the window `{window}`: one of them would never count")]
    Twice { unit: &'static str, window: Window },
}
