//! ICMP (RFC 792) and ICMPv6 (RFC 4443) errors that quote a TCP segment.
//!
//! A quote is cut as a rule: 8 octets of TCP hold the ports and SEG.SEQ, which is all that is taken from it. Redirects
//! are no errors, and what quotes something else than TCP is not for us.

use super::ip::{self, Address, Packet, protocol};
use super::octets::Octets;
use super::{Frame, IcmpKind, IcmpQuote, Outcome, SkipReason};
use crate::tcp::{Endpoint, SeqNumber};

/// Octets before the quoted packet, in both versions.
const HEADER: usize = 8;

/// The segment that the ICMP message in `packet` complains about.
pub(super) fn quote<A: Address>(packet: Packet<'_, A>, frame: &Frame<'_>) -> Outcome {
    match read(packet, frame) {
        Ok(quote) => Outcome::Icmp(quote),
        Err(reason) => Outcome::Skip(reason),
    }
}

fn read<A: Address>(packet: Packet<'_, A>, frame: &Frame<'_>) -> Result<IcmpQuote, SkipReason> {
    let message = packet.payload;
    let v6 = packet.protocol == protocol::ICMPV6;
    let [kind, code] = message.array::<2>(0).ok_or(SkipReason::NotTcp)?;
    let kind = if v6 { kind_v6(kind, code) } else { kind_v4(kind, code) }.ok_or(SkipReason::NotTcp)?;
    let original = message.skip(HEADER).ok_or(SkipReason::NotTcp)?;
    let (source, destination, seq) = if v6 { ports(ip::v6(original))? } else { ports(ip::v4(original))? };
    let reporter = packet.header.source.into();
    Ok(IcmpQuote { time: frame.time, frame: frame.number, reporter, kind, v6, source, destination, seq })
}

/// The first 8 octets of the quoted segment.
fn ports<A: Address>(
    original: Result<Packet<'_, A>, SkipReason>,
) -> Result<(Endpoint, Endpoint, SeqNumber), SkipReason> {
    let original = original.and_then(ip::walk_extensions).map_err(|_| SkipReason::NotTcp)?;
    let beginning = original.fragment.is_none_or(|fragment| fragment.offset == 0);
    if original.protocol != protocol::TCP || !beginning {
        return Err(SkipReason::NotTcp);
    }
    let tcp: Octets<'_> = original.payload;
    let (Some(from), Some(to), Some(seq)) = (tcp.be16(0), tcp.be16(2), tcp.be32(4)) else {
        return Err(SkipReason::TruncatedTcp);
    };
    let endpoint = |ip: A, port| Endpoint { ip: ip.into(), port };
    let header = original.header;
    Ok((endpoint(header.source, from), endpoint(header.destination, to), SeqNumber(seq)))
}

/// Types of RFC 792 (and RFC 1191 for the code that means a too big packet); `None` for other types.
fn kind_v4(kind: u8, code: u8) -> Option<IcmpKind> {
    match (kind, code) {
        (3, 4) => Some(IcmpKind::PacketTooBig),
        (3, _) => Some(IcmpKind::Unreachable(code)),
        (11, _) => Some(IcmpKind::TimeExceeded),
        // Source quench and parameter problem.
        (4 | 12, _) => Some(IcmpKind::Other(kind)),
        _ => None,
    }
}

/// Types of RFC 4443; `None` for other types.
fn kind_v6(kind: u8, code: u8) -> Option<IcmpKind> {
    match kind {
        1 => Some(IcmpKind::Unreachable(code)),
        2 => Some(IcmpKind::PacketTooBig),
        3 => Some(IcmpKind::TimeExceeded),
        4 => Some(IcmpKind::Other(kind)),
        _ => None,
    }
}
