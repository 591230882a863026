//! What was used, summed up by whatever is asked for: as JSON, or as CSV for a spreadsheet.
use super::super::error::Refusal;
use super::super::reply;
use crate::accounts::{By, Query, day_of, usage_csv, usage_json};
use crate::app::App;
use axum::extract::rejection::QueryRejection;
use axum::extract::{self, State};
use axum::response::{IntoResponse as _, Response};
use http::header;
use magic_types::{Failure, Kind};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// `key,alias,day`; without it, one line for all.
    #[serde(default)]
    by: String,
    /// The first day, like 2026-11-01.
    from: Option<String>,
    /// The last one.
    to: Option<String>,
    key: Option<String>,
    team: Option<String>,
    format: Option<String>,
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    asked: Result<extract::Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let extract::Query(asked) = asked.map_err(|error| invalid(error.body_text()))?;
    let is_csv = match asked.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(invalid("`format`: json or csv".to_owned()).into()),
    };
    let day = |field: &str, text: &Option<String>| text.as_ref().map(|text| day_of(field, text)).transpose();
    let by = By::parse_list(&asked.by)?;
    let (from_day, to_day) = (day("from", &asked.from)?, day("to", &asked.to)?);
    let query = Query { by: by.clone(), from_day, to_day, key: asked.key, team: asked.team };
    let rows = app.accounts.usage(query).await?;
    if !is_csv {
        return Ok(reply::json(&usage_json(&rows)));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"usage.csv\""),
    ];
    Ok((headers, usage_csv(&by, &rows)).into_response())
}

fn invalid(text: String) -> Failure {
    Failure::new(Kind::InvalidRequest, text)
}
