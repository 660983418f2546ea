//! What every input of frames can do.

use super::error::CaptureError;
use crate::decode::Frame;
use crate::time::Timestamp;

/// What a [`Source`] yields.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// A frame, borrowed until the next call.
    Frame(Frame<'a>),
    /// Nothing came for a while; packet time has advanced to this moment all the same (live only).
    Idle(Timestamp),
    /// There is no more.
    End,
}

/// How much of the input has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Octets read so far, as stored: before decompression. 0 for an interface.
    pub read: u64,
    /// Octets there are in all; absent for pipes and interfaces.
    pub total: Option<u64>,
}

/// What a capture took and lost. Everything is 0 for files but `frames` and `unfit`.
///
/// Nothing is lost between the capture threads and the analysis: the threads wait, and the kernel counts the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames handed out by [`Source::next`]; those that a filter on a file refused are not among them.
    pub frames: u64,
    /// Frames that passed the filter in the kernel, the dropped ones included (`ps_recv`): "received by filter". Where
    /// libpcap leaves some of these out (loopback, `any`, one direction only), those handed out and dropped.
    pub received: u64,
    /// Frames the kernel dropped because its buffer was full (`ps_drop`): "dropped by kernel".
    pub kernel_drops: u64,
    /// Frames the interface or its driver dropped (`ps_ifdrop`).
    pub interface_drops: u64,
    /// Frames handed out although another interface might still have delivered an earlier one: waiting for it was
    /// given up.
    pub given_up: u64,
    /// Frames that came when later ones of another interface had been handed out.
    pub late: u64,
    /// Frames that were received and not handed out, because the capture was over before; known when it is closed.
    pub unread: u64,
    /// Frames of a file that were skipped because the filter does not fit their link type.
    pub unfit: u64,
}

/// Something that yields frames.
pub trait Source: Send {
    /// The next frame, in order; after [`Next::End`] or an error, [`Next::End`] for ever.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Damaged`] when the input is damaged or cut short (everything before has been yielded),
    /// [`CaptureError::Io`] when reading fails, [`CaptureError::BadFilter`] at the end when the
    /// filter fits the link type of no frame, [`CaptureError::InterfaceLost`] when an interface goes away.
    fn next(&mut self) -> Result<Next<'_>, CaptureError>;

    /// What the start line says, in tcpdump's words: `listening on eth0, link-type EN10MB (Ethernet), snapshot length
    /// 256 bytes`.
    fn description(&self) -> String;

    /// How far reading has come.
    fn progress(&self) -> Progress;

    /// What was taken and lost so far.
    fn counts(&self) -> Counts;

    /// Ends the input, if it goes on: nothing comes after it, and [`Self::counts`] are final.
    fn close(&mut self) {}
}
