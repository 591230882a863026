use super::*;

fn hosts(patterns: &[&str]) -> Vec<HostPattern> {
    patterns.iter().map(|pattern| HostPattern::parse(pattern).unwrap()).collect()
}

/// What is sent, or the host that would have to be listed, or the complaint.
fn check_one(patterns: &[&str], url: &str) -> String {
    match check(url, &hosts(patterns)) {
        Ok(url) => url.into(),
        Err(Refused::NotListed(host)) => format!("not listed: {host}"),
        Err(Refused::Invalid(text)) => format!("invalid: {text}"),
    }
}

#[test]
fn a_listed_host_is_reached_in_every_spelling_of_it() {
    for url in [
        "https://api.example.com/a",
        "HTTPS://API.Example.COM/a",
        "https://api.example.com./a",
        "https://api.example.com:443/a",
        "https:\\\\api.example.com\\a",
        "https://api%2Eexample.com/a",
        "https://api.exa\tmple.com/a",
        "https://api.example.com/a#frag",
    ] {
        assert_eq!(check_one(&["api.example.com"], url), "https://api.example.com/a", "{url}");
    }
    assert_eq!(check_one(&["API.example.com."], "http://api.example.com/"), "http://api.example.com/");
}

#[test]
fn another_host_is_not_listed_whatever_it_looks_like() {
    for (url, host) in [
        ("https://example.com/", "example.com"),
        ("https://api.example.com.evil.net/", "api.example.com.evil.net"),
        ("https://xapi.example.com/", "xapi.example.com"),
        ("https://evil.net/api.example.com", "evil.net"),
        ("https://evil.net?api.example.com", "evil.net"),
        ("https://evil.net#@api.example.com", "evil.net"),
        ("https://evil.net\\@api.example.com/", "evil.net"),
        ("https://api.example.com:8443/", "api.example.com:8443"),
        ("https://127.0.0.1/", "127.0.0.1"),
        ("https://localhost/", "localhost"),
    ] {
        assert_eq!(check_one(&["api.example.com"], url), format!("not listed: {host}"), "{url}");
    }
}

#[test]
fn a_user_in_the_url_is_refused_even_for_a_listed_host() {
    for url in ["https://u@api.example.com/", "https://u:p@api.example.com/", "https://api.example.com@evil.net/"] {
        assert!(check_one(&["*"], url).starts_with("invalid: a URL must not carry a user"), "{url}");
    }
}

#[test]
fn what_is_not_http_is_invalid() {
    for url in ["ftp://a.example/", "file:///etc/passwd", "data:,x", "gopher://a.example/", "javascript:1"] {
        assert!(check_one(&["*"], url).starts_with("invalid: the scheme"), "{url}");
    }
    for url in ["", "a.example", "//a.example/", "https://", "https://a..", "https://.", "https://a b.example/"] {
        assert!(check_one(&["*"], url).starts_with("invalid: "), "{url}");
    }
    assert!(
        check_one(&["*"], &format!("https://a.example/{}", "x".repeat(9000))).starts_with("invalid: the URL is longer")
    );
}

#[test]
fn an_address_is_one_address_in_every_spelling() {
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://017700000001/",
        "http://127.0.0.1./",
    ] {
        assert_eq!(check_one(&["127.0.0.1"], url), "http://127.0.0.1/", "{url}");
        assert_eq!(check_one(&["*"], url), "not listed: 127.0.0.1", "a star covers names only: {url}");
    }
    for url in ["http://[::1]/", "http://[0:0::0:1]/", "http://[0000:0000:0000:0000:0000:0000:0000:0001]/"] {
        assert_eq!(check_one(&["[::1]"], url), "http://[::1]/", "{url}");
    }
    assert_eq!(check_one(&["127.0.0.1"], "http://[::ffff:127.0.0.1]/"), "not listed: [::ffff:7f00:1]");
    assert_eq!(check_one(&["127.0.0.1"], "http://１２７.0.0.1/"), "http://127.0.0.1/");
}

#[test]
fn punycode_and_unicode_are_one_name() {
    for pattern in ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"] {
        assert_eq!(check_one(&[pattern], "https://bücher.example/"), "https://xn--bcher-kva.example/");
        assert_eq!(check_one(&[pattern], "https://xn--bcher-kva.example/"), "https://xn--bcher-kva.example/");
    }
    // A look-alike is another name: the first letter is Cyrillic.
    assert_eq!(check_one(&["api.example"], "https://аpi.example/"), "not listed: xn--pi-6kc.example");
}

#[test]
fn a_wildcard_covers_what_is_below_and_not_itself() {
    assert_eq!(check_one(&["*.example.com"], "https://a.example.com/"), "https://a.example.com/");
    assert_eq!(check_one(&["*.example.com"], "https://a.b.EXAMPLE.com./"), "https://a.b.example.com/");
    assert_eq!(check_one(&["*.example.com"], "https://example.com/"), "not listed: example.com");
    assert_eq!(check_one(&["*.example.com"], "https://aexample.com/"), "not listed: aexample.com");
    assert_eq!(check_one(&["*"], "https://anything.example/"), "https://anything.example/");
    assert_eq!(check_one(&[], "https://anything.example/"), "not listed: anything.example");
}

#[test]
fn ports_are_part_of_the_listing() {
    assert_eq!(check_one(&["a.example:8443"], "https://a.example:8443/"), "https://a.example:8443/");
    assert_eq!(check_one(&["a.example:8443"], "https://a.example/"), "not listed: a.example");
    assert_eq!(check_one(&["a.example:443"], "https://a.example/"), "https://a.example/");
    assert_eq!(check_one(&["a.example:443"], "http://a.example/"), "not listed: a.example");
    assert_eq!(check_one(&["a.example"], "https://a.example:80/"), "not listed: a.example:80");
    assert_eq!(check_one(&["a.example:*"], "https://a.example:1/"), "https://a.example:1/");
    assert_eq!(check_one(&["[::1]:8080"], "http://[::1]:8080/"), "http://[::1]:8080/");
}

#[test]
fn a_pattern_that_is_no_host_is_refused() {
    for pattern in [
        "",
        "https://a.example",
        "a.example/x",
        "u@a.example",
        "a.*.example",
        "*a.example",
        "a.example:x",
        "a.example:99999",
        "*.127.0.0.1",
        "*.0.1",
        "a b",
        "::1",
    ] {
        assert!(HostPattern::parse(pattern).is_err(), "{pattern}");
    }
    for pattern in ["a.example", "*.a.example", "*", "127.0.0.1:80", "[::1]", "[::1]:*", "*:8080"] {
        assert_eq!(HostPattern::parse(pattern).unwrap().to_string(), pattern);
    }
}

#[test]
fn the_shown_url_has_no_query() {
    let url = check("https://a.example/p?key=1", &hosts(&["*"])).unwrap();
    assert_eq!(shown(&url), "https://a.example/p");
}
