use super::*;

fn allowed(host: &str, listed: &[&str], listen: &str) -> bool {
    let listed: Vec<String> = listed.iter().map(|&name| name.to_owned()).collect();
    is_allowed(host, &listed, listen.parse().unwrap())
}

#[test]
fn a_loopback_gateway_is_called_by_loopback_names_only() {
    for host in ["localhost", "LOCALHOST:8001", "localhost.", "me.localhost", "127.0.0.1", "127.1.2.3:80", "[::1]:8001"]
    {
        assert!(allowed(host, &[], "127.0.0.1:8001"), "{host}");
        assert!(allowed(host, &[], "[::1]:8001"), "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:8001",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "notlocalhost",
        "gateway",
        "10.0.0.1",
        "0.0.0.0",
        "[2001:db8::1]:8001",
        "2130706433",
        "0x7f000001",
        "",
        ":8001",
        "localhost:8001:8001",
    ] {
        assert!(!allowed(host, &[], "127.0.0.1:8001"), "{host}");
    }
}

#[test]
fn elsewhere_what_nobody_else_can_own_is_a_name_of_ours() {
    for host in ["10.0.0.1:8001", "[2001:db8::1]", "gateway:8001", "localhost", "127.0.0.1"] {
        assert!(allowed(host, &[], "0.0.0.0:8001"), "{host}");
    }
    for host in ["evil.example", "gateway.evil.example:8001", ""] {
        assert!(!allowed(host, &[], "0.0.0.0:8001"), "{host}");
    }
}

#[test]
fn a_list_holds_wherever_the_gateway_listens() {
    let listed = ["ai.example.org", "*.inner.example", "[2001:db8::1]"];
    for host in ["ai.example.org", "AI.example.org:443", "a.b.inner.example", "[2001:db8::1]:8001"] {
        assert!(allowed(host, &listed, "127.0.0.1:8001") && allowed(host, &listed, "0.0.0.0:80"), "{host}");
    }
    for host in ["localhost", "inner.example", "notinner.example", "x.ai.example.org", "10.0.0.1"] {
        assert!(!allowed(host, &listed, "127.0.0.1:8001") && !allowed(host, &listed, "0.0.0.0:80"), "{host}");
    }
    assert!(allowed("whatever.example", &["*"], "127.0.0.1:8001"));
}

#[test]
fn two_hosts_are_none_and_a_url_has_one_too() {
    let headers = |hosts: &[&'static str]| {
        let pairs = hosts.iter().map(|host| (header::HOST, HeaderValue::from_static(host)));
        pairs.fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
    };
    let uri = |text: &str| text.parse::<Uri>().unwrap();
    assert!(names(&uri("/"), &headers(&["localhost", "localhost"])).is_err());
    assert_eq!(
        names(&uri("http://evil.example/v1"), &headers(&["localhost"])).unwrap(),
        [Some("evil.example"), Some("localhost")]
    );
    assert_eq!(names(&uri("/"), &headers(&[])).unwrap(), [None, None]);
}
