//! The tool `http_fetch`: one page by GET, as text a model can read. Refuses to decide which hosts may be reached: the
//! host does, for every request, redirects included.

use magic_sdk::{Error, Hints, Output, Tool, http};

mod address;
mod fetch;
mod html;

/// See [`Tool::DESCRIPTION`].
pub struct HttpFetch;

/// The arguments of one call.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where the page is.
    pub url: String,
    /// Characters of text to return at most.
    #[serde(default = "default_max_chars")]
    pub max_chars: usize,
    /// Whether links are written out.
    #[serde(default)]
    pub links: bool,
}

/// About 2 000 tokens: enough to judge a page by.
fn default_max_chars() -> usize {
    8_000
}

impl Tool for HttpFetch {
    type Args = Args;
    const NAME: &str = "http_fetch";
    const DESCRIPTION: &str = include_str!("../schema/description.md");
    const SCHEMA: &str = include_str!("../schema/arguments.json");
    const HINTS: Hints = Hints::READS_OUTSIDE;

    fn call(args: Args) -> Result<Output, Error> {
        fetch::page(&args, http::send).map(Output::from)
    }
}

magic_sdk::tool!(HttpFetch);

#[cfg(test)]
mod tests;
