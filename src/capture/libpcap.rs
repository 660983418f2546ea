//! What libpcap calls things: its DLT_ values, its times, its messages.

use crate::decode::LinkType;
use crate::decode::link::from_file_field;
use crate::time::{MICROSECOND, Timestamp};

/// libpcap's DLT_ value on this system for a link type, as its compiler wants it.
pub(super) const fn to_dlt(link: LinkType) -> i32 {
    match link.0 {
        100 => 11,
        101 if cfg!(target_os = "openbsd") => 14,
        101 => 12,
        102 => 15,
        103 => 16,
        106 => 19,
        108 if cfg!(target_os = "openbsd") => 12,
        other => other as i32,
    }
}

/// The link type of libpcap's DLT_ value on this system.
pub(super) const fn from_dlt(dlt: i32) -> LinkType {
    match dlt {
        12 if cfg!(target_os = "openbsd") => LinkType(108),
        15 => LinkType(102),
        other => from_file_field(other as u32),
    }
}

/// The time of a packet; `tick` is what the fraction counts, in nanoseconds.
// Both fields have 32 bits on some systems.
#[allow(clippy::unnecessary_cast)]
pub(super) fn packet_time(header: &pcap::PacketHeader, tick: Tick) -> Timestamp {
    let nanoseconds = (header.ts.tv_usec as i64).saturating_mul(match tick {
        Tick::Microsecond => MICROSECOND,
        Tick::Nanosecond => 1,
    });
    Timestamp::new(header.ts.tv_sec as i64, nanoseconds)
}

/// What the second half of libpcap's time stamps counts: in a nanosecond capture, `tv_usec` holds nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    Microsecond,
    Nanosecond,
}

/// libpcap's own words, without those that the binding puts before them.
pub(super) fn message(error: pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.trim_start_matches("can't parse filter expression: ").to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dlt_values_return_to_their_link_type() {
        for (number, ..) in crate::decode::link::NAMES {
            assert_eq!(from_dlt(to_dlt(LinkType(*number))), LinkType(*number));
        }
    }

    #[test]
    fn names_are_libpcaps() {
        for (number, name, _) in crate::decode::link::NAMES {
            let dlt = pcap::Linktype(to_dlt(LinkType(*number)));
            assert_eq!(dlt.get_name().ok().as_deref(), Some(*name));
        }
    }
}
