//! Spans: what took how long, below what. One that is recorded goes to the exporter's queue when it is dropped; one that is
//! not only passes its trace on. Where no traces are exported, neither exists.
use super::content::Content;
use super::context::{self, Given, SpanId, TraceId};
use super::export::{Queue, Weighed};
use crate::app::wall_clock;
use http::HeaderMap;
use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;
use tracing::field::{DisplayValue, display};

/// Makes the spans of one gateway.
pub(super) struct Tracer {
    names: [RandomState; 3],
    count: AtomicU64,
    /// Of the upper 63 bits of a trace's random half: those below are recorded.
    sampled_below: u64,
    /// Where prompts and answers are told.
    pub(super) content: Option<Content>,
    queue: Arc<Queue<Finished>>,
}

/// A place in a trace, to begin other spans below. Empty where nothing is traced.
#[derive(Clone, Default)]
pub(crate) struct Trace(Option<Arc<Place>>);

pub(super) struct Place {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) sampled: bool,
    pub(super) state: Option<Arc<str>>,
    tracer: Arc<Tracer>,
}

#[derive(Default)]
pub(crate) struct Span {
    trace: Trace,
    record: Option<Box<Record>>,
}

/// What is told of a span.
pub(crate) struct Record {
    pub(super) parent: Option<SpanId>,
    pub(super) name: Cow<'static, str>,
    pub(super) role: Role,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) attributes: Vec<(&'static str, Value)>,
    /// A failure's kind.
    pub(super) error: Option<&'static str>,
}

/// OpenTelemetry's kind of a span, by its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Internal = 1,
    Server = 2,
    Client = 3,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(Cow<'static, str>),
    Integer(u64),
    Seconds(f64),
    Truth(bool),
}

pub(super) struct Finished {
    pub(super) place: Arc<Place>,
    pub(super) record: Box<Record>,
}

// === impl Finished ===
impl Weighed for Finished {
    fn bytes(&self) -> usize {
        let of_attribute = |(_, value): &(&str, Value)| match value {
            Value::Text(text) => text.len(),
            Value::Integer(_) | Value::Seconds(_) | Value::Truth(_) => 0,
        };
        let Record { name, attributes, .. } = &*self.record;
        let places = attributes.capacity() * size_of::<(&str, Value)>();
        let texts: usize = attributes.iter().map(of_attribute).sum();
        size_of::<Place>() + size_of::<Record>() + name.len() + places + texts
    }
}

// === impl Tracer ===
impl Tracer {
    pub(super) fn new(ratio: f64, content: Option<Content>, queue: Arc<Queue<Finished>>) -> Self {
        // 1 keeps all: the cast stops at the largest number.
        let sampled_below = (ratio * 2_f64.powi(63)) as u64;
        let names = std::array::from_fn(|_| RandomState::new());
        Self { names, count: AtomicU64::new(1), sampled_below, content, queue }
    }

    /// The span of a request, below the client's own where it named one.
    pub(super) fn root(
        self: &Arc<Self>,
        given: Option<Given>,
        role: Role,
        name: impl FnOnce() -> Cow<'static, str>,
    ) -> Span {
        let (trace_id, parent, sampled, state) = match given {
            // Not recorded, not changed: it passes through.
            Some(Given { trace_id, span_id, sampled: false, state }) => {
                let place = Place { trace_id, span_id, sampled: false, state, tracer: Arc::clone(self) };
                return Span { trace: Trace(Some(Arc::new(place))), record: None };
            }
            Some(Given { trace_id, span_id, sampled: true, state }) => (trace_id, Some(span_id), true, state),
            None => {
                let (trace_id, sampled) = self.fresh();
                (trace_id, None, sampled, None)
            }
        };
        let span_id = self.span_id();
        let place = Place { trace_id, span_id, sampled, state, tracer: Arc::clone(self) };
        let record = sampled.then(|| Box::new(Record::new(parent, name(), role)));
        Span { trace: Trace(Some(Arc::new(place))), record }
    }

    /// A trace of its own, and whether it is recorded.
    fn fresh(&self) -> (TraceId, bool) {
        let count = self.count.fetch_add(1, Relaxed);
        let [high, low, _] = self.names.each_ref().map(|name| name.hash_one(count));
        let mut trace_id = [0; 16];
        for (byte, from) in trace_id.iter_mut().zip(high.to_be_bytes().into_iter().chain(low.to_be_bytes())) {
            *byte = from;
        }
        (TraceId(trace_id), low >> 1 < self.sampled_below)
    }

    fn span_id(&self) -> SpanId {
        let [.., name] = &self.names;
        // All zero would mean none.
        SpanId(name.hash_one(self.count.fetch_add(1, Relaxed)).max(1).to_be_bytes())
    }
}

// === impl Trace ===
impl Trace {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn child(&self, role: Role, name: impl FnOnce() -> Cow<'static, str>) -> Span {
        let Some(parent) = &self.0 else { return Span::default() };
        if !parent.sampled {
            return Span { trace: self.clone(), record: None };
        }
        let place = Place {
            trace_id: parent.trace_id,
            span_id: parent.tracer.span_id(),
            sampled: true,
            state: parent.state.clone(),
            tracer: Arc::clone(&parent.tracer),
        };
        let record = Record::new(Some(parent.span_id), name(), role);
        Span { trace: Self(Some(Arc::new(place))), record: Some(Box::new(record)) }
    }

    /// For the field `trace_id` of a log line.
    pub(crate) fn field(&self) -> Option<DisplayValue<TraceId>> {
        self.0.as_ref().map(|place| display(place.trace_id))
    }

    /// Puts it on a request of ours.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(place) = &self.0 {
            context::write(headers, place.trace_id, place.span_id, place.sampled, place.state.as_deref());
        }
    }
}

// === impl Span ===
impl Span {
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Writes on it, if it is recorded.
    pub(crate) fn note(&mut self, write: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            write(record);
        }
    }

    pub(crate) fn failed(&mut self, kind: &'static str) {
        self.note(|record| record.fail(kind));
    }

    pub(super) fn is_recorded(&self) -> bool {
        self.record.is_some()
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let (Some(mut record), Some(place)) = (self.record.take(), self.trace.0.take()) {
            record.end = unix_nanos(wall_clock()).max(record.start);
            let queue = Arc::clone(&place.tracer.queue);
            queue.push(Finished { place, record });
        }
    }
}

// === impl Record ===
impl Record {
    fn new(parent: Option<SpanId>, name: Cow<'static, str>, role: Role) -> Self {
        let start = unix_nanos(wall_clock());
        Self { parent, name, role, start, end: start, attributes: Vec::with_capacity(12), error: None }
    }

    pub(crate) fn name(&mut self, name: String) {
        self.name = name.into();
    }

    pub(crate) fn text(&mut self, key: &'static str, text: impl Into<Cow<'static, str>>) {
        self.attributes.push((key, Value::Text(text.into())));
    }

    pub(crate) fn integer(&mut self, key: &'static str, number: u64) {
        self.attributes.push((key, Value::Integer(number)));
    }

    pub(crate) fn seconds(&mut self, key: &'static str, seconds: f64) {
        self.attributes.push((key, Value::Seconds(seconds)));
    }

    pub(crate) fn truth(&mut self, key: &'static str, truth: bool) {
        self.attributes.push((key, Value::Truth(truth)));
    }

    pub(crate) fn fail(&mut self, kind: &'static str) {
        self.error = Some(kind);
        self.text("error.type", kind);
    }
}

pub(super) fn unix_nanos(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trace").field(&self.0.as_ref().map(|place| place.trace_id)).finish()
    }
}
