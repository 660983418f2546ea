//! Flows that are nothing yet but an ordinary SYN, in 64 octets each over IPv4 and 112 over IPv6.
//!
//! A flood is millions of them, and they must not cost what connections cost. As soon as anything else happens to one,
//! an answer, a repetition, a deadline, its SYN is taken again into a record of its own ([`crate::flow::Flow`]), which
//! is then as if it had been there from the start.

use core::hash::BuildHasher;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bitflags::bitflags;

use crate::flow::record::tuple::{FlowKey, V4Key};
use crate::tcp::options::{Layout, Timestamps};
use crate::tcp::{Checksum, Endpoint, Flags, Headers, Options, Segment, SeqNumber};
use crate::time::Timestamp;

/// Whole numbers below 2^48, in six octets.
#[derive(Clone, Copy, Debug)]
struct U48([u16; 3]);

impl U48 {
    const fn new(n: u64) -> Self {
        Self([n as u16, (n >> 16) as u16, (n >> 32) as u16])
    }

    const fn get(self) -> u64 {
        let [low, middle, high] = self.0;
        low as u64 | (middle as u64) << 16 | (high as u64) << 32
    }
}

/// An ordinary SYN, without the addresses if it is one over IPv6, and the number of the flow that begins with it.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct SynRecord {
    time: Timestamp,
    source: u32,
    destination: u32,
    seq: u32,
    timestamp: u32,
    /// The option list, four bits each: no more than eight of them.
    layout: u32,
    ports: (u16, u16),
    frame: U48,
    id: U48,
    window: u16,
    ip_id: u16,
    checksum_field: u16,
    interface: u16,
    vlan: u16,
    mss: u16,
    /// Which of what follows there is: see the constants.
    has: SynTraits,
    window_scale: u8,
    options_len: u8,
    ttl: u8,
    traffic_class: u8,
    checksum: Checksum,
}

const _: () = assert!(size_of::<SynRecord>() == 64);

/// What a SYN over IPv6 has more than an [`SynRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V6Addresses {
    source: u128,
    destination: u128,
    flow_label: u32,
}

impl V6Addresses {
    /// That of a SYN over IPv4.
    pub(crate) const NONE: Self = Self { source: 0, destination: 0, flow_label: 0 };
}

/// An ordinary SYN that is kept in little room.
#[derive(Clone, Copy, Debug)]
pub struct Syn<'a> {
    pub(crate) syn_record: &'a SynRecord,
    /// Means something only if the SYN record is that of a SYN over IPv6.
    pub(crate) wide: &'a V6Addresses,
}

impl Syn<'_> {
    /// Who sent it.
    pub(crate) const fn source(&self) -> Endpoint {
        end(self.syn_record, self.syn_record.source, self.wide.source, self.syn_record.ports.0)
    }

    /// To whom.
    pub(crate) const fn destination(&self) -> Endpoint {
        end(self.syn_record, self.syn_record.destination, self.wide.destination, self.syn_record.ports.1)
    }

    /// Key of its flow.
    pub(in crate::flow) fn key(&self) -> FlowKey {
        if self.syn_record.is_wide() {
            FlowKey::between(self.source(), self.destination()).0
        } else {
            FlowKey::of_v4(self.syn_record.v4_key())
        }
    }

    /// Whether the key of its flow is `key`.
    #[inline]
    pub(in crate::flow) fn is_of(&self, key: &FlowKey) -> bool {
        if self.syn_record.is_wide() { self.key() == *key } else { key.is_v4(self.syn_record.v4_key()) }
    }

    /// The hash of the key of its flow.
    #[inline]
    pub(in crate::flow) fn hash(&self, hasher: &impl BuildHasher) -> u64 {
        if self.syn_record.is_wide() { hasher.hash_one(self.key()) } else { hasher.hash_one(self.syn_record.v4_key()) }
    }

    /// The SYN.
    pub(crate) fn segment(&self) -> Segment {
        let e = self.syn_record;
        let has = |bit: SynTraits| e.has.contains(bit);
        Segment {
            time: e.time,
            frame: e.frame.get(),
            source: self.source(),
            destination: self.destination(),
            seq: SeqNumber(e.seq),
            ack_field: SeqNumber(0),
            flags: Flags::SYN,
            window: e.window,
            urgent: 0,
            payload: 0,
            options: Options {
                mss: has(SynTraits::MSS).then_some(e.mss),
                window_scale: has(SynTraits::WINDOW_SCALE).then_some(e.window_scale),
                sack_permitted: has(SynTraits::SACK),
                timestamps: has(SynTraits::TIMESTAMPS).then_some(Timestamps { value: e.timestamp, echo: 0 }),
                layout: Layout(u64::from(e.layout)),
                len: e.options_len,
                ..Options::default()
            },
            checksum: e.checksum,
            checksum_field: e.checksum_field,
            headers: Headers::Whole,
            truncated: has(SynTraits::TRUNCATED),
            interface: e.interface,
            vlan: e.vlan,
            ip_id: e.ip_id,
            flow_label: if e.is_wide() { self.wide.flow_label } else { 0 },
            ttl: e.ttl,
            traffic_class: e.traffic_class,
            ip_options_len: 0,
            dont_fragment: has(SynTraits::DONT_FRAGMENT),
            fragmented: false,
            payload_at: 0,
        }
    }
}

