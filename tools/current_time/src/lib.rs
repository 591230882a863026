//! The tool `current_time`: the date and time now, in a zone. Refuses to guess a zone it does not know.

use jiff::{Timestamp, Zoned, tz};
use magic_sdk::{Error, Hints, Output, Tool};

/// How many names are offered for one that is not known.
const SUGGESTIONS_MAX: usize = 5;

/// See [`Tool::DESCRIPTION`].
pub struct CurrentTime;

/// The arguments of one call.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// An IANA name, `UTC` or an offset; none is the policy's `default_timezone`, else UTC.
    #[serde(default)]
    pub timezone: Option<String>,
}

impl Tool for CurrentTime {
    type Args = Args;
    const NAME: &str = "current_time";
    const DESCRIPTION: &str = include_str!("../schema/description.md");
    const SCHEMA: &str = include_str!("../schema/arguments.json");
    const OUTPUT_SCHEMA: Option<&str> = Some(include_str!("../schema/output.json"));
    const HINTS: Hints = Hints::PURE;

    fn call(args: Args) -> Result<Output, Error> {
        let zone = match args.timezone.filter(|zone| !zone.trim().is_empty()) {
            Some(zone) => zone,
            None => magic_sdk::config::get_or("default_timezone", "UTC".to_owned())?,
        };
        tell(magic_sdk::clock::now_ms(), &zone)
    }
}

magic_sdk::tool!(CurrentTime);

/// The time `now_ms` (Unix, milliseconds) in `zone`: an IANA name, `UTC` or an offset. An unknown zone is refused with the
/// names that are near.
pub fn tell(now_ms: u64, zone: &str) -> Result<Output, Error> {
    let now = i64::try_from(now_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let Some(now) = now else {
        return Err(Error::Failed(format!("the host's clock says {now_ms} ms, which is no date")));
    };
    let now = now.to_zoned(time_zone(zone.trim()).map_err(Error::InvalidArguments)?);
    let text = now.strftime("%A, %-d %B %Y, %H:%M:%S (%Z, UTC%:z), week %V, day %-j of the year").to_string();
    let iso = now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let text = format!("{text}\nISO 8601: {iso}\nUnix time: {}", now.timestamp().as_second());
    Ok(Output { text, structured: Some(json(&now, &iso)) })
}

fn json(now: &Zoned, iso: &str) -> String {
    // Names of zones and days hold nothing that JSON would escape.
    let zone = now.time_zone().iana_name().unwrap_or_default();
    let unix = now.timestamp().as_second();
    format!(r#"{{"iso":"{iso}","unix":{unix},"weekday":"{}","timezone":"{zone}"}}"#, now.strftime("%A"))
}

fn time_zone(name: &str) -> Result<tz::TimeZone, String> {
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") || name.eq_ignore_ascii_case("gmt") {
        return Ok(tz::TimeZone::UTC);
    }
    if let Some(offset) = offset(name) {
        return Ok(offset.to_time_zone());
    }
    let bundled = tz::TimeZoneDatabase::bundled();
    bundled.get(&name.replace(' ', "_")).map_err(|_| unknown(name, &bundled))
}

/// `+02:00`, `UTC+2`, `GMT-0530`.
fn offset(name: &str) -> Option<tz::Offset> {
    let upper = name.to_ascii_uppercase();
    let text = upper.strip_prefix("UTC").or_else(|| upper.strip_prefix("GMT")).unwrap_or(&upper).trim();
    let (sign, digits) = match text.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, text.strip_prefix(['-', '−'])?),
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), _) => parts,
        (None, 1 | 2) => (digits, "0"),
        (None, 4) => digits.split_at_checked(2)?,
        (None, _) => return None,
    };
    let part = |text: &str, max: i32| text.parse::<u8>().ok().map(i32::from).filter(|number| *number <= max);
    tz::Offset::from_seconds(sign * (part(hours, 14)? * 3600 + part(minutes, 59)? * 60)).ok()
}

fn unknown(name: &str, zones: &tz::TimeZoneDatabase) -> String {
    let wanted = name.to_lowercase().replace(' ', "_");
    // The last part is the city: "Germany/Berlin" should find Europe/Berlin.
    let city = wanted.rsplit('/').next().unwrap_or(&wanted).to_owned();
    let names = zones.available().map(|zone| zone.to_string());
    let near: Vec<String> =
        names.filter(|zone| !city.is_empty() && zone.to_lowercase().contains(&city)).take(SUGGESTIONS_MAX).collect();
    let hint =
        if near.is_empty() { "e.g. Europe/Paris, America/New_York, UTC or +02:00".to_owned() } else { near.join(", ") };
    format!("unknown time zone `{name}`: use an IANA name or an offset; did you mean {hint}?")
}

#[cfg(test)]
mod tests;
