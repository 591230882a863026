//! How good an alias is, judged from its answers. Decides only: it asks nobody, reads no file and no clock; the host does.
//!
//! Reading order: `dataset` (what is asked, one item a line), `checkers` (whether an answer is right), `schema` (tools as
//! BFCL writes them, and as OpenAI wants them), `summary` (outcomes of all items, as a row for each alias), `stats` (what
//! such figures are worth), `table` (rows to be read), `generate` (data sets of our own).

mod checkers;
mod dataset;
mod generate;
mod schema;
mod stats;
mod summary;
mod table;

pub use checkers::{Call, Checker, Reply, Verdict};
pub use dataset::{BadLine, Item, read};
pub use generate::{Kind, generate};
pub use stats::{Interval, Pairs, wilson};
pub use summary::{Measured, Outcome, Row, Versus, rows};
pub use table::Form;
