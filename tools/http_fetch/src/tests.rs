use super::*;
use magic_sdk::http::{Request, Response};

fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.to_vec() }
}

fn args(url: &str) -> Args {
    Args { url: url.into(), max_chars: 8_000, links: false }
}

/// Fetches `url` where every address has one answer; the text, or `error: ` and the error's text.
fn fetched(args: &Args, answers: &[(&str, Response)]) -> String {
    let mut asked = Vec::new();
    let send = |request: &Request| {
        asked.push(request.url.clone());
        let answer = answers.iter().find(|(url, _)| *url == request.url);
        answer
            .map(|(_, response)| response.clone())
            .ok_or_else(|| http::Error::Denied(format!("{} is not on the list", request.url)))
    };
    match fetch::page(args, send) {
        Ok(text) => text,
        Err(Error::InvalidArguments(text) | Error::Failed(text) | Error::Denied(text)) => format!("error: {text}"),
        Err(other) => format!("error: {other:?}"),
    }
}

#[track_caller]
fn check_html(html: &str, expect: &str) {
    assert_eq!(html::to_text(html, None).1, expect);
}

#[test]
fn it_says_of_itself_what_it_does() {
    assert_eq!(magic_sdk::testing::problems::<HttpFetch>(), Vec::<String>::new());
}

#[test]
fn a_page_comes_with_title_and_address() {
    let html = b"<!doctype html><title>A &amp; B</title><body><h1>Hi</h1><p>One\n two.</p></body>";
    let answer = response(200, &[("Content-Type", "text/html; charset=utf-8")], html);
    let text = fetched(&args("https://a.example/p#part"), &[("https://a.example/p", answer)]);
    assert_eq!(text, "Title: A & B\nURL: https://a.example/p\n\n# Hi\n\nOne two.");
}

#[test]
fn redirects_are_followed_by_new_requests_and_end() {
    let answers = [
        ("https://a.example/", response(301, &[("location", "/b?x=1")], b"")),
        ("https://a.example/b?x=1", response(302, &[("Location", "//c.example/d")], b"")),
        ("https://c.example/d", response(200, &[("content-type", "text/plain")], b" there \n")),
        ("https://loop.example/", response(307, &[("location", "https://loop.example/")], b"")),
        ("https://away.example/", response(302, &[("location", "http://10.0.0.1/")], b"")),
        ("https://file.example/", response(302, &[("location", "file:///etc/passwd")], b"")),
    ];
    assert_eq!(fetched(&args("https://a.example/"), &answers), "URL: https://c.example/d\n\nthere");
    assert!(fetched(&args("https://loop.example/"), &answers).starts_with("error: more than 5 redirects"));
    assert_eq!(fetched(&args("https://away.example/"), &answers), "error: http://10.0.0.1/ is not on the list");
    assert!(fetched(&args("https://file.example/"), &answers).contains("`file:` addresses cannot be fetched"));
}

#[test]
fn an_address_that_is_none_is_refused_before_any_request() {
    for (url, words) in [
        ("example.com", "write it in full"),
        ("ftp://a.example/", "use https://"),
        ("https://", "names no host"),
        ("https://u:p@a.example/", "user name or password"),
        ("https://a.example/a b", "percent-encoded"),
    ] {
        let text = fetched(&args(url), &[]);
        assert!(text.contains(words), "{url}: {text}");
    }
    assert!(fetched(&Args { max_chars: 5, ..args("https://a.example/") }, &[]).contains("from 200 to 50000"));
}

#[test]
fn what_is_no_text_is_refused_by_its_type() {
    let image = [("https://a.example/i", response(200, &[("content-type", "image/png")], b"\x89PNG"))];
    assert!(fetched(&args("https://a.example/i"), &image).contains("is `image/png`"));
    let unnamed = [("https://a.example/i", response(200, &[], b"\xff\x00"))];
    assert!(fetched(&args("https://a.example/i"), &unnamed).contains("no declared type"));
    let json =
        [("https://a.example/j", response(200, &[("content-type", "application/problem+json")], br#"{"a": 1}"#))];
    assert!(fetched(&args("https://a.example/j"), &json).ends_with(r#"{"a": 1}"#));
}

#[test]
fn a_refusal_says_what_it_means() {
    let answers = [
        ("https://a.example/404", response(404, &[("content-type", "text/html")], b"<p>No  page</p>")),
        ("https://a.example/429", response(429, &[("retry-after", "7")], b"")),
    ];
    let text = fetched(&args("https://a.example/404"), &answers);
    assert_eq!(text, "error: https://a.example/404 answered 404: no such page; check the address; it says: No page");
    assert!(fetched(&args("https://a.example/429"), &answers).contains("Busy(7000)"));
}

#[test]
fn a_long_page_is_cut_and_says_so() {
    let body = "word ".repeat(100);
    let answer = [("https://a.example/", response(200, &[("content-type", "text/plain")], body.as_bytes()))];
    let text = fetched(&Args { max_chars: 200, ..args("https://a.example/") }, &answer);
    assert!(text.ends_with("word\n\n[cut: 200 of 499 characters shown; a larger max_chars shows more]"), "{text}");
}

#[test]
fn old_encodings_are_read() {
    let answer =
        [("https://a.example/", response(200, &[("content-type", "text/plain; charset=ISO-8859-1")], b"caf\xe9 \x80"))];
    assert!(fetched(&args("https://a.example/"), &answer).ends_with("café €"));
}

#[test]
fn the_machinery_of_a_page_is_left_out() {
    check_html(
        "<nav>Menu <nav>deep</nav></nav><script>if (a < b) {}</script><style>p{}</style><p>Text<svg><text>x</text></svg>.</p>\
         <div hidden>secret</div><footer>c</footer>",
        "Text.",
    );
    check_html("<nav><a href=/>Home</a>", "Home");
}

#[test]
fn structure_stays_readable() {
    check_html(
        "<h2>List</h2><ul><li>one<li><p>two</p><ol><li>a</li><li>b</li></ol></li></ul><p>a<br>b <b>bold</b>, c</p>\
         <table><tr><th>x<th>y</tr><tr><td>1</td><td>2</td></tr></table><pre>  keep\n   this</pre><p>&lt;end&gt; <img alt='a cat'>",
        "## List\n\n- one\n- two\n  1. a\n  2. b\n\na\nb bold, c\n\nx | y\n1 | 2\n\n  keep\n   this\n\n<end> [image: a cat]",
    );
}

#[test]
fn links_are_written_out_on_demand() {
    let html = "<p>See <a href='../b'>the <i>page</i></a>, <a href='#x'>here</a>, <a href='mailto:a@b'>mail</a>.";
    assert_eq!(html::to_text(html, Some("https://a.example/x/y")).1, "See the page (https://a.example/b), here, mail.");
    check_html(html, "See the page, here, mail.");
}

#[test]
fn no_markup_breaks_it() {
    for html in [
        "",
        "<",
        "</li></ul></ol></pre>",
        "<a href=",
        "<title>",
        "<ol>".repeat(300).as_str(),
        "&#xfffffff; &bogus;",
        "<svg/>x",
    ] {
        html::to_text(html, Some("https://a.example/"));
    }
    check_html("<svg/>x", "x");
}
