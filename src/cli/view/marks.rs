//! Places in a file to which the view can go back without reading from the start.

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
    /// When this many packets have passed in all.
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

/// The marks, in order. There are none until reading has gone back once: who only reads on does not pay for them.
#[derive(Debug)]
pub(super) struct Marks {
    wanted: bool,
    every: u64,
    /// Octets that a table of the view takes at most, and those of all marks together: beyond, every second mark goes.
    table: usize,
    most_octets: usize,
    places: Vec<Place>,
    /// Octets of the view's table at each of the places, at most.
    octets: Vec<usize>,
    /// Connections that were open at each of the places.
    live: Vec<usize>,
}

impl Marks {
    /// For a view whose table takes `table` octets at most, and the tables of all marks `most_octets`.
    pub(super) fn new(table: usize, most_octets: usize) -> Self {
        let (places, octets) = (Vec::new(), Vec::new());
        Self { wanted: false, every: EVERY, table, most_octets, places, octets, live: Vec::new() }
    }

    /// From now on marks are made: reading goes back, and may do so again.
    pub(super) const fn want(&mut self) {
        self.wanted = true;
    }

    /// Whether it is time for a mark.
    pub(super) fn is_due(&self, place: Place) -> bool {
        self.wanted && place.packets >= self.places.last().map_or(0, |last| last.packets) + self.every
    }

    /// Makes a mark at `place`, where `live` connections are open, if the view can take it.
    pub(super) fn make(&mut self, place: Place, live: usize, feed: &Feed) {
        let octets = feed.octets().min(self.table);
        if !feed.mark(place.packets) {
            return;
        }
        self.places.push(place);
        self.octets.push(octets);
        self.live.push(live);
        while self.places.len() > MOST || self.places.len() > 1 && self.octets.iter().sum::<usize>() > self.most_octets
        {
            self.thin_out(feed);
        }
    }

    /// Every second mark goes, the last stays, and they are made half as often.
    fn thin_out(&mut self, feed: &Feed) {
        self.every *= 2;
        let stays = |from_end: usize| from_end.is_multiple_of(2);
        let last = self.places.len() - 1;
        for (_, place) in self.places.iter().enumerate().filter(|(n, _)| !stays(last - n)) {
            feed.drop_mark(place.packets);
        }
        let mut n = 0..=last;
        self.places.retain(|_| n.next().is_some_and(|n| stays(last - n)));
        for list in [&mut self.octets, &mut self.live] {
            let mut n = 0..=last;
            list.retain(|_| n.next().is_some_and(|n| stays(last - n)));
        }
    }

    /// Connections that were open at the mark at `place`.
    pub(super) fn live_at(&self, place: Place) -> Option<usize> {
        let at = self.places.iter().position(|known| known.packets == place.packets)?;
        self.live.get(at).copied()
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

    fn wanted(table: usize, most_octets: usize) -> Marks {
        let mut marks = Marks::new(table, most_octets);
        marks.want();
        marks
    }

    #[test]
    fn marks_are_few_and_the_nearest_is_found() {
        let feed = Feed::new(10);
        let mut marks = wanted(1_000_000, 1_000_000);
        for packets in (0..EVERY * 100).step_by(1024) {
            if marks.is_due(place(packets)) {
                marks.make(place(packets), 1, &feed);
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
        let mut marks = wanted(1_000_000, 1_000_000);
        for packets in (0..EVERY * 10).step_by(1024) {
            if marks.is_due(place(packets)) {
                marks.make(place(packets), 1, &feed);
            }
        }
        assert_eq!(marks.places.len(), 1);
    }

    #[test]
    fn who_never_goes_back_has_no_marks() {
        let marks = Marks::new(1_000_000, 1_000_000);
        assert!((0..EVERY * 10).step_by(1024).all(|packets| !marks.is_due(place(packets))));
    }

    #[test]
    fn marks_hold_as_much_as_they_may() {
        let (table, most_octets) = (1000, 2500);
        let feed = Feed::new(10);
        let mut marks = wanted(table, most_octets);
        let mut most = 0;
        for packets in (0..EVERY * 100).step_by(1024) {
            if marks.is_due(place(packets)) {
                // A table that grows until it is full.
                feed.shows(packets as usize / 1000);
                marks.make(place(packets), packets as usize, &feed);
            }
            while feed.take().mark.is_some() {}
            let held: usize = marks.octets.iter().sum();
            assert!(held <= most_octets && marks.octets.len() == marks.places.len(), "{marks:?}");
            assert!(marks.places.iter().all(|place| marks.live_at(*place) == Some(place.packets as usize)));
            most = most.max(held);
        }
        assert!(!marks.places.is_empty() && most > table, "{marks:?}");
        assert_eq!(marks.live_at(place(7)), None);
    }
}
