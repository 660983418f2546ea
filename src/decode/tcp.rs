//! The TCP header (RFC 9293 section 3.1), whatever is left of it, to a [`Segment`].

use etherparse::TcpHeaderSlice;

use super::ip::{Address, IpHeader};
use super::octets::Octets;
use super::{Frame, Outcome, SkipReason, checksum};
use crate::tcp::{Checksum, Endpoint, Flags, Headers, Options, Segment, SeqNumber};

/// Octets of a TCP header without options.
const FIXED: usize = 20;

/// What a segment takes from the frame around it.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'f> {
    pub(super) frame: &'f Frame<'f>,
    pub(super) vlan: u16,
    pub(super) verify: bool,
}

/// Reads the segment that `ip` carries. Its payload is what the IP length leaves behind the header, captured or not.
#[inline(always)]
pub(super) fn segment<A: Address>(
    ip: IpHeader<A>,
    octets: Octets<'_>,
    around: Surroundings<'_>,
    outcome: &mut Outcome,
) {
    if !whole_segment(ip, octets, around, outcome) {
        *outcome = odd_segment(ip, octets, around);
    }
}

/// Reads the segment that `ip` carries if its header is whole; if not, returns false and leaves `outcome` alone.
#[inline(always)]
pub(super) fn whole_segment<A: Address>(
    ip: IpHeader<A>,
    octets: Octets<'_>,
    around: Surroundings<'_>,
    outcome: &mut Outcome,
) -> bool {
    let Ok(header) = TcpHeaderSlice::from_slice(octets.data) else { return false };
    *outcome = Outcome::Tcp(build(ip, octets, around, &header, Headers::Whole));
    if let Outcome::Tcp(segment) = outcome
        && let Some(options) = header.slice().get(FIXED..)
    {
        segment.options.read(options, options.len());
    }
    true
}

/// A header that etherparse refuses: cut, or with an impossible data offset. Read as its 20 fixed octets.
#[cold]
fn odd_segment<A: Address>(ip: IpHeader<A>, octets: Octets<'_>, around: Surroundings<'_>) -> Outcome {
    let Some(mut fixed) = octets.array::<FIXED>(0) else {
        return Outcome::Skip(SkipReason::TruncatedTcp);
    };
    let stated = usize::from(fixed[12] >> 4) * 4;
    fixed[12] = 5 << 4 | fixed[12] & 0x0f;
    let Ok(header) = TcpHeaderSlice::from_slice(&fixed) else {
        return Outcome::Skip(SkipReason::TruncatedTcp);
    };
    if stated < FIXED || stated > octets.len {
        return Outcome::Tcp(build(ip, octets, around, &header, Headers::BadOffset));
    }
    let mut segment = build(ip, octets, around, &header, Headers::OptionsCut);
    segment.options = Options::parse(octets.data.get(FIXED..).unwrap_or_default(), stated - FIXED);
    segment.payload = (octets.len - stated) as u32;
    Outcome::Tcp(segment)
}

/// All but the options.
#[inline(always)]
fn build<A: Address>(
    ip: IpHeader<A>,
    octets: Octets<'_>,
    around: Surroundings<'_>,
    header: &TcpHeaderSlice<'_>,
    headers: Headers,
) -> Segment {
    // First, while there is nothing else to be kept in registers.
    let checksum = judge(ip, octets, around, header.checksum());
    let bytes = header.slice();
    let frame = around.frame;
    Segment {
        time: frame.time,
        frame: frame.number,
        source: Endpoint { ip: ip.source.into(), port: header.source_port() },
        destination: Endpoint { ip: ip.destination.into(), port: header.destination_port() },
        seq: SeqNumber(header.sequence_number()),
        ack_field: SeqNumber(header.acknowledgment_number()),
        flags: Flags(u16::from_be_bytes([bytes[12], bytes[13]]) & 0xfff),
        window: header.window_size(),
        urgent: header.urgent_pointer(),
        payload: (octets.len - bytes.len()) as u32,
        options: Options::default(),
        checksum,
        checksum_field: header.checksum(),
        headers,
        truncated: octets.is_cut() || frame.data.len() < frame.wire_len as usize,
        interface: frame.interface,
        vlan: around.vlan,
        ip_id: ip.id,
        flow_label: ip.flow_label,
        ttl: ip.ttl,
        traffic_class: ip.traffic_class,
        ip_options_len: ip.options_len,
        dont_fragment: ip.dont_fragment,
        fragmented: ip.fragmented,
        payload_at: payload_at(octets, bytes.len(), frame),
    }
}

/// Where in the frame the payload behind a header of `header` octets begins; 0 if nothing of it is there, or it was put
/// together from fragments.
#[inline(always)]
fn payload_at(octets: Octets<'_>, header: usize, frame: &Frame<'_>) -> u16 {
    if octets.data.len() <= header {
        return 0;
    }
    let at = (octets.data.as_ptr().addr() + header).wrapping_sub(frame.data.as_ptr().addr());
    if at < frame.data.len() { u16::try_from(at).unwrap_or(0) } else { 0 }
}

#[inline(always)]
fn judge<A: Address>(ip: IpHeader<A>, octets: Octets<'_>, around: Surroundings<'_>, field: u16) -> Checksum {
    if around.verify { checksum::judge(ip.source, ip.destination, octets, field, ip.doubtful) } else { Checksum::Good }
}
