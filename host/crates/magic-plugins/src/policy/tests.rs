use super::*;

fn refused(yaml: &str) -> String {
    Policy::parse(yaml).unwrap_err().to_string()
}

#[test]
fn nothing_said_is_nothing_granted() {
    for yaml in ["", "# only a comment\n", "{}", "---\n", "~"] {
        let policy = Policy::parse(yaml).unwrap();
        assert_eq!(policy, Policy::default(), "{yaml:?}");
        assert_eq!(policy.limits(Limits::default()), Limits::default());
    }
    assert!(Policy::default().http.is_none() && !Policy::default().clock && Policy::default().kv_bytes_max.is_none());
}

#[test]
fn every_key_is_read() {
    let policy = Policy::parse(
        "http: { hosts: [api.example.com, '*.b.example:8443'], allow_private: true, timeout_ms: 1000, response_bytes_max: 5, request_bytes_max: 6 }
kv: { bytes_max: 7 }
clock: true
config: { lang: en, n: '5' }
secrets: [TAVILY_API_KEY]
limits: { memory_bytes_max: 1048576, wall_ms_max: 2, cpu_ms_max: 3, output_bytes_max: 4, host_calls_max: 5, concurrency_max: 6 }
",
    )
    .unwrap();
    let http = policy.http.clone().unwrap();
    let hosts: Vec<_> = http.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["api.example.com", "*.b.example:8443"]);
    assert_eq!(
        (http.allow_private, http.timeout, http.response_bytes_max, http.request_bytes_max),
        (true, Duration::from_secs(1), 5, 6)
    );
    assert_eq!(
        (policy.kv_bytes_max, policy.clock, policy.secrets()),
        (Some(7), true, &["TAVILY_API_KEY".to_owned()][..])
    );
    assert_eq!(policy.config["lang"], "en");
    let limits = policy.limits(Limits::default());
    let all = (
        limits.memory_bytes_max,
        limits.wall_ms_max,
        limits.cpu_ms_max,
        limits.output_bytes_max,
        limits.host_calls_max,
        limits.concurrency_max,
    );
    assert_eq!(all, (1 << 20, 2, 3, 4, 5, 6));
}

#[test]
fn one_changed_limit_leaves_the_others() {
    let policy = Policy::parse("limits: { wall_ms_max: 2 }").unwrap();
    assert_eq!(policy.limits(Limits::default()), Limits { wall_ms_max: 2, ..Limits::default() });
}

#[test]
fn what_is_misspelt_or_out_of_bounds_is_refused_with_its_place() {
    for (yaml, part) in [
        ("htp: {}", "htp"),
        ("http: { host: [a] }", "host"),
        ("limits: { memory: 1 }", "memory"),
        ("clock: maybe", "clock"),
        ("http: [a]", "http"),
        ("http: { hosts: ['https://a.example'] }", "`http.hosts[0]`"),
        ("http: { hosts: [a.example, 'a.*.b'] }", "`http.hosts[1]`"),
        ("http: { timeout_ms: 0 }", "`http.timeout_ms`: 0 is not within 1 and 600000"),
        ("limits: { memory_bytes_max: 1000000000000 }", "`limits.memory_bytes_max`"),
        ("limits: { wall_ms_max: 99999999 }", "`limits.wall_ms_max`"),
        ("kv: { bytes_max: 0 }", "`kv.bytes_max`"),
        ("secrets: ['A B']", "`secrets[0]`"),
        ("a: [", "not valid"),
    ] {
        let said = refused(yaml);
        assert!(said.contains(part), "{yaml}: {said}");
    }
}
