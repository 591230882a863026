//! Sizes and times as people write them.
use std::time::Duration;

pub(super) fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1_u64)];
    let (number, factor) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(*factor)
}

pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)];
    let (number, factor) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let number: f64 = number.trim().parse().ok()?;
    Duration::try_from_secs_f64(number * factor).ok()
}

/// `12.5` as 12 500 000.
pub(super) fn parse_micros(text: &str) -> Option<u64> {
    const DECIMALS: usize = 6;
    let (whole, decimals) = text.trim().split_once('.').unwrap_or_else(|| (text.trim(), ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || decimals.len() > DECIMALS || !is_number(whole) || !is_number(decimals) {
        return None;
    }
    format!("{whole}{decimals:0<DECIMALS$}").parse().ok()
}
