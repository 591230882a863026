use super::*;

fn find(name: &str) -> Result<Secret, Refused> {
    match name {
        "K" => Ok(Secret::new("v&1".to_owned())),
        "LINE" => Ok(Secret::new("a\r\nb".to_owned())),
        other => Err(Refused::Ungranted(other.to_owned())),
    }
}

#[test]
fn placeholders_are_replaced_and_nothing_else() {
    for (text, expected) in [
        ("Bearer {{secret:K}}", "Bearer v&1"),
        ("{{secret:K}}{{secret:K}}!", "v&1v&1!"),
        ("{{secret:K", "{{secret:K"),
        ("{{ secret:K }}", "{{ secret:K }}"),
        ("plain", "plain"),
    ] {
        assert_eq!(put_in_header(text, &find).unwrap(), expected);
    }
    assert_eq!(put_in_header("{{secret:X}}", &find), Err(Refused::Ungranted("X".to_owned())));
    assert_eq!(put_in_header("{{secret:LINE}}", &find), Err(Refused::Unprintable("LINE".to_owned())));
}

#[test]
fn a_query_keeps_every_byte_that_is_not_a_placeholder() {
    for (query, expected) in [
        ("a=%20+b&k={{secret:K}}&c", "a=%20+b&k=v%261&c"),
        ("k=%7B%7Bsecret%3AK%7D%7D", "k=v%261"),
        ("a=1&&b", "a=1&&b"),
    ] {
        let mut url = Url::parse(&format!("https://a.example/?{query}")).unwrap();
        put_in_query(&mut url, &find).unwrap();
        assert_eq!(url.query(), Some(expected));
    }
}

#[test]
fn a_secret_that_was_put_in_is_not_read_for_placeholders() {
    let nested = |_: &str| Ok(Secret::new("{{secret:OTHER}}".to_owned()));
    assert_eq!(put_in_header("{{secret:K}}", &nested).unwrap(), "{{secret:OTHER}}");
}
