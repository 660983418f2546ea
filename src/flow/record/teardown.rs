//! The end of a connection: who closed, in which shape, and what was said after it.

use super::tuple::Side;
use super::verdict::{ClosedBy, Shape};
use crate::tcp::SeqNumber;
use crate::time::Timestamp;

/// A reset that took effect, as far as a bystander can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// In whose name it was sent.
    pub by: Side,
    /// When it passed.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
    /// SEG.SEQ.
    pub seq: SeqNumber,
    /// Whether its number was possibly exact (between what the receiver acknowledged and what it was sent).
    pub exact: bool,
    /// TTL or hop limit at the capture point.
    pub ttl: u8,
}

/// What the end of one flow looked like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Teardown {
    /// Who sent the first FIN.
    pub first_fin: Option<Side>,
    /// Whether the second FIN was sent before the first had arrived.
    pub simultaneous: bool,
    /// Whether the first FIN was acknowledged before the second FIN came.
    pub acked_separately: bool,
    /// When the close was complete: the acknowledgment of the second FIN, or the reset.
    pub complete: Option<Timestamp>,
    /// The reset that ended it.
    pub reset: Option<Reset>,
    /// Whether a FIN had been seen from both ends before the reset.
    pub reset_after_both: bool,
    /// Payload octets that the other end sent after the first FIN.
    pub data_after_fin: u64,
    /// When TIME-WAIT is over, once the flow has ended with an end in it.
    pub time_wait_ends: Option<Timestamp>,
    /// Whether it was over when the flow ended.
    pub time_wait_over: bool,
}

impl Teardown {
    /// Who ended the connection.
    pub fn closed_by(&self) -> Option<ClosedBy> {
        if self.simultaneous {
            return Some(ClosedBy::Both);
        }
        let side = self.first_fin.or(self.reset.map(|r| r.by))?;
        Some(side.into())
    }

    /// Shape of the close; `both_fins` says whether both ends sent FIN.
    pub fn shape(&self, both_fins: bool) -> Option<Shape> {
        if both_fins {
            return Some(if self.simultaneous {
                Shape::Simultaneous
            } else if self.acked_separately {
                Shape::FourSegment
            } else {
                Shape::ThreeSegment
            });
        }
        if self.reset.is_some() { Some(Shape::Reset) } else { self.first_fin.map(|_| Shape::OneFin) }
    }
}

impl From<Side> for ClosedBy {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Self::Client,
            Side::Server => Self::Server,
        }
    }
}
