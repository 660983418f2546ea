//! Community ID version 1 of a flow: the hash that Zeek, Suricata and others write, to join with them.

use core::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::flow::FlowKey;

/// IP protocol number of TCP.
const TCP: u8 = 6;

/// `1:` and the Base64 of a SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommunityId([u8; 30]);

impl CommunityId {
    /// Of the flow with this key, with seed 0.
    pub fn of(key: &FlowKey) -> Self {
        // seed, two addresses, protocol, padding, two ports; the lower endpoint first
        let mut input = [0u8; 2 + 32 + 2 + 4];
        let mut len = 2;
        let mut push = |bytes: &[u8]| {
            if let Some(place) = input.get_mut(len..len + bytes.len()) {
                place.copy_from_slice(bytes);
                len += bytes.len();
            }
        };
        for endpoint in [key.low(), key.high()] {
            match endpoint.ip {
                IpAddr::V4(ip) => push(&ip.octets()),
                IpAddr::V6(ip) => push(&ip.octets()),
            }
        }
        push(&[TCP, 0]);
        push(&key.low().port.to_be_bytes());
        push(&key.high().port.to_be_bytes());
        let digest = sha1_smol::Sha1::from(&input[..len]).digest().bytes();
        let mut text = *b"1:0000000000000000000000000000";
        // 20 octets give 28 characters: it always fits.
        let written = STANDARD.encode_slice(digest, &mut text[2..]);
        debug_assert_eq!(written, Ok(28));
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::Endpoint;

    fn id(a: &str, a_port: u16, b: &str, b_port: u16) -> String {
        let endpoint = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
        let (key, _) = FlowKey::between(endpoint(a, a_port), endpoint(b, b_port));
        CommunityId::of(&key).as_str().to_owned()
    }

    #[test]
    fn the_specifications_own_examples() {
        // From the baselines of corelight/community-id-spec (tcp.pcap, ipv6).
        assert_eq!(id("128.232.110.120", 34855, "66.35.250.204", 80), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(id("66.35.250.204", 80, "128.232.110.120", 34855), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    }
}
