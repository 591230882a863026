//! Spans, families and log records as OTLP's messages. The numbers are those of opentelemetry-proto 1.x, which never change.
//! <https://github.com/open-telemetry/opentelemetry-proto>
use super::logs::Line;
use super::metrics::{Family, Point, Shape, Unit, Value as Measured};
use super::protobuf::Message;
use super::span::{Finished, Value};

/// `LogRecord` and `Span`: the flag of a sampled trace.
const SAMPLED: u32 = 1;
const CUMULATIVE: u64 = 2;
const STATUS_ERROR: u64 = 2;

/// Who tells: `service.name` and its kin, once for all exports.
pub(super) fn resource(attributes: &[(&str, &str)]) -> Vec<u8> {
    let mut message = Message::default();
    for (key, value) in attributes {
        message.message(1, |pair| text_pair(pair, key, value));
    }
    message.into_bytes()
}

pub(super) fn spans(resource: &[u8], spans: &[Finished]) -> Vec<u8> {
    enveloped(resource, |scope| {
        for finished in spans {
            scope.message(2, |message| span(message, finished));
        }
    })
}

pub(super) fn logs(resource: &[u8], lines: &[Line]) -> Vec<u8> {
    enveloped(resource, |scope| {
        for line in lines {
            scope.message(2, |message| log(message, line));
        }
    })
}

/// `since` and `now`: nanoseconds since 1970.
pub(super) fn metrics(resource: &[u8], families: &[Family], since: u64, now: u64) -> Vec<u8> {
    enveloped(resource, |scope| {
        for family in families.iter().filter(|family| !family.points.is_empty()) {
            scope.message(2, |message| metric(message, family, since, now));
        }
    })
}

/// All three requests have the same frame.
fn enveloped(resource: &[u8], fill: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |of_resource| {
        of_resource.bytes(1, resource);
        of_resource.message(2, |of_scope| {
            of_scope.message(1, |scope| {
                scope.text(1, env!("CARGO_PKG_NAME")).text(2, env!("CARGO_PKG_VERSION"));
            });
            fill(of_scope);
        });
    });
    request.into_bytes()
}

fn span(message: &mut Message, Finished { place, record }: &Finished) {
    message.bytes(1, &place.trace_id.0).bytes(2, &place.span_id.0);
    if let Some(state) = &place.state {
        message.text(3, state);
    }
    if let Some(parent) = &record.parent {
        message.bytes(4, &parent.0);
    }
    message.text(5, &record.name).number(6, record.role as u64);
    message.fixed64(7, record.start).fixed64(8, record.end);
    for (key, value) in &record.attributes {
        message.message(9, |pair| span_pair(pair, key, value));
    }
    if record.error.is_some() {
        message.message(15, |status| {
            status.number(3, STATUS_ERROR);
        });
    }
    message.fixed32(16, SAMPLED);
}

fn span_pair(pair: &mut Message, key: &str, value: &Value) {
    pair.text(1, key).message(2, |any| {
        match value {
            Value::Text(text) => any.text(1, text),
            Value::Truth(truth) => any.number(2, u64::from(*truth)),
            Value::Integer(number) => any.number(3, *number),
            Value::Seconds(number) => any.double(4, *number),
        };
    });
}

fn text_pair(pair: &mut Message, key: &str, value: &str) {
    pair.text(1, key).message(2, |any| {
        any.text(1, value);
    });
}

fn log(message: &mut Message, line: &Line) {
    message.fixed64(1, line.at).fixed64(11, line.at);
    message.number(2, line.severity.0).text(3, line.severity.1);
    message.message(5, |body| {
        body.text(1, &line.message);
    });
    for (key, value) in &line.fields {
        message.message(6, |pair| text_pair(pair, key, value));
    }
    if let Some(trace_id) = &line.trace_id {
        message.bytes(9, trace_id);
    }
}

fn metric(message: &mut Message, family: &Family, since: u64, now: u64) {
    let unit = match family.unit {
        Unit::One => "1",
        Unit::Seconds => "s",
        Unit::Bytes => "By",
        Unit::Tokens => "{token}",
    };
    message.text(1, family.name).text(2, family.help).text(3, unit);
    let field = match family.shape {
        Shape::Gauge => 5,
        Shape::Counter => 7,
        Shape::Histogram => 9,
    };
    message.message(field, |data| {
        for point in &family.points {
            data.message(1, |message| data_point(message, point, since, now));
        }
        match family.shape {
            Shape::Gauge => data,
            Shape::Counter => data.number(2, CUMULATIVE).number(3, 1),
            Shape::Histogram => data.number(2, CUMULATIVE),
        };
    });
}

fn data_point(message: &mut Message, point: &Point, since: u64, now: u64) {
    message.fixed64(2, since).fixed64(3, now);
    let labels_field = match &point.value {
        Measured::Number(number) => {
            message.fixed64(6, *number);
            7
        }
        Measured::Histogram(reading) => {
            message.fixed64(4, reading.buckets.iter().sum()).double(5, reading.sum);
            message.packed64(6, reading.buckets.iter().copied());
            message.packed64(7, reading.bounds.iter().map(|bound| bound.to_bits()));
            9
        }
    };
    for (key, value) in &point.labels {
        message.message(labels_field, |pair| text_pair(pair, key, value));
    }
}
