//! Headers in, trace context out, and back.
use super::{Given, read, write};
use http::{HeaderMap, HeaderValue};

fn headers(parent: &str, states: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", HeaderValue::from_str(parent).unwrap());
    for state in states {
        headers.append("tracestate", HeaderValue::from_str(state).unwrap());
    }
    headers
}

const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn what_is_read_is_written_again() {
    let given = headers(GOOD, &["a=1", "b=2"]);
    let Given { trace_id, span_id, sampled, state } = read(&given).unwrap();
    assert!(sampled);
    let mut out = HeaderMap::new();
    write(&mut out, trace_id, span_id, sampled, state.as_deref());
    assert_eq!((out["traceparent"].as_bytes(), out["tracestate"].as_bytes()), (GOOD.as_bytes(), b"a=1,b=2".as_slice()));
}

#[test]
fn what_the_standard_refuses_is_no_context() {
    for bad in [
        "",
        "00",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        assert_eq!(read(&headers(bad, &[])), None, "{bad}");
    }
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-more";
    assert!(read(&headers(later, &[])).unwrap().sampled);
    assert!(!read(&headers(&GOOD.replace("-01", "-00"), &[])).unwrap().sampled);
}

#[test]
fn a_state_that_is_too_long_is_left_out_and_the_trace_kept() {
    let long = format!("a={}", "x".repeat(600));
    assert_eq!(read(&headers(GOOD, &[&long])).unwrap().state, None);
}
