//! IEEE 802.11 data frames, bare or behind radiotap, Prism, AVS or PPI headers.
//!
//! Management, control and encrypted frames hold no IP that could be read; nor do later fragments of a frame. An
//! aggregate (A-MSDU) is read frame by frame.

use super::Walk;
use super::ethernet::ethernet;
use super::llc::llc;
use super::raw::raw;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

/// Frame control bits (IEEE 802.11-2020 section 9.2.4.1), first octet in the high half.
mod control {
    pub(super) const VERSION_AND_TYPE: u16 = 0x0f00;
    pub(super) const DATA: u16 = 0x0800;
    pub(super) const NO_DATA: u16 = 0x4000;
    pub(super) const QOS: u16 = 0x8000;
    pub(super) const FOUR_ADDRESSES: u16 = 0x0003;
    pub(super) const PROTECTED: u16 = 0x0040;
    pub(super) const ORDER: u16 = 0x0080;
}

/// A frame without any header before it.
pub(in crate::decode) fn ieee80211<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    data_frame(frame, false, walk)
}

/// A frame whose first two octets are in either order: those of access points come exchanged, as a rule.
pub(in crate::decode) fn ieee80211_of_either_order<'a>(
    frame: Octets<'a>,
    walk: &mut Walk,
) -> Result<Octets<'a>, SkipReason> {
    let bits = frame.be16(0).ok_or(SkipReason::TruncatedLink)?;
    let is_data = |bits: u16| bits & control::VERSION_AND_TYPE == control::DATA;
    // Where one field is exchanged, all are.
    let swapped = !is_data(bits) && is_data(bits.swap_bytes());
    data_frame_of(if swapped { bits.swap_bytes() } else { bits }, frame, Form { padded: false, swapped }, walk)
}

/// Behind a radiotap header, whose flags mark padding and damage.
pub(super) fn radiotap<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const BAD_CHECKSUM: u8 = 0x40;
    const PADDED: u8 = 0x20;
    let len = usize::from(frame.le16(2).ok_or(SkipReason::TruncatedLink)?);
    let inside = frame.skip(len.max(8)).ok_or(SkipReason::TruncatedLink)?;
    let flags = radiotap_flags(frame.at_most(len)).unwrap_or(0);
    if flags & BAD_CHECKSUM != 0 {
        return Err(SkipReason::NotData);
    }
    data_frame(inside, flags & PADDED != 0, walk)
}

/// The flags field: the second of those that the presence bits announce.
fn radiotap_flags(header: Octets<'_>) -> Option<u8> {
    const TIME: u32 = 1;
    const FLAGS: u32 = 1 << 1;
    const ANOTHER_WORD: u32 = 1 << 31;
    let present = header.le32(4)?;
    let mut at = 8;
    let mut word = present;
    while word & ANOTHER_WORD != 0 {
        word = header.le32(at)?;
        at += 4;
    }
    if present & FLAGS == 0 {
        return None;
    }
    if present & TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    header.u8(at)
}

/// Behind a Prism header; some drivers give an AVS header under the same number.
pub(super) fn prism<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const AVS_MAGIC: u32 = 0x8021_1000;
    let magic = frame.be32(0).ok_or(SkipReason::TruncatedLink)?;
    if magic & 0xffff_f000 == AVS_MAGIC & 0xffff_f000 {
        return avs(frame, walk);
    }
    // The length is in the byte order of the machine that captured; no header is 64 KiB long.
    let len = frame.le32(4).ok_or(SkipReason::TruncatedLink)?;
    let len = if len > 0xffff { len.swap_bytes() } else { len };
    ieee80211(frame.skip(len.max(8) as usize).ok_or(SkipReason::TruncatedLink)?, walk)
}

/// Behind an AVS header.
pub(super) fn avs<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let len = frame.be32(4).ok_or(SkipReason::TruncatedLink)?;
    ieee80211(frame.skip(len.max(8) as usize).ok_or(SkipReason::TruncatedLink)?, walk)
}

/// Behind a PPI header, which names the link layer that follows.
pub(super) fn ppi<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let len = frame.le16(2).ok_or(SkipReason::TruncatedLink)?;
    let link = frame.le32(4).ok_or(SkipReason::TruncatedLink)?;
    let inside = frame.skip(usize::from(len.max(8))).ok_or(SkipReason::TruncatedLink)?;
    match link {
        1 => ethernet(inside, walk),
        12 | 14 | 101 => raw(inside, walk),
        105 => ieee80211(inside, walk),
        _ => Err(SkipReason::NotIp),
    }
}

fn data_frame<'a>(frame: Octets<'a>, padded: bool, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let bits = frame.be16(0).ok_or(SkipReason::TruncatedLink)?;
    data_frame_of(bits, frame, Form { padded, swapped: false }, walk)
}

/// How a frame was written.
#[derive(Clone, Copy)]
struct Form {
    /// Whether the header is padded to words.
    padded: bool,
    /// Whether the octets of its fields are exchanged.
    swapped: bool,
}

/// With the frame control field `bits`, whatever the frame says.
fn data_frame_of<'a>(bits: u16, frame: Octets<'a>, form: Form, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let is = |mask: u16| bits & mask == mask;
    if bits & control::VERSION_AND_TYPE != control::DATA || is(control::NO_DATA) {
        return Err(SkipReason::NotData);
    }
    let fragment = frame.u8(22 + usize::from(form.swapped)).ok_or(SkipReason::TruncatedLink)? & 0x0f;
    let mut len = if is(control::FOUR_ADDRESSES) { 30 } else { 24 };
    let mut aggregate = false;
    if is(control::QOS) {
        aggregate = frame.u8(len + usize::from(form.swapped)).ok_or(SkipReason::TruncatedLink)? & 0x80 != 0;
        len += 2;
        if is(control::ORDER) {
            len += 4;
        }
    }
    if form.padded {
        len = len.next_multiple_of(4);
    }
    let mut body = frame.skip(len).ok_or(SkipReason::TruncatedLink)?;
    if aggregate {
        body = subframe(body, walk)?;
    }
    // Some drivers decrypt and leave the bit set: then the body is plain all the same.
    let encrypted = is(control::PROTECTED) && !body.data.starts_with(&[0xaa, 0xaa, 0x03, 0, 0]);
    if encrypted || fragment != 0 { Err(SkipReason::NotData) } else { llc(body, walk) }
}

/// The subframe of an aggregate that is wanted: two addresses, a length, LLC; padded to four octets but for the last.
fn subframe<'a>(mut body: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    /// No more are looked for: a frame is at most 11,454 octets long, and one with IP and TCP takes 64.
    const MAX: u8 = 180;
    const HEADER: usize = 14;
    let next = |body: Octets<'a>| {
        let len = HEADER + usize::from(body.be16(12)?);
        body.skip(len.next_multiple_of(4)).filter(|rest| rest.data.len() > HEADER)
    };
    for _ in 0..walk.subframe {
        body = next(body).ok_or(SkipReason::TruncatedLink)?;
    }
    walk.more = walk.subframe < MAX && next(body).is_some_and(|rest| rest.be16(12).is_some_and(|len| len > 0));
    let len = body.be16(12).ok_or(SkipReason::TruncatedLink)?;
    Ok(body.skip(HEADER).ok_or(SkipReason::TruncatedLink)?.at_most(usize::from(len)))
}
