//! Leaps of the time stamps by an hour or more: whether the clock that stamps was set, or time passed.
//!
//! A segment that continues a connection tells. One of a connection that begins behind the leap tells nothing: until
//! another does the clock stands still, and such connections live in the time of their stamps.

use super::Tracker;
use crate::flow::observer::Observer;
use crate::flow::record::flow::Flow;
use crate::flow::record::tracking::Tracking;
use crate::flow::record::tuple::FlowKey;
use crate::flow::state::leaps::Beyond;
use crate::flow::table::descriptor::Descriptor;
use crate::tcp::Segment;
use crate::time::{SECOND, Timestamp};

/// So many segments of others may come first. If none of them continues what was there, time has passed.
const SEGMENTS: usize = 256;
/// And no later than this behind the leap, nanoseconds.
const WITHIN: i64 = 60 * SECOND;

impl Tracker {
    /// The time stamps are `ahead` of the clock. Where `s` continues a connection regularly, the stamps leapt, not
    /// time. The time in which to take it, if nothing is known yet.
    #[cold]
    pub(super) fn look_at_leap(
        &mut self,
        s: &Segment,
        descriptor: &Descriptor,
        ahead: i64,
        observer: &mut impl Observer,
    ) -> Option<Timestamp> {
        let (key, _) = descriptor.key_of(s);
        let (now, idle) = (self.clock.now(), self.timeouts.idle);
        let slot = self.table.find(&key, descriptor.hash).map(|slot| self.whole(slot, Some(descriptor.hash), observer));
        // One that began beyond the leap says nothing about it.
        let flow = slot.and_then(|slot| self.table.flushed(slot)).filter(|flow| flow.tracking.seen_at <= now);
        let Some(flow) = flow else {
            return self.wait_beyond(s, slot.is_none().then_some((key, descriptor.hash)));
        };
        if flow.goes_on_over_leap(s, ahead, idle) {
            self.leap(s, observer);
        } else {
            self.beyond = None;
        }
        None
    }

    /// The stamps leapt to those of `s`, or of what came just before it.
    fn leap(&mut self, s: &Segment, observer: &mut impl Observer) {
        let before = self.clock.latest();
        let beyond = self.beyond.take();
        let (time, frame) = beyond.as_ref().map_or((s.time, s.frame), |beyond| (beyond.time, beyond.frame));
        self.clock.leap(time, frame);
        observer.paused(before, s.time);
        if let Some(beyond) = beyond {
            self.set_back(&beyond);
        }
    }

    /// The stamp of `s` was one of its own: what came behind it was not ahead.
    #[cold]
    pub(super) fn forget_beyond(&mut self) {
        if let Some(beyond) = self.beyond.take() {
            self.set_back(&beyond);
        }
    }

    /// Nothing more is to come: time passed.
    pub(super) fn believe_beyond(&mut self, observer: &mut impl Observer) {
        if let Some(beyond) = self.beyond.take() {
            self.advance(beyond.last, observer);
        }
    }

    /// Notes that `s` tells nothing; in which time to take it, while that may be so. `new`: the connection that it
    /// begins.
    fn wait_beyond(&mut self, s: &Segment, new: Option<(FlowKey, u64)>) -> Option<Timestamp> {
        if !self.clock.is_leap(s.time) {
            self.beyond = None;
            return None;
        }
        let at = self.clock.at(s.time);
        let beyond = self.beyond.get_or_insert_with(|| {
            Box::new(Beyond { time: s.time, frame: s.frame, at, last: s.time, segments: 0, begun: Vec::new() })
        });
        beyond.segments += 1;
        beyond.last = beyond.last.max(s.time);
        if beyond.segments > SEGMENTS || (s.time - beyond.time).saturating_abs() > WITHIN {
            self.beyond = None;
            return None;
        }
        beyond.begun.extend(new);
        Some(at)
    }

    /// Connections that began beyond a leap began in the time of all others.
    fn set_back(&mut self, beyond: &Beyond) {
        let by = (beyond.at - self.clock.now()).max(0);
        let back = |time: &mut Timestamp| *time = time.after(-by);
        for (key, hash) in &beyond.begun {
            let Some(slot) = self.table.find(key, *hash) else { continue };
            let Some(flow): Option<&mut Flow> = self.table.flushed(slot) else { continue };
            if flow.first_frame < beyond.frame {
                continue;
            }
            back(&mut flow.tracking.tried_at);
            back(&mut flow.tracking.seen_at);
            if flow.tracking.quiet_at != Tracking::NEVER {
                back(&mut flow.tracking.quiet_at);
            }
            self.schedule(slot, false);
        }
    }
}
