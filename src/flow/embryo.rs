//! Flows that are nothing yet but an ordinary SYN over IPv4, in 64 octets each.
//!
//! A flood is millions of them, and they must not cost what connections cost. As soon as anything else happens to one, an
//! answer, a repetition, a deadline, its SYN is told again to a record of its own ([`super::model::Flow`]), which is then as
//! if it had been there from the start.

use core::net::{IpAddr, Ipv4Addr};

use super::prefetch::{prefetch, prefetch_write};
use super::tuple::V4Key;
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

/// An ordinary SYN over IPv4, and the number of the flow that begins with it.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Embryo {
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
    has: u8,
    window_scale: u8,
    options_len: u8,
    ttl: u8,
    traffic_class: u8,
    checksum: Checksum,
}

const _: () = assert!(size_of::<Embryo>() == 64);

impl Embryo {
    const MSS: u8 = 1;
    const WINDOW_SCALE: u8 = 1 << 1;
    const SACK: u8 = 1 << 2;
    const TIMESTAMPS: u8 = 1 << 3;
    const TRUNCATED: u8 = 1 << 4;
    const DONT_FRAGMENT: u8 = 1 << 5;
    /// Set while it is nothing but a SYN.
    const ALIVE: u8 = 1 << 6;

    /// The first number that a flow with an embryo cannot have.
    pub(super) const NUMBERS: u64 = 1 << 48;

    /// `s`, if it is an ordinary SYN: one of which nothing is lost here. Its flow has no number yet.
    pub(crate) fn of(s: &Segment) -> Option<Self> {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (s.source.ip, s.destination.ip) else { return None };
        if !has_place(s) || s.frame >> 48 != 0 {
            return None;
        }
        let o = &s.options;
        let bit = |present: bool, bit: u8| if present { bit } else { 0 };
        let embryo = Self {
            time: s.time,
            source: source.into(),
            destination: destination.into(),
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
            has: bit(o.mss.is_some(), Self::MSS)
                | bit(o.window_scale.is_some(), Self::WINDOW_SCALE)
                | bit(o.sack_permitted, Self::SACK)
                | bit(o.timestamps.is_some(), Self::TIMESTAMPS)
                | bit(s.truncated, Self::TRUNCATED)
                | bit(s.dont_fragment, Self::DONT_FRAGMENT)
                | Self::ALIVE,
            window_scale: o.window_scale.unwrap_or(0),
            options_len: o.len,
            ttl: s.ttl,
            traffic_class: s.traffic_class,
            checksum: s.checksum,
        };
        debug_assert_eq!(embryo.segment(), *s);
        Some(embryo)
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
            has: 0,
            window_scale: 0,
            options_len: 0,
            ttl: 0,
            traffic_class: 0,
            checksum: Checksum::Good,
        }
    }

    /// Who sent it.
    pub(crate) const fn source(&self) -> Endpoint {
        Endpoint { ip: IpAddr::V4(Ipv4Addr::from_bits(self.source)), port: self.ports.0 }
    }

    /// To whom.
    pub(crate) const fn destination(&self) -> Endpoint {
        Endpoint { ip: IpAddr::V4(Ipv4Addr::from_bits(self.destination)), port: self.ports.1 }
    }

    /// Its checksum, as far as could be told.
    pub(super) const fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// The SYN.
    pub(crate) fn segment(&self) -> Segment {
        let has = |bit: u8| self.has & bit != 0;
        Segment {
            time: self.time,
            frame: self.frame.get(),
            source: self.source(),
            destination: self.destination(),
            seq: SeqNumber(self.seq),
            ack_field: SeqNumber(0),
            flags: Flags::SYN,
            window: self.window,
            urgent: 0,
            payload: 0,
            options: Options {
                mss: has(Self::MSS).then_some(self.mss),
                window_scale: has(Self::WINDOW_SCALE).then_some(self.window_scale),
                sack_permitted: has(Self::SACK),
                timestamps: has(Self::TIMESTAMPS).then_some(Timestamps { value: self.timestamp, echo: 0 }),
                layout: Layout(u64::from(self.layout)),
                len: self.options_len,
                ..Options::default()
            },
            checksum: self.checksum,
            checksum_field: self.checksum_field,
            headers: Headers::Whole,
            truncated: has(Self::TRUNCATED),
            interface: self.interface,
            vlan: self.vlan,
            ip_id: self.ip_id,
            flow_label: 0,
            ttl: self.ttl,
            traffic_class: self.traffic_class,
            ip_options_len: 0,
            dont_fragment: has(Self::DONT_FRAGMENT),
            fragmented: false,
        }
    }

    /// When it passed.
    pub(super) const fn time(&self) -> Timestamp {
        self.time
    }

    /// Number of its flow.
    pub(super) const fn id(&self) -> u64 {
        self.id.get()
    }

    /// Key of its flow.
    #[inline]
    pub(super) fn key(&self) -> V4Key {
        let (source, destination) = (Ipv4Addr::from(self.source), Ipv4Addr::from(self.destination));
        V4Key::between((source, self.ports.0), (destination, self.ports.1)).0
    }

    const fn is_alive(&self) -> bool {
        self.has & Self::ALIVE != 0
    }
}

