//! ICMP (RFC 792) and ICMPv6 (RFC 4443) errors that quote a TCP segment.
//!
//! A quote is cut as a rule: 8 octets of TCP hold the ports and SEG.SEQ, which is all that is taken from it. Redirects are no
//! errors, and what quotes something else than TCP is not for us.

use super::ip::{self, Packet, protocol};
use super::octets::Octets;
use super::{Frame, IcmpKind, IcmpQuote, Outcome, SkipReason};
use crate::tcp::{Endpoint, SeqNumber};

/// Octets before the quoted packet, in both versions.
const HEADER: usize = 8;

/// The segment that the ICMP message in `packet` complains about.
pub(super) fn quote(packet: &Packet<'_>, frame: &Frame<'_>) -> Outcome {
    match read(packet, frame) {
        Ok(quote) => Outcome::Icmp(quote),
        Err(reason) => Outcome::Skip(reason),
    }
}

fn read(packet: &Packet<'_>, frame: &Frame<'_>) -> Result<IcmpQuote, SkipReason> {
    let message = packet.payload;
    let v6 = packet.protocol == protocol::ICMPV6;
    let [kind, code] = message.array::<2>(0).ok_or(SkipReason::NotTcp)?;
    let kind = if v6 { kind_v6(kind, code) } else { kind_v4(kind, code) }.ok_or(SkipReason::NotTcp)?;
    let quoted = message.skip(HEADER).and_then(|octets| ip::parse(octets).ok()).ok_or(SkipReason::NotTcp)?;
    let beginning = quoted.fragment.is_none_or(|fragment| fragment.offset == 0);
    if quoted.protocol != protocol::TCP || !beginning || quoted.header.source.is_ipv6() != v6 {
        return Err(SkipReason::NotTcp);
    }
    let tcp: Octets<'_> = quoted.payload;
    let (Some(from), Some(to), Some(seq)) = (tcp.be16(0), tcp.be16(2), tcp.be32(4)) else {
        return Err(SkipReason::TruncatedTcp);
    };
    Ok(IcmpQuote {
        time: frame.time,
        frame: frame.number,
        reporter: packet.header.source,
        kind,
        v6,
        source: Endpoint { ip: quoted.header.source, port: from },
        destination: Endpoint { ip: quoted.header.destination, port: to },
        seq: SeqNumber(seq),
    })
}

/// Types of RFC 792 (and RFC 1191 for the code that means a too big packet); `None` for what is no error.
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

/// Types of RFC 4443; `None` for what is no error.
fn kind_v6(kind: u8, code: u8) -> Option<IcmpKind> {
    match kind {
        1 => Some(IcmpKind::Unreachable(code)),
        2 => Some(IcmpKind::PacketTooBig),
        3 => Some(IcmpKind::TimeExceeded),
        4 => Some(IcmpKind::Other(kind)),
        _ => None,
    }
}
