//! Families as the text that Prometheus reads (exposition format 0.0.4).
use super::metrics::{Family, Shape, Unit, Value};
use std::fmt::Write as _;

pub(super) fn text(families: &[Family]) -> String {
    let mut out = String::with_capacity(16 << 10);
    for family in families.iter().filter(|family| !family.points.is_empty()) {
        write_family(family, &mut out);
    }
    out
}

// Writing to a string cannot fail: every `_written` below says so.
fn write_family(family: &Family, out: &mut String) {
    let name = name(family);
    let shape = match family.shape {
        Shape::Counter => "counter",
        Shape::Gauge => "gauge",
        Shape::Histogram => "histogram",
    };
    let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
    let _written = write!(out, "# HELP {name} {help}\n# TYPE {name} {shape}\n");
    for point in &family.points {
        match &point.value {
            Value::Number(number) => {
                let labels = braced(&point.labels, None);
                let _written = writeln!(out, "{name}{labels} {number}");
            }
            Value::Histogram(reading) => {
                let mut sum = 0;
                let bounds = reading.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
                for (bound, count) in bounds.zip(&reading.buckets) {
                    sum += count;
                    let labels = braced(&point.labels, Some(&bound));
                    let _written = writeln!(out, "{name}_bucket{labels} {sum}");
                }
                let labels = braced(&point.labels, None);
                let _written = write!(out, "{name}_sum{labels} {}\n{name}_count{labels} {sum}\n", reading.sum);
            }
        }
    }
}

/// OpenTelemetry's name by the rules that its collectors use: `_` for `.`, the unit behind it, `_total` behind a counter.
fn name(family: &Family) -> String {
    let unit = match family.unit {
        Unit::Seconds => "_seconds",
        Unit::Bytes => "_bytes",
        Unit::One | Unit::Tokens => "",
    };
    let total = if family.shape == Shape::Counter { "_total" } else { "" };
    format!("{}{unit}{total}", family.name.replace('.', "_"))
}

fn braced(labels: &[(&'static str, String)], bound: Option<&str>) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs = labels.iter().map(|(name, value)| format!("{}=\"{}\"", name.replace('.', "_"), escaped(value)));
    let all: Vec<String> = pairs.chain(bound.map(|bound| format!("le=\"{bound}\""))).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

#[cfg(test)]
mod tests;
