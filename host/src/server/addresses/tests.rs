use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn an_address_holds_no_more_connections_than_it_may_and_others_go_on() {
    let addresses = Addresses::new(None, 2);
    let first = addresses.enter(ip("192.0.2.1")).unwrap();
    let _second = addresses.enter(ip("::ffff:192.0.2.1")).unwrap();
    assert!(addresses.enter(ip("192.0.2.1")).is_none());
    assert!(addresses.enter(ip("192.0.2.2")).is_some());
    drop(first);
    assert!(addresses.enter(ip("192.0.2.1")).is_some());
}

#[test]
fn a_network_of_ipv6_is_one_client() {
    let addresses = Addresses::new(None, 1);
    let _one = addresses.enter(ip("2001:db8::1")).unwrap();
    assert!(addresses.enter(ip("2001:db8::2")).is_none());
    assert!(addresses.enter(ip("2001:db8:0:1::1")).is_some());
}

#[test]
fn this_machine_is_bounded_only_by_a_number_that_was_given() {
    let by_default = Addresses::new(None, 1);
    let _held = [by_default.enter(ip("127.0.0.1")).unwrap(), by_default.enter(ip("127.0.0.1")).unwrap()];
    let given = Addresses::new(Some(1), 256);
    let _one = given.enter(ip("::1")).unwrap();
    assert!(given.enter(ip("::1")).is_none());
}

#[test]
fn an_address_without_connections_is_forgotten() {
    let addresses = Addresses::new(None, 1);
    drop(addresses.enter(ip("192.0.2.1")));
    assert!(addresses.held.lock().unwrap().is_empty());
}
