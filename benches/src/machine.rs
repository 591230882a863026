//! What the figures were taken on.
use crate::process::Pins;
use serde_json::{Map, Value, json};
use std::process::Command;

pub(crate) fn describe(pins: &Pins) -> Map<String, Value> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let placed = match pins {
        Pins::Apart { .. } => "contestant on core 0, vendor and load on core 1",
        Pins::Nowhere => "not pinned",
    };
    let facts = [
        ("date", json!(said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]))),
        ("processor", json!(model.map_or("unknown", |(_, name)| name.trim()))),
        ("cores", json!(cores)),
        ("system", json!(said("uname", &["-sr"]))),
        ("load average before", json!(read("/proc/loadavg").split(' ').next().unwrap_or_default())),
        ("placement", json!(placed)),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(|_| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
