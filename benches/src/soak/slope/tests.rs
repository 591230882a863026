use super::{Line, Sample};

fn samples(mib: impl Fn(u64) -> f64) -> Vec<Sample> {
    (0..50).map(|at| at * 4000).map(|requests| Sample { requests, mib: mib(requests) }).collect()
}

#[test]
fn what_grows_before_the_count_begins_is_no_leak() {
    let line = Line::through(&samples(|requests| if requests < 20_000 { requests as f64 } else { 60.0 })).unwrap();
    assert!(line.is_flat() && line.growth.abs() < 1e-9);
}

#[test]
fn twenty_bytes_lost_with_every_request_are_a_leak() {
    let line = Line::through(&samples(|requests| 60.0 + requests as f64 * 20.0 / f64::from(1 << 20))).unwrap();
    assert!(!line.is_flat(), "{line:?}");
}

#[test]
fn an_unsteady_level_is_flat_and_a_shrinking_one_too() {
    let unsteady = samples(|requests| if requests % 8000 == 0 { 60.0 } else { 63.0 });
    assert!(Line::through(&unsteady).unwrap().is_flat());
    assert!(Line::through(&samples(|requests| 90.0 - requests as f64 / 10_000.0)).unwrap().is_flat());
}

#[test]
fn too_few_samples_have_no_verdict() {
    assert!(Line::through(&samples(|_| 1.0)[..9]).is_none());
}