/// Whether `s`, over IPv4, is a SYN with nothing in it that has no place in an [`Embryo`].
fn has_place(s: &Segment) -> bool {
    let o = &s.options;
    s.flags == Flags::SYN
        && s.ack_field.0 == 0
        && s.urgent == 0
        && s.payload == 0
        && s.checksum != Checksum::Bad
        && s.headers == Headers::Whole
        && s.flow_label == 0
        && s.ip_options_len == 0
        && !s.fragmented
        && o.sack_blocks == 0
        && o.fast_open.is_none()
        && o.mptcp.is_none()
        && o.faults.is_empty()
        && o.layout.0 >> 32 == 0
        && o.timestamps.is_none_or(|t| t.echo == 0)
}

/// SYNs in the order in which they came. A place is a serial number modulo 2^31.
///
/// A ring of its own, because it is written to from end to end all through a flood: where the next ones go is asked for ahead.
#[derive(Debug, Default)]
pub(super) struct Embryos {
    /// The ring; as long as there was need for, at most `room`.
    ring: Vec<Embryo>,
    /// Positions of the ring: a power of two, or none.
    room: usize,
    /// Serial number of what is at position 0, or was before the ring went round.
    origin: u64,
    /// Serial number of the oldest.
    base: u64,
    /// From the oldest to the newest, the empty ones between them counted.
    span: usize,
    alive: usize,
}

