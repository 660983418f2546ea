//! Byte for byte the output of a small Scapy callback: IPv4 segments whose flags are exactly SYN, exactly SYN and
//! ACK, or exactly ACK without payload. Everything else is left out, steps of handshakes or not.

use std::io::Write as _;

use super::{Out, Writer};
use crate::engine::{Event, Interest, Sink};
use crate::tcp::{Flags, Segment};

/// Scapy shows nine flags; the three bits that are still reserved are a field of their own there.
const SHOWN: u16 = 0x1ff;
const SYN: u16 = Flags::SYN.0;
const SYN_ACK: u16 = Flags::SYN.0 | Flags::ACK.0;
const ACK: u16 = Flags::ACK.0;

/// The scapy format.
pub(super) struct Scapy {
    out: Out,
}

impl Scapy {
    pub(super) fn new(out: Out) -> Self {
        Self { out }
    }

    fn segment(&mut self, s: &Segment) {
        let (kind, with_ack) = match s.flags.0 & SHOWN {
            SYN => ("SYN", false),
            SYN_ACK => ("SYN-ACK", true),
            ACK if s.payload == 0 => ("ACK", true),
            _ => return,
        };
        let line = &mut self.out.buffer;
        // Writing to a Vec cannot fail.
        let _ = write!(line, "[{kind}] {} -> {} | Seq={}", s.source, s.destination, s.seq);
        if with_ack {
            let _ = write!(line, ", Ack={}", s.ack_field);
        }
        line.push(b'\n');
        self.out.end_line();
    }
}

impl Sink for Scapy {
    fn wants(&self) -> Interest {
        Interest::SEGMENTS
    }

    fn event(&mut self, event: &Event<'_>) {
        if let Event::Segment(segment) = event
            && segment.source.ip.is_ipv4()
        {
            self.segment(segment);
        }
    }
}

impl Writer for Scapy {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}
