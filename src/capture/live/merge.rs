//! Frames of several interfaces in order of time.
//!
//! Each interface hands over its frames in batches, which the kernel holds back for a while. So a frame waits until
//! every other interface has delivered a later one, or has reported that nothing earlier will come; but not for long.
//! What a wait that was given up cost is counted: frames that came when later ones had been handed on. Asks for no
//! clock: time enters by argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::batch::{Batch, Packet};
use crate::time::Timestamp;

/// How long a frame waits at most for other interfaces, from when its batch came.
const PATIENCE: Duration = Duration::from_millis(100);

/// Batches that wait for their turn. Their number is bounded by that of the batches there are.
#[derive(Debug)]
pub(super) struct Merge {
    lanes: Vec<Lane>,
    /// The lane of the current frame.
    current: Option<usize>,
    /// The latest time handed on, and its lane.
    latest: Option<(Timestamp, usize)>,
    given_up: u64,
    late: u64,
}

/// What came from one interface.
#[derive(Debug, Default)]
struct Lane {
    batches: VecDeque<Batch>,
    /// The next frame in the first batch.
    next: usize,
    /// Before this time nothing more will come.
    complete: Option<Timestamp>,
}

impl Lane {
    fn front(&self) -> Option<&Packet> {
        self.batches.front()?.packet(self.next)
    }
}

impl Merge {
    /// A merge of this many interfaces.
    pub(super) fn new(interfaces: usize) -> Self {
        let lanes = (0..interfaces).map(|_| Lane::default()).collect();
        Self { lanes, current: None, latest: None, given_up: 0, late: 0 }
    }

    /// Takes what its interface delivered; an empty batch is given back at once.
    pub(super) fn push(&mut self, batch: Batch) -> Option<Batch> {
        match self.lanes.get_mut(batch.interface) {
            Some(lane) if batch.len() > 0 => {
                lane.batches.push_back(batch);
                None
            }
            _ => Some(batch),
        }
    }

    /// Before `time` nothing more will come of this interface.
    pub(super) fn is_complete(&mut self, interface: usize, time: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(interface) {
            lane.complete = lane.complete.max(Some(time));
        }
    }

