//! What comes of a segment, for whoever observes the tracker.

use crate::flow::observer::{Notice, Observer, SegmentRef};
use crate::flow::record::checksum_trust::Worth;
use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::state::dispatch::Doubt;
use crate::flow::state::duplicates::Print;
use crate::flow::state::fast_path::FastPath;
use crate::flow::state::recording::Recorded;
use crate::tcp::Segment;
use crate::time::Timestamp;

/// What casts doubt on `s`, which is about to be shown to its flow. `worth`: what its checksum is worth.
pub(super) fn doubt_about(s: &Segment, fast_path: &mut FastPath, flow: &mut Flow, print: Print, worth: Worth) -> Doubt {
    let answers = s.flags.is_syn_ack() && flow.handshake.is_asked_again();
    let rewritten = flow.is_rewritten_copy(s);
    Doubt { copy: rewritten || fast_path.is_copy(s, print, flow.side_of(s.source), answers), worth }
}

/// Shows `s` to its flow and reports the result.
pub(super) fn show(
    flow: &mut Flow,
    s: &Segment,
    now: Timestamp,
    first: bool,
    doubt: Doubt,
    observer: &mut impl Observer,
) -> Facts {
    let from = flow.side_of(s.source);
    let opening_before = flow.opening;
    let facts = flow.observe(s, from, now, first, doubt);
    let recorded = if facts.intersects(Facts::BAD_CHECKSUM | Facts::COPY) {
        Recorded::Nothing
    } else {
        flow.record(s, from, facts)
    };
    let segment = SegmentRef(s);
    observer.notice(flow, s.time, &Notice::Segment { segment: &segment, from, facts, recorded });
    if flow.opening != opening_before {
        announce(flow, s.time, observer);
    }
    if !flow.tracking.closing_announced
        && let Some(by) = flow.closing_began()
    {
        flow.tracking.closing_announced = true;
        observer.notice(flow, s.time, &Notice::Closing { by });
    }
    facts
}

/// An observer that ignores everything, for segments that were reported before.
pub(super) struct Nobody;

impl Observer for Nobody {
    fn notice(&mut self, _: &mut Flow, _: Timestamp, _: &Notice<'_>) {}
}

/// Reports an opening verdict once it is reached.
pub(super) fn announce(flow: &mut Flow, time: Timestamp, observer: &mut impl Observer) {
    if flow.opening.is_some() && !flow.tracking.announced {
        flow.tracking.announced = true;
        observer.notice(flow, time, &Notice::Opened);
    }
}
