//! Frames as pcapng, with comments that Wireshark shows beside them.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::decode::{Frame, LinkType};
use crate::flow::Flow;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Option `opt_comment`.
const COMMENT: u16 = 1;
/// Option `if_tsresol`; 9 stands for nanoseconds.
const RESOLUTION: u16 = 9;
/// The longest comment, octets.
const MAX_COMMENT: usize = 8_192;

/// One line on a flow, for comments of packets.
pub fn comment(flow: &Flow) -> String {
    let (client, server) = (flow.client.endpoint, flow.server.endpoint);
    let mut line = format!("synscope flow {}: {client} → {server} {}, {}", flow.id, flow.opening(), flow.closing());
    for id in flow.marks.iter().map(|mark| mark.rule) {
        // Writing to a String cannot fail.
        let _ = write!(line, ", {id}");
    }
    line
}

/// Writes frames to a stream.
#[derive(Debug)]
pub struct Pcapng<W: Write> {
    out: W,
    interfaces: Vec<(LinkType, u16)>,
    block: Vec<u8>,
}

impl<W: Write> Pcapng<W> {
    /// Begins a section.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn new(out: W) -> io::Result<Self> {
        let mut this = Self { out, interfaces: Vec::new(), block: Vec::new() };
        this.block.extend_from_slice(&BYTE_ORDER.to_le_bytes());
        this.block.extend_from_slice(&[1, 0, 0, 0]);
        // Length of the section: unknown.
        this.block.extend_from_slice(&[0xff; 8]);
        this.end_block(SECTION_HEADER)?;
        Ok(this)
    }

    /// Writes a frame, with a comment if there is one.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn frame(&mut self, frame: &Frame<'_>, comment: Option<&str>) -> io::Result<()> {
        self.commented(frame, comment.as_slice())
    }

    /// Writes a frame with any number of comments.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn commented<S: AsRef<str>>(&mut self, frame: &Frame<'_>, comments: &[S]) -> io::Result<()> {
        let interface = self.interface(frame)?;
        let time = frame.time.0.max(0).unsigned_abs();
        let length = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
        for word in [interface, (time >> 32) as u32, time as u32, length, frame.wire_len] {
            self.block.extend_from_slice(&word.to_le_bytes());
        }
        self.block.extend_from_slice(frame.data);
        self.pad();
        for comment in comments {
            let comment = comment.as_ref().as_bytes();
            self.option(COMMENT, comment.get(..MAX_COMMENT).unwrap_or(comment));
        }
        if !comments.is_empty() {
            self.block.extend_from_slice(&[0; 4]);
        }
        self.end_block(ENHANCED_PACKET)
    }

    /// The stream, to look at.
    pub const fn written(&self) -> &W {
        &self.out
    }

    /// The stream.
    pub const fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Passes on the buffered octets.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Number of the interface in this section; described at its first frame.
    fn interface(&mut self, frame: &Frame<'_>) -> io::Result<u32> {
        let wanted = (frame.link, frame.interface);
        if let Some(at) = self.interfaces.iter().position(|known| *known == wanted) {
            return Ok(at as u32);
        }
        self.interfaces.push(wanted);
        self.block.extend_from_slice(&frame.link.0.to_le_bytes());
        // Reserved, and a snapshot length of 0: no limit.
        self.block.extend_from_slice(&[0; 6]);
        self.option(RESOLUTION, &[9]);
        self.block.extend_from_slice(&[0; 4]);
        self.end_block(INTERFACE)?;
        Ok(self.interfaces.len() as u32 - 1)
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        self.block.extend_from_slice(&code.to_le_bytes());
        self.block.extend_from_slice(&(value.len() as u16).to_le_bytes());
        self.block.extend_from_slice(value);
        self.pad();
    }

    fn pad(&mut self) {
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    fn end_block(&mut self, kind: u32) -> io::Result<()> {
        let length = (self.block.len() as u32 + 12).to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&length)?;
        self.out.write_all(&self.block)?;
        self.block.clear();
        self.out.write_all(&length)
    }
}
