//! What the SYN and SYN-ACK of a flow say about the features its ends agreed on, and a fingerprint of their stacks.
//!
//! Pure functions over what a [`Flow`] keeps; nothing here changes a verdict.

use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use core::fmt::{self, Write as _};

use super::flow::Flow;
use super::peer::{Offer, Peer};
use crate::tcp::Flags;
use crate::tcp::options::{Mptcp, OptionFaults};

/// What became of explicit congestion notification (RFC 3168 section 6.1.1, RFC 9768 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Ecn {
    /// The SYN asked for none.
    None,
    /// Classic ECN is in use.
    Classic,
    /// Accurate ECN is in use.
    #[strum(serialize = "accecn")]
    AccEcn,
    /// It was asked for, and the SYN-ACK did not take it.
    Refused,
    /// The SYN-ACK sent the flags of the SYN back: a broken reflector, no ECN.
    Reflected,
}

impl Ecn {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What became of TCP Fast Open (RFC 7413).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum FastOpenUse {
    /// The SYN asked for a cookie; no answer was seen.
    Request,
    /// The SYN-ACK carried a cookie.
    Granted,
    /// The SYN-ACK carried none.
    NotGranted,
    /// The SYN carried a cookie; no answer was seen.
    Cookie,
    /// The SYN-ACK acknowledged all data of the SYN.
    Accepted,
    /// The SYN-ACK acknowledged some of the SYN's data.
    Partial,
    /// The SYN-ACK acknowledged none of the SYN's data.
    Ignored,
    /// The SYN was repeated without its data, and that one was answered.
    Fallback,
}

impl FastOpenUse {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What became of Multipath TCP (RFC 8684).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum MptcpUse {
    /// Offered; no answer was seen.
    Requested,
    /// Version 0 in use.
    V0,
    /// Version 1 in use.
    V1,
    /// A subflow joined a connection.
    Join,
    /// Offered, and the SYN-ACK did not take it.
    Fallback,
}

impl MptcpUse {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

const CLASSIC: u16 = Flags::ECE.0 | Flags::CWR.0;
const ACCURATE: u16 = CLASSIC | Flags::AE.0;

/// ECN of `flow` (RFC 3168, RFC 9768); `None` where a SYN that asks for it, or its answer, was not seen.
pub fn ecn(flow: &Flow) -> Option<Ecn> {
    let asked = flow.client.offer?.flags;
    if !asked.is_syn() {
        return None;
    }
    let asked = asked.0 & ACCURATE;
    if asked != CLASSIC && asked != ACCURATE {
        return Some(Ecn::None);
    }
    let answer = flow.server.offer?.flags.0 & ACCURATE;
    let ece_only = Flags::ECE.0;
    Some(match (asked, answer) {
        (_, 0) => Ecn::Refused,
        (_, answer) if answer == ece_only => Ecn::Classic,
        (asked, answer) if answer == asked => Ecn::Reflected,
        // AE and ECE without CWR is reserved in an answer.
        (ACCURATE, answer) if answer != Flags::AE.0 | ece_only => Ecn::AccEcn,
        _ => Ecn::Refused,
    })
}

/// Fast Open of `flow` (RFC 7413); `None` where its SYN did not ask for it.
pub fn fast_open(flow: &Flow) -> Option<FastOpenUse> {
    let client = flow.client.offer?;
    let option = client.fast_open?;
    let answer = flow.server.offer;
    if option.cookie_len == 0 && client.payload == 0 {
        return Some(match answer {
            None => FastOpenUse::Request,
            Some(answer) if answer.fast_open.is_some_and(|f| f.cookie_len > 0) => FastOpenUse::Granted,
            Some(_) => FastOpenUse::NotGranted,
        });
    }
    if answer.is_none() {
        return Some(FastOpenUse::Cookie);
    }
    let acknowledged = flow.handshake.syn_payload_acked;
    let repeated_without = flow.handshake.syns.iter().skip(1).any(|syn| syn.payload == 0);
    Some(match client.payload {
        0 => FastOpenUse::Cookie,
        sent if acknowledged >= sent => FastOpenUse::Accepted,
        _ if acknowledged > 0 => FastOpenUse::Partial,
        _ if repeated_without => FastOpenUse::Fallback,
        _ => FastOpenUse::Ignored,
    })
}

/// Multipath TCP of `flow`; `None` where its SYN did not offer it.
pub fn mptcp(flow: &Flow) -> Option<MptcpUse> {
    let offered = flow.client.offer?.mptcp?;
    let Some(answer) = flow.server.offer else {
        return Some(MptcpUse::Requested);
    };
    Some(match (offered, answer.mptcp) {
        (_, None) => MptcpUse::Fallback,
        (Mptcp { subtype: 1, .. }, Some(_)) => MptcpUse::Join,
        (_, Some(Mptcp { subtype: 0, version: 0, .. })) => MptcpUse::V0,
        (_, Some(_)) => MptcpUse::V1,
    })
}

/// The initial TTL that a sender most likely used, from the one seen: the next of 32, 64, 128 and 255.
pub const fn initial_ttl(seen: u8) -> u8 {
    match seen {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        129..=255 => 255,
    }
}

/// The raw signature of a SYN or SYN-ACK in p0f's grammar: `ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass`.
///
/// Options whose kind has no name there are written `?n`; `?` alone is one whose number is not kept.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint<'a> {
    offer: &'a Offer,
    v6: bool,
    isn_is_zero: bool,
}

impl<'a> Fingerprint<'a> {
    /// Of what `peer` offered; `None` where its SYN was not seen or its options were cut.
    pub fn of(peer: &'a Peer) -> Option<Self> {
        let offer = peer.offer.as_ref()?;
        if offer.faults.intersects(OptionFaults::NOT_CAPTURED) {
            return None;
        }
        Some(Self { offer, v6: peer.endpoint.ip.is_ipv6(), isn_is_zero: peer.isn.is_some_and(|isn| isn.0 == 0) })
    }

