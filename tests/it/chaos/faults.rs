//! The faults of the matrix: what the vendor does, and whose fault that is. Everything else is computed from this.
use magic_tests::{Gate, HalfWay, Provider, Refused, Script, When, chunk, completion, said_frames};
use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

/// One row of the matrix.
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// Whose config section and whose dialect it is.
    pub(super) provider: &'static str,
    pub(super) does: Does,
    pub(super) blame: Blame,
}

/// What the first profile's vendor does to whoever asks with the first key.
pub(super) enum Does {
    /// Nobody listens.
    Refuses,
    /// Talks no TLS where the config says `https`.
    NoTls,
    /// Whatever was asked for.
    Says(Script),
    /// A stream, or a whole reply.
    Both { stream: Script, whole: Script },
    /// A good answer, a byte at a time, each behind a gate.
    Drips,
}

/// Whose fault a row is; from this follows what the client gets, who is asked, and in what state keys and breakers are.
#[derive(Clone)]
pub(super) enum Blame {
    Nobody,
    /// The key will never work again.
    Retires,
    /// The key rests so many seconds.
    Rests {
        why: &'static str,
        seconds: RangeInclusive<u64>,
    },
    Vendor,
    /// The vendor's as well, but a stream has begun by then.
    VendorOnTheWay,
    /// The same where the client is told in the vendor's own words.
    VendorOnTheWayInItsWords,
}

/// What `quarantine_duration_seconds` is.
pub(super) const REST: u64 = 50;
/// What is asked for: two minutes, of which a busy machine may take a few seconds.
const ASKED: RangeInclusive<u64> = 100..=121;

// === impl Fault ===

impl Fault {
    pub(super) fn all() -> Vec<Self> {
        let mut all = Self::of_the_key();
        all.extend(Self::before_the_first_event());
        all.extend(Self::on_the_way());
        all
    }

    fn of(name: &'static str, does: Does, blame: Blame) -> Self {
        Self { name, provider: "openai", does, blame }
    }

    fn throttled(name: &'static str, provider: &'static str, script: Script) -> Self {
        let blame = Blame::Rests { why: "rate_limited", seconds: ASKED };
        Self { name, provider, does: Does::Says(script), blame }
    }