/// One end of a SYN.
const fn end(syn_record: &SynRecord, narrow: u32, wide: u128, port: u16) -> Endpoint {
    let v6 = syn_record.is_wide();
    let ip = if v6 { IpAddr::V6(Ipv6Addr::from_bits(wide)) } else { IpAddr::V4(Ipv4Addr::from_bits(narrow)) };
    Endpoint { ip, port }
}

bitflags! {
    /// What a SYN has besides numbers.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct SynTraits: u8 {
        const MSS = 1;
        const WINDOW_SCALE = 1 << 1;
        const SACK = 1 << 2;
        const TIMESTAMPS = 1 << 3;
        const TRUNCATED = 1 << 4;
        const DONT_FRAGMENT = 1 << 5;
        /// Set while it is nothing but a SYN.
        const ALIVE = 1 << 6;
        /// Its addresses are of IPv6.
        const WIDE = 1 << 7;
    }
}

impl SynRecord {
    /// The first number that a flow with a SYN record cannot have.
    pub(in crate::flow) const NUMBERS: u64 = 1 << 48;

    /// `s`, if it is an ordinary SYN: a SYN record holds all of it. Its flow has no number yet.
    pub(crate) fn of(s: &Segment) -> Option<(Self, V6Addresses)> {
        if !has_place(s) || s.frame >> 48 != 0 {
            return None;
        }
        let (narrow, wide) = match (s.source.ip, s.destination.ip) {
            (IpAddr::V4(source), IpAddr::V4(destination)) if s.flow_label == 0 => {
                ((source.to_bits(), destination.to_bits()), V6Addresses::NONE)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let (source, destination) = (source.to_bits(), destination.to_bits());
                ((0, 0), V6Addresses { source, destination, flow_label: s.flow_label })
            }
            _ => return None,
        };
        let o = &s.options;
        let bit = |present: bool, bit: SynTraits| if present { bit } else { SynTraits::empty() };
        let syn_record = Self {
            time: s.time,
            source: narrow.0,
            destination: narrow.1,
            seq: s.seq.0,
            timestamp: o.timestamps.map_or(0, |t| t.value),
            layout: o.layout.0 as u32,
            ports: (s.source.port, s.destination.port),
            frame: U48::new(s.frame),
            id: U48::new(0),
            window: s.window,
            ip_id: s.ip_id,
            checksum_field: s.checksum_field,
            interface: s.interface,
            vlan: s.vlan,
            mss: o.mss.unwrap_or(0),
            has: bit(o.mss.is_some(), SynTraits::MSS)
                | bit(o.window_scale.is_some(), SynTraits::WINDOW_SCALE)
                | bit(o.sack_permitted, SynTraits::SACK)
                | bit(o.timestamps.is_some(), SynTraits::TIMESTAMPS)
                | bit(s.truncated, SynTraits::TRUNCATED)
                | bit(s.dont_fragment, SynTraits::DONT_FRAGMENT)
                | bit(s.source.ip.is_ipv6(), SynTraits::WIDE)
                | SynTraits::ALIVE,
            window_scale: o.window_scale.unwrap_or(0),
            options_len: o.len,
            ttl: s.ttl,
            traffic_class: s.traffic_class,
            checksum: s.checksum,
        };
        debug_assert_eq!(Syn { syn_record: &syn_record, wide: &wide }.segment(), *s);
        Some((syn_record, wide))
    }

