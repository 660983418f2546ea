//! Packets in memory as a capture file has them: pcapng with comments, or classic pcap.

use std::io;

use crate::decode::{Frame, LinkType};

use super::pcapng::Pcapng;

/// Classic pcap with nanoseconds.
const MAGIC: u32 = 0xa1b2_3c4d;
/// The snapshot length that a classic file names; what tcpdump names.
const SNAPLEN: u32 = 262_144;
/// The link type of a classic file without a packet.
const ETHERNET: LinkType = LinkType(1);

/// What kind of capture file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PacketFormat {
    /// pcapng: several link types, comments.
    #[default]
    Pcapng,
    /// Classic pcap with nanoseconds: one link type.
    Pcap,
}

/// Octets of a capture file that are to be written: whoever writes them takes them from [`Self::octets`].
#[derive(Debug)]
pub enum PacketBuffer {
    /// pcapng.
    Pcapng(Pcapng<Vec<u8>>),
    /// Classic pcap; the link type is that of the first frame.
    Pcap(Vec<u8>, Option<LinkType>),
}

impl PacketBuffer {
    /// The beginning of a file.
    ///
    /// # Errors
    ///
    /// None, in memory.
    pub fn new(format: PacketFormat) -> io::Result<Self> {
        Ok(match format {
            PacketFormat::Pcapng => Self::Pcapng(Pcapng::new(Vec::new())?),
            PacketFormat::Pcap => Self::Pcap(Vec::new(), None),
        })
    }

    /// Adds a frame; classic pcap has no comments. Returns whether it fits: a classic file has one link type.
    ///
    /// # Errors
    ///
    /// None, in memory.
    pub fn frame(&mut self, frame: &Frame<'_>, comments: &[String]) -> io::Result<bool> {
        match self {
            Self::Pcapng(pcapng) => pcapng.commented(frame, comments).map(|()| true),
            Self::Pcap(octets, link) => {
                if *link.get_or_insert_with(|| begin(octets, frame.link)) != frame.link {
                    return Ok(false);
                }
                let seconds = u32::try_from(frame.time.seconds().max(0)).unwrap_or(u32::MAX);
                let length = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
                for word in [seconds, frame.time.subsecond_nanos(), length, frame.wire_len] {
                    octets.extend_from_slice(&word.to_le_bytes());
                }
                octets.extend_from_slice(frame.data);
                Ok(true)
            }
        }
    }

    /// What a file without a packet still needs.
    pub fn complete(&mut self) {
        if let Self::Pcap(octets, link) = self {
            link.get_or_insert_with(|| begin(octets, ETHERNET));
        }
    }

    /// How many octets are to be written.
    pub fn len(&self) -> usize {
        match self {
            Self::Pcapng(pcapng) => pcapng.written().len(),
            Self::Pcap(octets, _) => octets.len(),
        }
    }

    /// Whether there is nothing to be written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is to be written.
    pub const fn octets(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Pcapng(pcapng) => pcapng.out(),
            Self::Pcap(octets, _) => octets,
        }
    }
}

/// The header of a classic file.
fn begin(octets: &mut Vec<u8>, link: LinkType) -> LinkType {
    octets.extend_from_slice(&MAGIC.to_le_bytes());
    // Version 2.4.
    octets.extend_from_slice(&[2, 0, 4, 0]);
    octets.extend_from_slice(&[0; 8]);
    octets.extend_from_slice(&SNAPLEN.to_le_bytes());
    octets.extend_from_slice(&u32::from(link.0).to_le_bytes());
    link
}
