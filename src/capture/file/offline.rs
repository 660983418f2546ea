//! The few kinds of pcap file that only libpcap reads: modified record headers, versions before 2.4.

use std::path::Path;

use pcap::{Capture, Precision};

use super::record::{Fault, Record};
use crate::capture::CaptureError;
use crate::capture::libpcap::{Tick, from_dlt, message, packet_time};
use crate::decode::LinkType;

/// A file that libpcap reads. Rare enough that each frame is copied.
pub(super) struct Offline {
    capture: Capture<pcap::Offline>,
    pub(super) link: LinkType,
    interface: u16,
    frame: Vec<u8>,
}

impl Offline {
    pub(super) fn open(name: &str, path: &Path, interface: u16) -> Result<Self, CaptureError> {
        let capture = Capture::from_file_with_precision(path, Precision::Nano)
            .map_err(|error| CaptureError::UnknownFormat { input: name.to_owned(), found: message(error) })?;
        let link = from_dlt(capture.get_datalink().0);
        Ok(Self { capture, link, interface, frame: Vec::new() })
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.frame
    }

    /// Reads the next record; false at the end of the file.
    pub(super) fn next(&mut self, record: &mut Record) -> Result<bool, Fault> {
        let packet = match self.capture.next_packet() {
            Ok(packet) => packet,
            Err(pcap::Error::NoMorePackets) => return Ok(false),
            Err(error) => return Err(Fault::Damaged { offset: None, reason: message(error) }),
        };
        self.frame.clear();
        self.frame.extend_from_slice(packet.data);
        *record = Record {
            time: packet_time(packet.header, Tick::Nanosecond),
            link: self.link,
            interface: self.interface,
            wire_len: packet.header.len.max(packet.header.caplen),
            start: 0,
            len: self.frame.len(),
        };
        Ok(true)
    }
}
