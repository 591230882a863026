//! Which addresses a component may be connected to. Pure; the host asks for every address it is about to connect to.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Alibaba Cloud's metadata service lives in the shared range.
const METADATA_ALIBABA: [u8; 4] = [100, 100, 100, 200];
/// Azure's platform answers its machines at a public address (the wire server).
const METADATA_AZURE: [u8; 4] = [168, 63, 129, 16];
/// Oracle's classic cloud, among the protocol assignments.
const METADATA_ORACLE: [u8; 4] = [192, 0, 0, 192];
/// AWS and GCP answer metadata over IPv6 at these unique-local ones.
const METADATA_AWS: [u16; 8] = [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];
const METADATA_GCP: [u16; 8] = [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254];

/// Whether a connection on behalf of a component may go to `address`. Without `allow_private` only public unicast
/// addresses pass; with it private, shared (CGNAT), unique-local and loopback ones do too. Link-local ones (the cloud's
/// metadata service is one), multicast, unspecified and reserved ones never pass. IPv6 addresses that carry an IPv4
/// one (mapped, compatible, 6to4, NAT64, Teredo) are judged by that one.
pub fn address_allowed(address: IpAddr, allow_private: bool) -> bool {
    let reach = match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => reach_v6(v6),
    };
    match reach {
        Reach::Public => true,
        Reach::Private => allow_private,
        Reach::Never => false,
    }
}

/// Whether `address` is link-local, or one at which a cloud tells a machine its own credentials. IPv6 addresses that carry
/// an IPv4 one are judged by that one.
pub fn address_is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local() || matches!(v4.octets(), METADATA_ALIBABA | METADATA_AZURE | METADATA_ORACLE)
        }
        IpAddr::V6(v6) => {
            matches!(v6.segments(), [0xfe80..=0xfebf, ..] | METADATA_AWS | METADATA_GCP)
                || carried(v6).into_iter().any(|v4| address_is_link_local(v4.into()))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Public,
    Private,
    Never,
}

fn reach_v4(v4: Ipv4Addr) -> Reach {
    match v4.octets() {
        [169, 254, ..] | [0, ..] | [224..=255, ..] => Reach::Never,
        // Protocol assignments, documentation (three), 6to4 relay, benchmarking (two halves).
        [192, 0, 0, _]
        | [192, 0, 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..] => Reach::Never,
        METADATA_ALIBABA | METADATA_AZURE => Reach::Never,
        [10, ..] | [127, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_v6(v6: Ipv6Addr) -> Reach {
    if let Some(reach) = carried(v6).into_iter().map(reach_v4).max() {
        return reach;
    }
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Reach::Never,
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // NAT64's local-use prefix: only this network knows where it leads.
        [0x64, 0xff9b, 1, ..] => Reach::Private,
        METADATA_AWS | METADATA_GCP => Reach::Never,
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Documentation (two), ORCHID, discard-only, dummy.
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] | [0x2001, 0x10..=0x2f, ..] | [0x100, 0, 0, 0 | 1, ..] => {
            Reach::Never
        }
        // Global unicast is 2000::/3; link-local, site-local, multicast and what is not assigned are not in it.
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never,
    }
}

/// The IPv4 addresses that an IPv6 one leads to.
fn carried(v6: Ipv6Addr) -> Vec<Ipv4Addr> {
    match v6.segments() {
        // Unspecified and loopback are themselves.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        // Mapped, compatible, translated (RFC 2765), NAT64's well-known prefix: the IPv4 address comes last.
        [0, 0, 0, 0, 0, 0xffff | 0, a, b] | [0, 0, 0, 0, 0xffff, 0, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] => {
            vec![embedded(a, b)]
        }
        // 6to4.
        [0x2002, a, b, ..] => vec![embedded(a, b)],
        // Teredo: server in clear, client inverted.
        [0x2001, 0, a, b, _, _, c, d] => vec![embedded(a, b), embedded(!c, !d)],
        _ => Vec::new(),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests;