impl Embryos {
    const PLACES: u64 = 1 << 31;
    /// Positions of the smallest ring.
    const LEAST: usize = 64;
    /// How many places ahead one is asked for before it is written to.
    const AHEAD: u64 = 8;

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.alive
    }

    /// Keeps `syn` as the first segment of flow `id`, which is below [`Embryo::NUMBERS`]; its place.
    #[inline]
    pub(super) fn push(&mut self, syn: &Embryo, id: u64) -> u32 {
        if self.span == self.room {
            self.grow();
        }
        let serial = self.base + self.span as u64;
        let at = self.position(serial);
        if at == self.ring.len() {
            self.ring.push(*syn);
        }
        // Whole, and then the number: one that was put together before it is moved would make the processor wait.
        self.ring[at] = *syn;
        self.ring[at].id = U48::new(id);
        self.ring.get(self.position(serial + Self::AHEAD)).into_iter().for_each(prefetch_write);
        self.span += 1;
        self.alive += 1;
        (serial % Self::PLACES) as u32
    }

    fn grow(&mut self) {
        // It is full: the oldest is at its position, or the ring is still empty.
        if !self.ring.is_empty() {
            let oldest = self.position(self.base);
            self.ring.rotate_left(oldest);
        }
        self.room = (2 * self.room).max(Self::LEAST);
        self.ring.reserve_exact(self.room - self.ring.len());
        self.origin = self.base;
    }

    /// The one at `place`.
    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&Embryo> {
        self.at(place).and_then(|at| self.ring.get(at)).filter(|embryo| embryo.is_alive())
    }

    /// Drops the one at `place`.
    #[inline]
    pub(super) fn drop(&mut self, place: u32) {
        let Some(at) = self.at(place) else { return };
        let Some(embryo) = self.ring.get_mut(at).filter(|embryo| embryo.is_alive()) else { return };
        embryo.has &= !Embryo::ALIVE;
        self.alive -= 1;
        while self.span > 0 && !self.ring[self.position(self.base)].is_alive() {
            self.base += 1;
            self.span -= 1;
        }
    }

    /// Place of the oldest, if there are places for no more than `limit`, the empty ones between them counted.
    pub(super) fn surplus(&self, limit: usize) -> Option<u32> {
        (self.span >= limit.max(1)).then_some((self.base % Self::PLACES) as u32)
    }

    /// Asks the processor for the one at `place`, if there is any.
    pub(super) fn foresee(&self, place: u32) {
        self.at(place).and_then(|at| self.ring.get(at)).into_iter().for_each(prefetch);
    }

    /// Every one, with its place, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Embryo)> {
        let places = (self.base..self.base + self.span as u64).map(|serial| (serial % Self::PLACES) as u32);
        places.filter_map(|place| Some((place, self.get(place)?)))
    }

    /// Position in the ring of what has this serial number.
    #[inline]
    const fn position(&self, serial: u64) -> usize {
        (serial - self.origin) as usize & self.room.wrapping_sub(1)
    }

    /// Position in the ring of `place`, if it is one between the oldest and the newest.
    #[inline]
    const fn at(&self, place: u32) -> Option<usize> {
        let from_oldest = (place as u64).wrapping_sub(self.base) % Self::PLACES;
        if from_oldest < self.span as u64 { Some(self.position(self.base + from_oldest)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::FlowKey;
    use crate::tcp::options::{FastOpen, OptionFaults};

    fn syn() -> Segment {
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
            ..Embryo {
                time: Timestamp(1_700_000_000_123_456_789),
                source: 0,
                destination: 0,
                seq: 0x8000_0001,
                timestamp: 0,
                layout: 0,
                ports: (0, 0),
                frame: U48::new((1 << 48) - 1),
                id: U48::new(0),
                window: 64240,
                ip_id: 54321,
                checksum_field: 0xabcd,
                interface: 3,
                vlan: 100,
                mss: 0,
                has: Embryo::TRUNCATED | Embryo::DONT_FRAGMENT,
                window_scale: 0,
                options_len: 0,
                ttl: 63,
                traffic_class: 0x10,
                checksum: Checksum::Offload,
            }
            .segment()
        }
        .between(end([192, 0, 2, 1], 40000), end([198, 51, 100, 2], 80))
    }

    impl Embryos {
        fn take(&mut self, place: u32) -> Option<u64> {
            let id = self.get(place)?.id();
            self.drop(place);
            Some(id)
        }
    }

    impl Segment {
        fn between(mut self, source: Endpoint, destination: Endpoint) -> Self {
            (self.source, self.destination) = (source, destination);
            self
        }
    }

    #[test]
    fn an_ordinary_syn_comes_out_as_it_went_in() {
        let embryo = Embryo::of(&syn()).unwrap();
        assert_eq!((embryo.segment(), embryo.id(), FlowKey::of_v4(embryo.key())), (syn(), 0, FlowKey::of(&syn()).0));
    }

    #[test]
    fn what_would_lose_something_is_refused() {
        let refused = |change: fn(&mut Segment)| {
            let mut s = syn();
            change(&mut s);
            Embryo::of(&s).is_none()
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
        assert!(refused(|s| s.flow_label = 1));
        assert!(refused(|s| s.ip_options_len = 4));
        assert!(refused(|s| s.options.sack_blocks = 1));
        assert!(refused(|s| s.options.faults = OptionFaults::NOT_CAPTURED));
        assert!(!refused(|s| s.options = Options::default()));
    }

    #[test]
    fn places_stay_while_others_come_and_go() {
        let mut embryos = Embryos::default();
        let places: Vec<u32> = (0..4).map(|id| embryos.push(&Embryo::of(&syn()).unwrap(), id)).collect();
        assert_eq!(embryos.take(places[1]), Some(1));
        assert!(embryos.take(places[1]).is_none() && embryos.get(places[1]).is_none());
        assert_eq!(embryos.take(places[0]), Some(0));
        assert_eq!(embryos.get(places[3]).map(Embryo::id), Some(3));
        assert_eq!(
            embryos.iter().map(|(place, e)| (place, e.id())).collect::<Vec<_>>(),
            [(places[2], 2), (places[3], 3)]
        );
        assert_eq!((embryos.len(), embryos.surplus(2), embryos.surplus(3)), (2, Some(places[2]), None));
    }

    #[test]
    fn the_ring_grows_and_goes_round() {
        let mut embryos = Embryos::default();
        let syn = Embryo::of(&syn()).unwrap();
        let mut places = std::collections::VecDeque::new();
        for id in 0..1000 {
            places.push_back((embryos.push(&syn, id), id));
            // Held: 1, 1, 2, 2, 3, …, so that it goes round while it grows.
            if id % 2 == 1 {
                let (place, oldest) = places.pop_front().unwrap();
                assert_eq!(embryos.surplus(1), Some(place));
                assert_eq!(embryos.take(place), Some(oldest));
                assert!(embryos.get(place).is_none());
            }
        }
        let kept: Vec<(u32, u64)> = embryos.iter().map(|(place, e)| (place, e.id())).collect();
        assert_eq!(kept, Vec::from(places));
        assert_eq!((embryos.len(), embryos.ring.capacity()), (500, 512));
    }
}
