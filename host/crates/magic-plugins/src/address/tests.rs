use super::*;

fn check(addresses: &[&str], expected: (bool, bool)) {
    for address in addresses {
        let parsed: IpAddr = address.parse().unwrap();
        let found = (address_allowed(parsed, false), address_allowed(parsed, true));
        assert_eq!(found, expected, "{address}");
    }
}

#[test]
fn public_addresses_are_allowed() {
    check(
        &["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.169.0.1", "11.0.0.1"],
        (true, true),
    );
    check(
        &["2606:4700::1111", "2a00:1450:4001::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2002:808:808::1"],
        (true, true),
    );
}

#[test]
fn private_addresses_need_the_grant() {
    check(
        &["10.0.0.1", "127.0.0.1", "127.255.255.254", "192.168.1.1", "172.16.0.1", "172.31.255.255", "100.64.0.1"],
        (false, true),
    );
    check(&["::1", "fd12:3456::1", "fc00::1"], (false, true));
}

#[test]
fn an_embedded_address_is_judged_as_itself() {
    check(
        &["::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "::ffff:0:192.168.0.1"],
        (false, true),
    );
    check(&["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"], (false, false));
    // Teredo: the client 169.254.169.254, inverted.
    check(&["2001:0:808:808::5601:5601"], (false, false));
}

#[test]
fn some_addresses_are_never_allowed() {
    check(&["169.254.169.254", "169.254.0.1", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254"], (false, false));
    check(&["168.63.129.16", "192.0.0.192", "::ffff:168.63.129.16"], (false, false));
    check(&["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"], (false, false));
    check(&["192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.0.0.1", "192.88.99.1"], (false, false));
    check(&["::", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1", "4000::1", "3fff::1"], (false, false));
}

#[test]
fn link_local_and_metadata_are_told_from_the_rest_in_every_dress() {
    for address in
        ["169.254.0.1", "fe80::1", "febf::1", "::ffff:169.254.169.254", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe"]
    {
        assert!(address_is_link_local(address.parse().unwrap()), "{address}");
    }
    for address in [
        "100.100.100.200",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "2001:0:808:808::5601:5601",
    ] {
        assert!(address_is_link_local(address.parse().unwrap()), "{address}");
    }
    for address in ["127.0.0.1", "10.0.0.1", "100.64.0.1", "198.18.0.1", "8.8.8.8", "::1", "::", "fd12::1", "fec0::1"] {
        assert!(!address_is_link_local(address.parse().unwrap()), "{address}");
    }
}
