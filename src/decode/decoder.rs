//! The decoder: frames in, one [`Outcome`] each.

use super::fragment::{Added, Datagram, FragmentCounters, Reassembler};
use super::frame::{Frame, LinkType, Outcome, SkipReason};
use super::ip::{self, Address, Fragment, Packet};
use super::link::{self, LinkLayer, Walk};
use super::octets::Octets;
use super::tcp::{self, Surroundings};
use super::{fast_path, icmp, tunnel};
use crate::tcp::Segment;
use crate::tls::{Inspector, TlsOpening};

/// How to decode.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Whether TCP checksums are verified; if not, each counts as good.
    pub verify_checksums: bool,
    /// Fragmented datagrams that may be incomplete at a time, each of at most 64 KiB.
    pub max_fragmented: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { verify_checksums: true, max_fragmented: 64 }
    }
}

/// Turns frames into outcomes, in order. Of a frame it keeps nothing but fragments.
#[derive(Debug)]
pub struct Decoder {
    config: Config,
    // Frames of one input mostly have one link type: the last look-up is kept.
    last_link: Option<(LinkType, &'static LinkLayer)>,
    fragments: Reassembler,
    /// Which subframe of the last frame comes next, where that was an aggregate that is not decoded in full;
    /// else 0.
    subframe: u8,
    tls: Inspector,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            last_link: None,
            fragments: Reassembler::new(config.max_fragmented),
            subframe: 0,
            tls: Inspector::default(),
        }
    }

    /// Decodes one frame. Total: any octets give an outcome.
    #[inline(always)]
    pub fn decode(&mut self, frame: &Frame<'_>) -> Outcome {
        let mut outcome = Outcome::UnknownLink(frame.link);
        self.decode_into(frame, &mut outcome);
        outcome
    }

    /// [`Self::decode`] into a place that the caller keeps. Moving a segment that was just put together costs as much
    /// as decoding it, so it is written in place all the way down.
    #[inline(never)]
    pub fn decode_into(&mut self, frame: &Frame<'_>, outcome: &mut Outcome) {
        let ordinary = frame.link == fast_path::LINK && fast_path::decode(frame, self.config.verify_checksums, outcome);
        if !ordinary {
            self.decode_any(frame, outcome);
        }
    }

    /// Whether the frame that was decoded last holds another one: see [`Self::decode_more`].
    #[inline(always)]
    pub const fn holds_more(&self) -> bool {
        self.subframe != 0
    }

    /// Decodes the next of the frames in `frame`, which is the one that was decoded last, an aggregate (A-MSDU) of
    /// 802.11. To be called as long as [`Self::holds_more`], before another frame.
    #[cold]
    pub fn decode_more(&mut self, frame: &Frame<'_>, outcome: &mut Outcome) {
        let subframe = core::mem::take(&mut self.subframe);
        self.decode_subframe(frame, subframe, outcome);
    }

    /// Decodes any frame, the general way.
    #[inline(never)]
    pub(super) fn decode_any(&mut self, frame: &Frame<'_>, outcome: &mut Outcome) {
        self.decode_subframe(frame, 0, outcome);
    }

    /// Decodes any frame; of an aggregate, this subframe.
    #[inline(always)]
    fn decode_subframe(&mut self, frame: &Frame<'_>, subframe: u8, outcome: &mut Outcome) {
        let Some(layer) = self.link_layer(frame.link) else {
            *outcome = Outcome::UnknownLink(frame.link);
            return;
        };
        let mut walk = Walk { subframe, ..Walk::default() };
        match layer.to_ip(Octets::new(frame.data, frame.wire_len as usize), &mut walk) {
            Ok(packet) => self.network(packet, frame, &mut walk, outcome),
            Err(reason) => *outcome = Outcome::Skip(reason),
        }
        self.subframe = if walk.more { subframe + 1 } else { 0 };
    }

    /// What is known of the TLS handshake of a connection if `segment`, which was decoded last and came in `frame`,
    /// changed that. `hash` is that of the connection's key, `from_low` whether its lower end sent the segment.
    #[inline]
    pub fn inspect(&mut self, hash: u64, from_low: bool, segment: &Segment, frame: &Frame<'_>) -> Option<TlsOpening> {
        let payload = match segment.payload_at {
            0 => &[],
            at => frame.data.get(usize::from(at)..).unwrap_or_default(),
        };
        self.inspect_payload(hash, from_low, segment, payload)
    }

    /// The same of a segment with what was captured of its payload.
    #[inline]
    pub fn inspect_payload(
        &mut self,
        hash: u64,
        from_low: bool,
        segment: &Segment,
        payload: &[u8],
    ) -> Option<TlsOpening> {
        let concerned = self.tls.concerns(hash, segment, payload.first().copied());
        if concerned { self.tls.take(hash, from_low, segment, payload) } else { None }
    }

    /// How many TLS handshakes were given up because there were too many at a time.
    pub const fn handshakes_given_up(&self) -> u64 {
        self.tls.given_up()
    }

    /// What became of fragments so far.
    pub fn fragment_counters(&self) -> FragmentCounters {
        self.fragments.counters
    }

    /// Fragmented datagrams that are incomplete now.
    pub fn fragments_pending(&self) -> usize {
        self.fragments.pending()
    }

    #[inline]
    fn link_layer(&mut self, link: LinkType) -> Option<&'static LinkLayer> {
        match self.last_link {
            Some((known, layer)) if known == link => Some(layer),
            _ => {
                let layer = link::find(link)?;
                self.last_link = Some((link, layer));
                Some(layer)
            }
        }
    }

    /// From an IP header to the innermost TCP header. Recursion is bounded by what `walk` allows.
    fn network(&mut self, octets: Octets<'_>, frame: &Frame<'_>, walk: &mut Walk, outcome: &mut Outcome) {
        if let Err(reason) = walk.enter() {
            *outcome = Outcome::Skip(reason);
            return;
        }
        match octets.u8(0).map(|octet| octet >> 4) {
            Some(4) => self.packet(ip::v4(octets), frame, walk, outcome),
            Some(6) => self.packet(ip::v6(octets), frame, walk, outcome),
            Some(_) => *outcome = Outcome::Skip(SkipReason::MalformedIp),
            None => *outcome = Outcome::Skip(SkipReason::TruncatedIp),
        }
    }

    /// The ordinary packet goes straight to its TCP header. All else is kept out of this function, which then keeps the
    /// headers in registers: written to memory and read again they cost twice as much.
    #[inline(always)]
    fn packet<A: Address>(
        &mut self,
        packet: Result<Packet<'_, A>, SkipReason>,
        frame: &Frame<'_>,
        walk: &mut Walk,
        outcome: &mut Outcome,
    ) {
        match packet {
            Ok(packet) if packet.protocol == ip::protocol::TCP && packet.fragment.is_none() => {
                self.segment(packet, frame, walk, outcome);
            }
            Ok(packet) => self.transport(packet, frame, walk, outcome),
            Err(reason) => *outcome = Outcome::Skip(reason),
        }
    }

    #[inline(always)]
    fn segment<A: Address>(&self, packet: Packet<'_, A>, frame: &Frame<'_>, walk: &Walk, outcome: &mut Outcome) {
        let around = Surroundings { frame, vlan: walk.vlan, verify: self.config.verify_checksums };
        tcp::segment(packet.header, packet.payload, around, outcome);
    }

    /// Any packet: extension headers, fragments, ICMP, tunnels, TCP.
    #[inline(never)]
    fn transport<A: Address>(
        &mut self,
        packet: Packet<'_, A>,
        frame: &Frame<'_>,
        walk: &mut Walk,
        outcome: &mut Outcome,
    ) {
        let packet = match ip::walk_extensions(packet) {
            Ok(packet) => packet,
            Err(reason) => {
                *outcome = Outcome::Skip(reason);
                return;
            }
        };
        match (packet.fragment, packet.protocol) {
            (Some(part), _) => self.fragment(packet, part, frame, walk, outcome),
            (None, ip::protocol::TCP) => self.segment(packet, frame, walk, outcome),
            (None, ip::protocol::ICMP | ip::protocol::ICMPV6) => *outcome = icmp::quote(packet, frame),
            (None, kind) => match tunnel::inside(kind, packet.payload, walk) {
                Ok(inside) => self.network(inside, frame, walk, outcome),
                Err(reason) => *outcome = Outcome::Skip(reason),
            },
        }
    }

    fn fragment<A: Address>(
        &mut self,
        packet: Packet<'_, A>,
        part: Fragment,
        frame: &Frame<'_>,
        walk: &mut Walk,
        outcome: &mut Outcome,
    ) {
        let reason = match self.fragments.add(packet, part, frame.time) {
            Added::Held => SkipReason::Fragment,
            Added::HeldForAnother => SkipReason::FragmentLimit,
            Added::Impossible => SkipReason::MalformedIp,
            Added::Complete(slot) => {
                if let Some(datagram) = self.fragments.take(slot) {
                    self.datagram(&datagram, frame, walk, outcome);
                    self.fragments.recycle(datagram);
                    return;
                }
                SkipReason::Fragment
            }
        };
        *outcome = Outcome::Skip(reason);
    }

    /// A datagram put together; IPv6 may have more extension headers in it.
    fn datagram(&mut self, datagram: &Datagram, frame: &Frame<'_>, walk: &mut Walk, outcome: &mut Outcome) {
        let (header, payload) = (datagram.header, datagram.payload());
        let packet = Packet { header, protocol: datagram.protocol, payload, fragment: None };
        match walk.enter() {
            Ok(()) => self.transport(packet, frame, walk, outcome),
            Err(reason) => *outcome = Outcome::Skip(reason),
        }
        // The datagram is gone with this: what else is in it cannot be had by decoding its last fragment again.
        walk.more = false;
    }
}
