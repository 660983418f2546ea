//! Places in a file that the view can go back to without being told everything from the start again.

use super::reading::Place;
use crate::output::tui::Feed;
use crate::time::Timestamp;

/// Packets between two marks, at first.
const EVERY: u64 = 65_536;
/// Marks kept. When there are more, every second one goes, and they are made half as often.
const MOST: usize = 16;

/// Where reading is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// When so many packets have passed in all.
    Packets(u64),
    /// Before the first packet of this time or later.
    Time(Timestamp),
}

impl Target {
    /// Whether it is reached when the next packet, after `packets`, is of time `next`.
    pub(super) fn is_reached(self, packets: u64, next: Timestamp) -> bool {
        match self {
            Self::Packets(wanted) => packets >= wanted,
            Self::Time(wanted) => next >= wanted,
        }
    }

    /// Whether it comes no sooner than `place`.
    fn is_from(self, place: Place) -> bool {
        match self {
            Self::Packets(wanted) => place.packets <= wanted,
            Self::Time(wanted) => place.now < wanted,
        }
    }
}

/// The marks, in order.
#[derive(Debug)]
pub(super) struct Marks {
    every: u64,
    places: Vec<Place>,
}

impl Marks {
    pub(super) const fn new() -> Self {
        Self { every: EVERY, places: Vec::new() }
    }

    /// Whether it is time for a mark.
    pub(super) fn is_due(&self, place: Place) -> bool {
        place.packets >= self.places.last().map_or(0, |last| last.packets) + self.every
    }

    /// Makes a mark at `place` if the view can take it.
    pub(super) fn make(&mut self, place: Place, feed: &Feed) {
        if !feed.mark(place.packets) {
            return;
        }
        self.places.push(place);
        if self.places.len() > MOST {
            self.every *= 2;
            let mut n = 0;
            self.places.retain(|place| {
                n += 1;
                if n % 2 == 1 {
                    feed.drop_mark(place.packets);
                }
                n % 2 == 0
            });
        }
    }

    /// The last mark that is not beyond `target`.
    pub(super) fn before(&self, target: Target) -> Option<Place> {
        self.places.iter().rev().copied().find(|place| target.is_from(*place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(packets: u64) -> Place {
        Place { packets, now: Timestamp(packets as i64) }
    }

    #[test]
    fn marks_are_few_and_the_nearest_is_found() {
        let feed = Feed::new(10);
        let mut marks = Marks::new();
        for packets in (0..EVERY * 100).step_by(1024) {
            if marks.is_due(place(packets)) {
                marks.make(place(packets), &feed);
            }
            while feed.take().mark.is_some() {}
        }
        assert!((MOST / 2..=MOST).contains(&marks.places.len()), "{marks:?}");
        assert!(marks.places.is_sorted_by_key(|place| place.packets));
        assert_eq!(marks.before(Target::Packets(1)).map(|place| place.packets), None);
        let last = marks.places.last().copied().unwrap();
        assert_eq!(marks.before(Target::Packets(u64::MAX)).map(|place| place.packets), Some(last.packets));
        // A packet of the very time of a mark's last one may be before it.
        let found = marks.before(Target::Time(last.now)).unwrap();
        assert!(found.packets < last.packets);
    }

    #[test]
    fn a_view_that_takes_nothing_gets_one_mark() {
        let feed = Feed::new(10);
        let mut marks = Marks::new();
        for packets in (0..EVERY * 10).step_by(1024) {
            if marks.is_due(place(packets)) {
                marks.make(place(packets), &feed);
            }
        }
        assert_eq!(marks.places.len(), 1);
    }
}
