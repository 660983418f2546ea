//! The key of a flow: two endpoints without direction.

use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::tcp::{Endpoint, Segment};

/// One of the two ends of a flow, by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Side {
    /// The end that opened the connection.
    Client,
    /// The end that was connected to.
    Server,
}

impl Side {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Side {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Two endpoints, the numerically lower one first. VLAN and tunnel are not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowKey {
    low: u128,
    high: u128,
    low_port: u16,
    high_port: u16,
    v6: bool,
}

impl FlowKey {
    /// The key of `segment`, and whether its sender is the lower endpoint.
    pub fn of(segment: &Segment) -> (Self, bool) {
        Self::between(segment.source, segment.destination)
    }

    /// The key of the flow between two endpoints, and whether the first is the lower one.
    #[inline]
    pub fn between(a: Endpoint, b: Endpoint) -> (Self, bool) {
        if let (IpAddr::V4(a_ip), IpAddr::V4(b_ip)) = (a.ip, b.ip) {
            let (key, a_is_low) = V4Key::between((a_ip, a.port), (b_ip, b.port));
            return (Self::of_v4(key), a_is_low);
        }
        let ((a_bits, v6), (b_bits, _)) = (bits(a.ip), bits(b.ip));
        let a_is_low = (a_bits, a.port) <= (b_bits, b.port);
        let (low, high, low_port, high_port) =
            if a_is_low { (a_bits, b_bits, a.port, b.port) } else { (b_bits, a_bits, b.port, a.port) };
        (Self { low, high, low_port, high_port, v6 }, a_is_low)
    }

    /// The same as `key`.
    #[inline]
    pub(in crate::flow) const fn of_v4(key: V4Key) -> Self {
        let V4Key { addresses: [low, high], ports: [low_port, high_port] } = key;
        Self { low: low as u128, high: high as u128, low_port, high_port, v6: false }
    }

    /// Whether it is `key`.
    #[inline]
    pub(in crate::flow) fn is_v4(&self, key: V4Key) -> bool {
        !self.v6 && self.v4() == key
    }

    #[inline]
    const fn v4(&self) -> V4Key {
        V4Key { addresses: [self.low as u32, self.high as u32], ports: [self.low_port, self.high_port] }
    }

    /// The lower endpoint.
    pub fn low(&self) -> Endpoint {
        Endpoint { ip: address(self.low, self.v6), port: self.low_port }
    }

    /// The higher endpoint.
    pub fn high(&self) -> Endpoint {
        Endpoint { ip: address(self.high, self.v6), port: self.high_port }
    }

    /// Whether the addresses are IPv6.
    pub const fn is_v6(&self) -> bool {
        self.v6
    }
}

impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.v6 {
            state.write_u128(self.low);
            state.write_u128(self.high);
            state.write_u32(u32::from(self.low_port) << 16 | u32::from(self.high_port));
        } else {
            self.v4().hash(state);
        }
    }
}

/// A [`FlowKey`] of IPv4 in fewer octets: it has the same hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct V4Key {
    /// The lower endpoint's first.
    addresses: [u32; 2],
    ports: [u16; 2],
}

impl V4Key {
    /// Of nothing.
    pub(in crate::flow) const NONE: Self = Self { addresses: [0; 2], ports: [0; 2] };

    /// The key of the flow between two endpoints, and whether the first is the lower one.
    #[inline]
    pub(in crate::flow) fn between((a, a_port): (Ipv4Addr, u16), (b, b_port): (Ipv4Addr, u16)) -> (Self, bool) {
        let (a, b) = (u32::from(a), u32::from(b));
        let rank = |ip: u32, port: u16| u64::from(ip) << 16 | u64::from(port);
        if rank(a, a_port) <= rank(b, b_port) {
            (Self { addresses: [a, b], ports: [a_port, b_port] }, true)
        } else {
            (Self { addresses: [b, a], ports: [b_port, a_port] }, false)
        }
    }
}

impl Hash for V4Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ([low, high], [low_port, high_port]) = (self.addresses, self.ports);
        state.write_u64(u64::from(low) << 32 | u64::from(high));
        state.write_u64(u64::from(u32::from(low_port) << 16 | u32::from(high_port)));
    }
}

fn bits(ip: IpAddr) -> (u128, bool) {
    match ip {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)), false),
        IpAddr::V6(ip) => (u128::from(ip), true),
    }
}

fn address(bits: u128, v6: bool) -> IpAddr {
    if v6 { IpAddr::V6(Ipv6Addr::from(bits)) } else { IpAddr::V4(Ipv4Addr::from(bits as u32)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(ip: &str, port: u16) -> Endpoint {
        Endpoint { ip: ip.parse().unwrap(), port }
    }

    #[test]
    fn both_directions_share_a_key() {
        let (a, b) = (endpoint("192.0.2.1", 40000), endpoint("198.51.100.2", 80));
        let ((k1, first), (k2, second)) = (FlowKey::between(a, b), FlowKey::between(b, a));
        assert_eq!(k1, k2);
        assert!(first && !second);
        assert_eq!((k1.low(), k1.high()), (a, b));
    }

    #[test]
    fn a_mapped_v6_address_is_not_its_v4_twin() {
        let v4 = FlowKey::between(endpoint("192.0.2.1", 1), endpoint("192.0.2.2", 2)).0;
        let v6 = FlowKey::between(endpoint("::192.0.2.1", 1), endpoint("::192.0.2.2", 2)).0;
        assert_ne!(v4, v6);
    }
}