    fn window(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = u32::from(self.offer.window);
        let mss = u32::from(self.offer.mss.unwrap_or(0));
        let divides = |unit: u32| unit > 0 && window.is_multiple_of(unit);
        if window == 0 || mss < 100 {
            return write!(f, "{window}");
        }
        // A sender with timestamps may count them into its segments.
        let with_timestamps = if self.offer.timestamps.is_some() { mss - 12 } else { mss };
        let headers = if self.v6 { 60 } else { 40 };
        if let Some(unit) = [mss, with_timestamps].into_iter().find(|unit| divides(*unit)) {
            write!(f, "mss*{}", window / unit)
        } else if divides(mss + headers) {
            write!(f, "mtu*{}", window / (mss + headers))
        } else {
            write!(f, "{window}")
        }
    }

    fn layout(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for name in self.offer.layout.names() {
            f.write_str(separator)?;
            separator = ",";
            match name {
                "tfo" => f.write_str("?34")?,
                "mptcp" => f.write_str("?30")?,
                "eol" => write!(f, "eol+{}", padding(self.offer))?,
                known => f.write_str(known)?,
            }
        }
        Ok(())
    }

    fn quirks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let o = self.offer;
        let ack = o.flags.has(Flags::ACK);
        let urgent = o.flags.has(Flags::URG);
        let bad = OptionFaults::LENGTH_TOO_SMALL.union(OptionFaults::PAST_HEADER).union(OptionFaults::WRONG_LENGTH);
        let quirks = [
            ("df", o.dont_fragment),
            ("id+", o.dont_fragment && o.ip_id != 0),
            ("id-", !self.v6 && !o.dont_fragment && o.ip_id == 0),
            ("ecn", o.ip_ecn != 0 || o.flags.any(Flags(CLASSIC))),
            ("0+", o.flags.any(Flags::RESERVED)),
            ("flow", o.flow_label),
            ("seq-", self.isn_is_zero),
            ("ack+", !ack && o.ack_field.0 != 0),
            ("ack-", ack && o.ack_field.0 == 0),
            ("uptr+", !urgent && o.urgent != 0),
            ("urgf+", urgent),
            ("pushf+", o.flags.has(Flags::PSH)),
            ("ts1-", o.timestamps.is_some_and(|ts| ts.value == 0)),
            ("ts2+", !ack && o.timestamps.is_some_and(|ts| ts.echo != 0)),
            ("opt+", o.faults.intersects(OptionFaults::JUNK_AFTER_END)),
            ("exws", o.window_scale.is_some_and(|shift| shift > 14)),
            ("bad", o.faults.intersects(bad)),
        ];
        let mut separator = "";
        for (name, _) in quirks.iter().filter(|(_, present)| *present) {
            f.write_str(separator)?;
            f.write_str(name)?;
            separator = ",";
        }
        Ok(())
    }
}

impl fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let o = self.offer;
        let version = if self.v6 { 6 } else { 4 };
        write!(f, "{version}:{}:{}:{}:", initial_ttl(o.ttl), o.ip_options_len, o.mss.unwrap_or(0))?;
        self.window(f)?;
        write!(f, ",{}:", o.window_scale.unwrap_or(0))?;
        self.layout(f)?;
        f.write_char(':')?;
        self.quirks(f)?;
        f.write_str(if o.payload == 0 { ":0" } else { ":+" })
    }
}

