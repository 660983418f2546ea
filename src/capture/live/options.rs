//! What to capture live, and how.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::capture::filter::Filter;

/// The largest snapshot length libpcap takes; 0 asks for it.
const MAX_SNAPLEN: u32 = 262_144;

/// Which frames to take, seen from this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Received and sent.
    #[default]
    Both,
    /// Received only.
    In,
    /// Sent only.
    Out,
}

/// How to capture.
#[derive(Debug)]
pub struct LiveOptions {
    /// Names of interfaces; `any` is all of them.
    pub interfaces: Vec<String>,
    /// Which frames to take; all when absent.
    pub filter: Option<Filter>,
    /// Octets to keep of each frame; 0 is as many as there can be (262,144).
    pub snaplen: u32,
    /// Octets of the kernel's buffer of each interface; `None` for 32 MiB, or less where there are more than two: all
    /// together take 64 MiB at most, or 2 MiB each.
    pub buffer_size: Option<u32>,
    /// Whether to see frames for other hosts too. Never on `any`, which cannot.
    pub promiscuous: bool,
    /// Which frames to take, seen from this host.
    pub direction: Direction,
    /// libpcap's name of the link type to capture as (`-y`), where an interface offers several.
    pub link_type: Option<String>,
    /// Ends the capture within 200 ms when it becomes true: what the kernel has by then is still yielded, then
    /// [`Next::End`](crate::capture::Next::End).
    pub stop: Arc<AtomicBool>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            filter: None,
            snaplen: 256,
            buffer_size: None,
            promiscuous: true,
            direction: Direction::Both,
            link_type: None,
            stop: Arc::default(),
        }
    }
}

impl LiveOptions {
    /// Octets of the kernel's buffer of each interface.
    pub(super) fn ring(&self) -> u32 {
        let interfaces = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX).max(1);
        self.buffer_size.unwrap_or_else(|| (RINGS / interfaces).clamp(LEAST_RING, MOST_RING))
    }
}

/// Octets of all rings together.
const RINGS: u32 = 64 << 20;
/// Octets of the ring of one interface.
const MOST_RING: u32 = 32 << 20;
const LEAST_RING: u32 = 2 << 20;

/// Octets to keep of each frame, as libpcap takes them.
pub(super) const fn snaplen(options: &LiveOptions) -> u32 {
    if options.snaplen == 0 || options.snaplen > MAX_SNAPLEN { MAX_SNAPLEN } else { options.snaplen }
}