    /// An ordinary SYN between nobody, to be overwritten.
    pub(crate) const fn of_nothing() -> Self {
        Self {
            time: Timestamp(0),
            source: 0,
            destination: 0,
            seq: 0,
            timestamp: 0,
            layout: 0,
            ports: (0, 0),
            frame: U48::new(0),
            id: U48::new(0),
            window: 0,
            ip_id: 0,
            checksum_field: 0,
            interface: 0,
            vlan: 0,
            mss: 0,
            has: SynTraits::empty(),
            window_scale: 0,
            options_len: 0,
            ttl: 0,
            traffic_class: 0,
            checksum: Checksum::Good,
        }
    }

    /// Whether its addresses are of IPv6, and elsewhere.
    #[inline]
    pub(crate) const fn is_wide(&self) -> bool {
        self.has.contains(SynTraits::WIDE)
    }

    /// Its checksum, as far as is known.
    pub(in crate::flow) const fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// When it passed.
    pub(in crate::flow) const fn time(&self) -> Timestamp {
        self.time
    }

    /// Its initial sequence number.
    #[inline]
    pub(in crate::flow) const fn isn(&self) -> SeqNumber {
        SeqNumber(self.seq)
    }

    /// Number of its flow.
    pub(in crate::flow) const fn id(&self) -> u64 {
        self.id.get()
    }

    /// Key of its flow, over IPv4.
    #[inline]
    fn v4_key(&self) -> V4Key {
        let (source, destination) = (Ipv4Addr::from(self.source), Ipv4Addr::from(self.destination));
        V4Key::between((source, self.ports.0), (destination, self.ports.1)).0
    }

    /// It is that of flow `id`, which is below [`Self::NUMBERS`].
    #[inline]
    pub(in crate::flow) const fn set_id(&mut self, id: u64) {
        self.id = U48::new(id);
    }

    /// It is nothing but a SYN no longer.
    #[inline]
    pub(in crate::flow) const fn end(&mut self) {
        self.has = self.has.difference(SynTraits::ALIVE);
    }

    /// Whether it is nothing but a SYN.
    #[inline]
    pub(in crate::flow) const fn is_alive(&self) -> bool {
        self.has.contains(SynTraits::ALIVE)
    }
}

/// Whether `s` is a SYN with nothing in it that has no place in an [`SynRecord`] and its [`V6Addresses`].
fn has_place(s: &Segment) -> bool {
    let o = &s.options;
    s.flags == Flags::SYN
        && s.ack_field.0 == 0
        && s.urgent == 0
        && s.payload == 0
        && s.checksum != Checksum::Bad
        && s.headers == Headers::Whole
        && s.ip_options_len == 0
        && !s.fragmented
        && o.sack_blocks == 0
        && o.fast_open.is_none()
        && o.mptcp.is_none()
        && o.faults.is_empty()
        && o.layout.0 >> 32 == 0
        && o.timestamps.is_none_or(|t| t.echo == 0)
}

#[cfg(test)]
pub(in crate::flow) mod tests {
    use super::*;
    use crate::flow::FlowKey;
    use crate::tcp::options::{FastOpen, OptionFaults};