    /// Nothing more will come at all.
    pub(super) fn end(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.complete = Some(Timestamp(i64::MAX)));
    }

    /// Makes the next frame the current one, if it is known to be the next; whether it is.
    pub(super) fn advance(&mut self) -> bool {
        let Some((time, lane)) = self.first() else { return false };
        let waits = |(other, of): (usize, &Lane)| {
            other != lane && of.batches.is_empty() && of.complete.is_none_or(|complete| complete < time)
        };
        if self.lanes.len() > 1 && self.lanes.iter().enumerate().any(waits) {
            return false;
        }
        self.hand_on(time, lane);
        true
    }

    /// Where [`Self::advance`] does not: makes the next frame the current one if it has waited long enough. If not,
    /// how much longer it may wait; `None` where there is no frame.
    pub(super) fn advance_late(&mut self, now: Instant) -> Result<(), Option<Duration>> {
        let (time, lane) = self.first().ok_or(None)?;
        let arrival = self.lanes.get(lane).and_then(|lane| lane.batches.front()).and_then(Batch::arrival);
        let waited = arrival.map_or(PATIENCE, |arrival| now.saturating_duration_since(arrival));
        if waited < PATIENCE {
            return Err(Some(PATIENCE - waited));
        }
        self.given_up += 1;
        self.hand_on(time, lane);
        Ok(())
    }

    /// The earliest frame there is; of those with the same time, that of the interface named first.
    fn first(&self) -> Option<(Timestamp, usize)> {
        let fronts = self.lanes.iter().enumerate().filter_map(|(n, lane)| Some((lane.front()?.time, n)));
        fronts.min()
    }

    fn hand_on(&mut self, time: Timestamp, lane: usize) {
        self.late += u64::from(self.latest.is_some_and(|(latest, of)| of != lane && time < latest));
        self.latest = self.latest.max(Some((time, lane)));
        self.current = Some(lane);
    }

    /// The current frame with the batch that holds it.
    pub(super) fn current(&self) -> Option<(&Batch, &Packet)> {
        let lane = self.lanes.get(self.current?)?;
        Some((lane.batches.front()?, lane.front()?))
    }

    /// Leaves the current frame behind. Returns its batch if that was the last one in it.
    pub(super) fn pass(&mut self) -> Option<Batch> {
        let lane = self.lanes.get_mut(self.current.take()?)?;
        lane.next += 1;
        if lane.next < lane.batches.front()?.len() {
            return None;
        }
        lane.next = 0;
        lane.batches.pop_front()
    }

    /// Frames that were handed on although another interface might still have delivered an earlier one.
    pub(super) const fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Frames that came when later ones of another interface had been handed on.
    pub(super) const fn late(&self) -> u64 {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(interface: usize, times: &[i64]) -> Batch {
        let mut batch = Batch::new(interface);
        times.iter().for_each(|time| batch.push(Timestamp(*time), 60, &[interface as u8]));
        batch.close();
        batch
    }

    /// Times and interfaces of frames that are passed on without giving up a wait.
    fn drain(merge: &mut Merge) -> Vec<(i64, u8)> {
        let mut seen = Vec::new();
        while merge.advance() {
            seen.extend(merge.current().map(|(batch, packet)| (packet.time.0, batch.data(packet)[0])));
            merge.pass();
        }
        seen
    }

    #[test]
    fn one_interface_never_waits() {
        let mut merge = Merge::new(1);
        assert!(merge.push(batch(0, &[5, 3, 9])).is_none());
        assert_eq!(drain(&mut merge), [(5, 0), (3, 0), (9, 0)]);
        assert_eq!((merge.given_up(), merge.late()), (0, 0));
    }

    #[test]
    fn frames_wait_for_what_another_interface_delivers() {
        let mut merge = Merge::new(2);
        merge.push(batch(0, &[1, 3, 5]));
        assert_eq!(drain(&mut merge), [], "the other may have something earlier");
        merge.push(batch(1, &[2, 4]));
        assert_eq!(drain(&mut merge), [(1, 0), (2, 1), (3, 0), (4, 1)]);
        merge.push(batch(1, &[5, 6]));
        assert_eq!(drain(&mut merge), [(5, 0)], "the first interface goes first at the same time");
        merge.push(batch(0, &[7]));
        assert_eq!(drain(&mut merge), [(5, 1), (6, 1)]);
        assert_eq!(merge.late(), 0);
    }

    #[test]
    fn a_silent_interface_is_not_waited_for_once_it_has_reported() {
        let mut merge = Merge::new(3);
        merge.push(batch(0, &[10, 20, 30]));
        merge.is_complete(1, Timestamp(25));
        assert_eq!(drain(&mut merge), [], "the third has reported nothing");
        merge.is_complete(2, Timestamp(20));
        assert_eq!(drain(&mut merge), [(10, 0), (20, 0)]);
        // Output times never go back.
        merge.is_complete(2, Timestamp(5));
        merge.is_complete(2, Timestamp(40));
        assert_eq!(drain(&mut merge), []);
        merge.end();
        assert_eq!(drain(&mut merge), [(30, 0)]);
    }

    #[test]
    fn a_wait_is_given_up_and_its_cost_counted() {
        let mut merge = Merge::new(2);
        merge.push(batch(0, &[10, 11]));
        let arrival = merge.lanes[0].batches[0].arrival().expect("closed");
        assert!(!merge.advance());
        assert_eq!(merge.advance_late(arrival), Err(Some(PATIENCE)));
        assert_eq!(merge.advance_late(arrival + PATIENCE / 4), Err(Some(PATIENCE - PATIENCE / 4)));
        for _ in 0..2 {
            assert_eq!(merge.advance_late(arrival + PATIENCE), Ok(()));
            merge.pass();
        }
        assert_eq!(merge.advance_late(arrival + PATIENCE), Err(None));
        assert_eq!((merge.given_up(), merge.late()), (2, 0), "nothing earlier came");
        merge.push(batch(1, &[9, 12]));
        merge.push(batch(0, &[13]));
        assert_eq!(drain(&mut merge), [(9, 1), (12, 1)]);
        assert_eq!((merge.given_up(), merge.late()), (2, 1));
    }

    #[test]
    fn batches_go_back_when_they_are_read() {
        let mut merge = Merge::new(2);
        assert_eq!(merge.push(batch(1, &[])).map(|batch| batch.interface), Some(1), "an empty one at once");
        assert_eq!(merge.push(batch(7, &[1])).map(|batch| batch.interface), Some(7), "of no interface");
        merge.push(batch(0, &[1, 2]));
        merge.end();
        assert!(merge.pass().is_none() && merge.advance() && merge.pass().is_none() && merge.advance());
        assert_eq!(merge.pass().map(|batch| (batch.interface, batch.len())), Some((0, 2)));
        assert!(!merge.advance() && merge.current().is_none());
    }
}
