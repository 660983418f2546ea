//! Descriptors of segments, made ahead of their turn.

use crate::flow::state::duplicates::Seal;
use crate::flow::table::descriptor::Descriptor;
use crate::tcp::Segment;
use foldhash::fast::RandomState;

/// Makes descriptors of segments ahead of their turn, on any thread.
#[derive(Clone, Debug)]
pub struct Keyer {
    pub(super) hasher: RandomState,
    pub(super) seal: Seal,
}

impl Keyer {
    /// `s` in brief, for [`super::Tracker::segment`].
    #[inline]
    pub fn descriptor(&self, s: &Segment) -> Descriptor {
        let mut descriptor = Descriptor::of_nothing(s.time);
        self.write(s, &mut descriptor);
        descriptor
    }

    /// The same, written to `descriptor`.
    #[inline]
    pub fn write(&self, s: &Segment, descriptor: &mut Descriptor) {
        descriptor.set(s, &self.hasher, &self.seal);
    }
}