    pub(in crate::flow) fn syn() -> Segment {
        let bare = SynRecord {
            time: Timestamp(1_700_000_000_123_456_789),
            seq: 0x8000_0001,
            frame: U48::new((1 << 48) - 1),
            window: 64240,
            ip_id: 54321,
            checksum_field: 0xabcd,
            interface: 3,
            vlan: 100,
            has: SynTraits::TRUNCATED | SynTraits::DONT_FRAGMENT,
            ttl: 63,
            traffic_class: 0x10,
            checksum: Checksum::Offload,
            ..SynRecord::of_nothing()
        };
        let end = |ip: [u8; 4], port| Endpoint { ip: ip.into(), port };
        Segment {
            options: Options {
                mss: Some(1460),
                window_scale: Some(7),
                sack_permitted: true,
                timestamps: Some(Timestamps { value: 0xdead_beef, echo: 0 }),
                layout: Layout(0x42753),
                len: 20,
                ..Options::default()
            },
            ..Syn { syn_record: &bare, wide: &V6Addresses::NONE }.segment()
        }
        .between(end([192, 0, 2, 1], 40000), end([198, 51, 100, 2], 80))
    }

    pub(in crate::flow) fn syn_v6() -> Segment {
        let end = |ip: [u16; 8], port| Endpoint { ip: ip.into(), port };
        let source = end([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 40000);
        Segment { flow_label: 0xf_abcd, ip_id: 0, ..syn().between(source, end([0x2001, 0xdb8, 1, 0, 0, 0, 0, 2], 80)) }
    }

    impl Segment {
        fn between(mut self, source: Endpoint, destination: Endpoint) -> Self {
            (self.source, self.destination) = (source, destination);
            self
        }
    }

    #[test]
    fn an_ordinary_syn_comes_out_as_it_went_in() {
        for s in [syn(), syn_v6()] {
            let (syn_record, wide) = SynRecord::of(&s).unwrap();
            let (kept, key) = (Syn { syn_record: &syn_record, wide: &wide }, FlowKey::of(&s).0);
            assert_eq!((kept.segment(), kept.key(), kept.is_of(&key)), (s, key, true));
            assert_eq!((kept.source(), kept.destination(), syn_record.id()), (s.source, s.destination, 0));
            let hasher = foldhash::fast::FixedState::default();
            assert_eq!(kept.hash(&hasher), hasher.hash_one(key));
            assert!(!kept.is_of(&FlowKey::between(s.source, s.source).0));
        }
    }

    #[test]
    fn what_would_lose_something_is_refused() {
        let refused = |change: fn(&mut Segment)| {
            [syn(), syn_v6()].into_iter().all(|mut s| {
                change(&mut s);
                SynRecord::of(&s).is_none()
            })
        };
        assert!(refused(|s| s.payload = 1));
        assert!(refused(|s| s.flags = Flags::SYN | Flags::ECE));
        assert!(refused(|s| s.ack_field = SeqNumber(1)));
        assert!(refused(|s| s.options.timestamps = Some(Timestamps { value: 1, echo: 1 })));
        assert!(refused(|s| s.options.fast_open = Some(FastOpen { cookie_len: 8, experimental: false })));
        assert!(refused(|s| s.options.layout = Layout(0x1_2222_2222)));
        assert!(refused(|s| s.checksum = Checksum::Bad));
        assert!(refused(|s| s.frame = 1 << 48));
        assert!(refused(|s| s.headers = Headers::OptionsCut));
        assert!(refused(|s| s.fragmented = true));
        assert!(refused(|s| s.urgent = 1));
        assert!(refused(|s| s.ip_options_len = 4));
        assert!(refused(|s| s.options.sack_blocks = 1));
        assert!(refused(|s| s.options.faults = OptionFaults::NOT_CAPTURED));
        assert!(!refused(|s| s.options = Options::default()));
        assert!(SynRecord::of(&Segment { flow_label: 1, ..syn() }).is_none());
        assert!(SynRecord::of(&Segment { source: syn_v6().source, ..syn() }).is_none());
    }
}
