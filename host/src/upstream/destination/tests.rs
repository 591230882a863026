use super::*;

#[test]
fn a_metadata_service_is_refused_in_every_spelling_and_a_private_address_is_not() {
    for base in [
        "http://169.254.169.254/v1",
        "http://2852039166/v1",
        "http://0xa9fea9fe/v1",
        "http://0251.0376.0251.0376/v1",
        "http://169.254.43518/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://[64:ff9b::169.254.169.254]/v1",
        "http://[2002:a9fe:a9fe::1]/v1",
        "http://[fd00:ec2::254]/v1",
        "http://[fe80::1]/v1",
        "http://100.100.100.200/v1",
        "http://168.63.129.16/v1",
        "http://192.0.0.192/v1",
    ] {
        assert!(check_literal(&base.parse().unwrap()).is_err(), "{base}");
    }
    for base in [
        "http://127.0.0.1:8080/v1",
        "http://10.0.0.7/v1",
        "http://[fd12::1]/v1",
        "https://198.18.0.4/v1",
        "http://gpu:1/v1",
    ] {
        assert!(check_literal(&base.parse().unwrap()).is_ok(), "{base}");
    }
}

#[test]
fn a_name_is_connected_to_only_where_a_vendor_may_be() {
    let at = |addresses: &[&str]| -> Vec<SocketAddr> { addresses.iter().map(|at| at.parse().unwrap()).collect() };
    let mixed = at(&["169.254.169.254:0", "10.0.0.7:0", "[fe80::1]:0"]);
    assert_eq!(permitted(mixed.into_iter()).unwrap(), at(&["10.0.0.7:0"]));
    let refused = permitted(at(&["169.254.169.254:0"]).into_iter()).unwrap_err();
    assert!(refused.to_string().contains("allow_link_local_vendors"));
}