    fn of_the_key() -> Vec<Self> {
        let told = |name: &str, value: &str| Script::error(429, "slow down").header(name, value);
        let unpaid = Blame::Rests { why: "quota_exhausted", seconds: 3500..=3600 };
        let unsaid = Blame::Rests { why: "rate_limited", seconds: REST - 20..=REST };
        let date = http_date(now() + 120);
        let stamp = rfc3339(now() + 120);
        let google = serde_json::json!({ "error": { "code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED",
            "details": [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "120s" }] } });
        vec![
            Self::of("401", Does::Says(Script::error(401, "invalid api key")), Blame::Retires),
            Self::of("402", Does::Says(Script::error(402, "no credit")), unpaid),
            Self::of("403", Does::Says(Script::error(403, "not for you")), Blame::Retires),
            Self::of("429, no word", Does::Says(Script::error(429, "slow down")), unsaid),
            Self::throttled("429, Retry-After: 120", "openai", told("retry-after", "120")),
            Self::throttled("429, Retry-After: a date", "openai", told("retry-after", &date)),
            Self::throttled("429, Retry-After: 1m59s", "openai", told("retry-after", "1m59s")),
            Self::throttled("429, retry-after-ms", "openai", told("retry-after-ms", "119500")),
            Self::throttled(
                "429, x-ratelimit-reset-requests",
                "openai",
                told("x-ratelimit-remaining-requests", "0").header("x-ratelimit-reset-requests", "1m59.5s"),
            ),
            Self::throttled(
                "429, anthropic-ratelimit-requests-reset",
                "anthropic",
                told("anthropic-ratelimit-requests-remaining", "0")
                    .header("anthropic-ratelimit-requests-reset", &stamp),
            ),
            Self::throttled("429, retryDelay", "google", Script::json(429, &google)),
        ]
    }

    fn before_the_first_event() -> Vec<Self> {
        let half = Does::Both {
            stream: Script::stream().piece("data: {\"choices\": [}\n\n").end(),
            whole: HalfWay::Malformed.whole(),
        };
        let error = Does::Both {
            stream: Script::sse(["data: {\"error\":{\"message\":\"no capacity\",\"code\":503}}\n\n"]),
            whole: HalfWay::InBandError.whole(),
        };
        vec![
            Self::of("refused", Does::Refuses, Blame::Vendor),
            Self::of("reset", Does::Says(Script::raw(b"").reset()), Blame::Vendor),
            Self::of("no TLS", Does::NoTls, Blame::Vendor),
            Self::of("500", Does::Says(Script::error(500, "oops")), Blame::Vendor),
            Self::of("503", Does::Says(Script::bytes(503, "text/html", "<h1>busy</h1>")), Blame::Vendor),
            Self::of("hang before headers", Does::Says(Script::silence()), Blame::Vendor),
            Self::of("malformed JSON", half, Blame::Vendor),
            Self::of("in-band error first", error, Blame::Vendor),
        ]
    }

    fn on_the_way() -> Vec<Self> {
        let row = |name, how: HalfWay, blame| {
            Self::of(name, Does::Both { stream: how.stream("So far"), whole: how.whole() }, blame)
        };
        vec![
            row("hang mid-stream", HalfWay::Hangs, Blame::VendorOnTheWay),
            row("cut mid-chunk", HalfWay::CutMidChunk, Blame::VendorOnTheWay),
            row("cut mid-character", HalfWay::CutMidCharacter, Blame::VendorOnTheWay),
            row("in-band error", HalfWay::InBandError, Blame::VendorOnTheWayInItsWords),
            row("end without [DONE]", HalfWay::EndsWithoutDone, Blame::VendorOnTheWay),
            Self::of("slow drip", Does::Drips, Blame::Nobody),
        ]
    }

    /// Whether the row shows only after a time that the config bounds.
    pub(super) fn hangs(&self) -> bool {
        self.name.starts_with("hang")
    }

    /// Scripts the vendor for the first profile; returns its base. `refused` must be kept as long as the gateway.
    pub(super) fn lay(&self, vendor: &Provider, when: When, stream: bool, refused: &Refused) -> (String, Vec<Gate>) {
        let mut gates = Vec::new();
        let script = match &self.does {
            Does::Refuses => return (refused.base(), gates),
            Does::NoTls => return (vendor.tls_base_of("first"), gates),
            Does::Says(script) => script.clone(),
            Does::Both { stream: script, .. } if stream => script.clone(),
            Does::Both { whole, .. } => whole.clone(),
            Does::Drips => {
                let body =
                    if stream { said_frames(DRIPPED, (10, 20)).concat() } else { completion(DRIPPED).to_string() };
                gates.resize_with(body.len(), Gate::default);
                let begun = if stream { Script::stream() } else { Script::json_in_chunks() };
                begun.drip(body, &gates).end()
            }
        };
        vendor.on(when, script);
        (vendor.base_of("first"), gates)
    }
}

/// With characters of several bytes, which fall apart.
pub(super) const DRIPPED: &str = "dr\u{ef}p \u{1f4a7}";
/// The first event of a stream that goes wrong later.
pub(super) fn first_event() -> String {
    chunk("So far")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Year, month (from 1), day, weekday (from Sunday) and the seconds of the day. After Howard Hinnant's `civil_from_days`.
fn civil(unix: u64) -> (u64, u64, u64, u64, u64) {
    let days = unix / 86_400;
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day, (days + 4) % 7, unix % 86_400)
}

/// As RFC 9110, section 5.6.7, has it.
fn http_date(unix: u64) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, weekday, rest) = civil(unix);
    let (weekday, month) = (DAYS[weekday as usize], MONTHS[month as usize - 1]);
    format!("{weekday}, {day:02} {month} {year} {:02}:{:02}:{:02} GMT", rest / 3600, rest / 60 % 60, rest % 60)
}

fn rfc3339(unix: u64) -> String {
    let (year, month, day, _, rest) = civil(unix);
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[test]
fn dates_are_written_as_vendors_write_them() {
    assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(rfc3339(951_827_696), "2000-02-29T12:34:56Z");
}