/// Octets behind the end-of-list option, as far as the lengths of the options before it are known.
fn padding(offer: &Offer) -> u8 {
    let length = |name: &str| match name {
        "nop" | "eol" => 1,
        "mss" => 4,
        "ws" => 3,
        "sok" => 2,
        "ts" => 10,
        "tfo" => offer.fast_open.map_or(0, |f| f.cookie_len + 2),
        "mptcp" => offer.mptcp.map_or(0, |m| m.len),
        _ => 0,
    };
    let used = offer.layout.names().map(length).fold(0u8, u8::saturating_add);
    offer.options_len.saturating_sub(used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::script;
    use crate::tcp::{Options, SeqNumber};

    /// The SYN that Linux sends, and the option bytes of its header.
    const LINUX: [u8; 20] = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 7];

    fn fingerprint(options: &[u8], change: impl Fn(&mut Offer)) -> String {
        let mut syn = script::read("> S").remove(0).segment;
        syn.options = Options::parse(options, options.len());
        syn.window = 64240;
        syn.ttl = 57;
        syn.dont_fragment = true;
        syn.ip_id = 0x1234;
        let mut offer = Offer::of(&syn);
        change(&mut offer);
        let mut peer = Peer::new(syn.source);
        peer.offer = Some(offer);
        peer.isn = Some(SeqNumber(7));
        Fingerprint::of(&peer).map(|f| f.to_string()).unwrap_or_default()
    }

    #[test]
    fn fingerprints_in_p0fs_grammar() {
        assert_eq!(fingerprint(&LINUX, |_| {}), "4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0");
        assert_eq!(fingerprint(&LINUX, |o| o.window = 1024), "4:64:0:1460:1024,7:mss,sok,ts,nop,ws:df,id+:0");
        assert_eq!(fingerprint(&LINUX, |o| o.window = 3000), "4:64:0:1460:mtu*2,7:mss,sok,ts,nop,ws:df,id+:0");
        assert_eq!(
            fingerprint(&LINUX, |o| (o.dont_fragment, o.ip_id, o.payload) = (false, 0, 5)),
            "4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:id-:+"
        );
        assert_eq!(
            fingerprint(&LINUX, |o| o.flags = Flags::SYN | Flags::ECE | Flags::CWR),
            "4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+,ecn:0"
        );
    }

    #[test]
    fn padding_behind_the_end_is_counted() {
        assert_eq!(fingerprint(&[2, 4, 5, 0xb4, 0, 0, 0, 0], |_| {}), "4:64:0:1460:mss*44,0:mss,eol+3:df,id+:0");
        assert_eq!(fingerprint(&[2, 4, 5, 0xb4, 34, 2, 1, 1], |_| {}), "4:64:0:1460:mss*44,0:mss,?34,nop,nop:df,id+:0");
        assert_eq!(fingerprint(&[], |_| {}), "4:64:0:0:64240,0::df,id+:0");
    }

    #[test]
    fn options_that_were_cut_give_no_fingerprint() {
        assert_eq!(fingerprint(&LINUX, |o| o.faults = OptionFaults::NOT_CAPTURED), "");
    }

    #[test]
    fn an_impossibly_small_segment_size_divides_nothing() {
        for mss in 0..110u16 {
            let text = fingerprint(&LINUX, |o| o.mss = Some(mss));
            assert!(text.starts_with("4:64:0:"), "{text}");
        }
    }
}
