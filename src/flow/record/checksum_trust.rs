//! What the checksums of a sender are worth: only where it has shown a good one are its bad ones really bad.
//!
//! A capture taken at a sender with checksum offload, or rewritten afterwards, shows wrong checksums throughout; they
//! say nothing about what its peers received. Some cards and virtual switches leave 0 in the field, and let the stack
//! finish what it makes without them, SYN-ACKs above all: 0 again and again is unfinished as well. A fixed table, so
//! that forged senders cannot make it grow; two senders that share a place make the later one unproved again.

use core::hash::BuildHasher;
use core::net::IpAddr;

use foldhash::fast::FixedState;

use crate::seed::seed;
use crate::tcp::{Checksum, Flags, Segment};

const PLACES: usize = 4096;

/// How often a sender that finishes its checksums may leave 0 in the field before that is taken for its way.
const ZEROES: u8 = 2;

/// What a wrong checksum of a sender means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) enum Sums {
    /// Its others are right: a wrong one is wrong.
    Trusted,
    /// No right one was seen: nothing.
    Unproved,
    /// This one was left to the card.
    Unfinished,
}

/// One sender.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Which; 0 where none has shown anything.
    tag: u32,
    /// Whether it has shown a right checksum, and one in something else than a SYN.
    good: bool,
    good_later: bool,
    /// How often it left 0.
    zeroes: u8,
}

/// Senders by a hash of their address.
#[derive(Debug)]
pub(in crate::flow) struct ChecksumTrust {
    places: Box<[Place]>,
    hasher: FixedState,
}

impl Default for ChecksumTrust {
    fn default() -> Self {
        // Not random: the same file must give the same bytes.
        Self { places: vec![Place::default(); PLACES].into_boxed_slice(), hasher: FixedState::with_seed(seed()) }
    }
}

impl ChecksumTrust {
    /// What the checksum of `s` is worth, by what its sender has shown before.
    pub(in crate::flow) fn verdict(&self, s: &Segment) -> Sums {
        if s.checksum != Checksum::Bad {
            return Sums::Trusted;
        }
        let (place, tag) = self.place(s.source.ip);
        let known = Some(self.places[place]).filter(|known| known.tag == tag).unwrap_or_default();
        // One that would change states needs another before it.
        let alone = s.flags.any(Flags::SYN | Flags::FIN | Flags::RST) && known.zeroes == 0;
        match s.checksum_field {
            0 if known.zeroes >= ZEROES || (known.good && !known.good_later && !alone) => Sums::Unfinished,
            _ if known.good => Sums::Trusted,
            _ => Sums::Unproved,
        }
    }

    /// The same, and notes what it tells of its sender.
    pub(in crate::flow) fn judge(&mut self, s: &Segment) -> Sums {
        let verdict = self.verdict(s);
        match s.checksum {
            Checksum::Unverifiable => {}
            Checksum::Good | Checksum::Offload => self.good(s.source.ip, s.flags.has(Flags::SYN)),
            Checksum::Bad if s.checksum_field == 0 => {
                let known = self.entry(s.source.ip);
                known.zeroes = known.zeroes.saturating_add(1);
            }
            Checksum::Bad => {}
        }
        verdict
    }

    /// A right checksum of `sender`, in a SYN or elsewhere.
    pub(in crate::flow) fn good(&mut self, sender: IpAddr, syn: bool) {
        let known = self.entry(sender);
        known.good = true;
        known.good_later |= !syn;
    }

    /// `sender` was found to leave its checksums to its card.
    pub(in crate::flow) fn leaves_sums(&mut self, sender: IpAddr) {
        let known = self.entry(sender);
        known.zeroes = known.zeroes.max(ZEROES);
    }

    fn entry(&mut self, sender: IpAddr) -> &mut Place {
        let (place, tag) = self.place(sender);
        let known = &mut self.places[place];
        if known.tag != tag {
            *known = Place { tag, ..Place::default() };
        }
        known
    }

    fn place(&self, sender: IpAddr) -> (usize, u32) {
        let hash = self.hasher.hash_one(sender);
        (hash as usize % PLACES, (hash >> 32) as u32 | 1)
    }
}

/// What the checksum of a segment is worth.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Worth {
    /// What a wrong one of its sender means.
    pub(in crate::flow) sums: Sums,
    /// Zeek's words go by every checksum, whoever its sender is.
    pub(in crate::flow) zeek_checksums: bool,
}

impl Worth {
    /// `s` as Zeek's words take it, where that is not as it is: a wrong checksum that says nothing about what its
    /// receiver got is none, or an unfinished one is wrong.
    pub(in crate::flow) fn read_by_zeek(self, s: &Segment) -> Option<Segment> {
        let checksum = match s.checksum {
            Checksum::Bad if !self.zeek_checksums && self.sums != Sums::Trusted => Checksum::Unverifiable,
            Checksum::Offload if self.zeek_checksums && !s.truncated => Checksum::Bad,
            Checksum::Good | Checksum::Offload | Checksum::Unverifiable | Checksum::Bad => return None,
        };
        Some(Segment { checksum, ..*s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::table::syn_record::tests::syn;

    fn segment(flags: Flags, checksum: Checksum, checksum_field: u16) -> Segment {
        Segment { flags, checksum, checksum_field, ..syn() }
    }

    #[test]
    fn zero_after_a_right_syn_is_unfinished() {
        let mut sources = ChecksumTrust::default();
        let zero = segment(Flags::ACK, Checksum::Bad, 0);
        assert_eq!(sources.judge(&zero), Sums::Unproved);
        sources.judge(&segment(Flags::SYN | Flags::ACK, Checksum::Good, 7));
        assert_eq!(sources.judge(&zero), Sums::Unfinished);
        assert_eq!(sources.judge(&segment(Flags::ACK, Checksum::Bad, 7)), Sums::Trusted);
    }

    #[test]
    fn zero_among_right_ones_is_wrong_until_it_comes_again_and_again() {
        let mut sources = ChecksumTrust::default();
        sources.judge(&segment(Flags::SYN, Checksum::Good, 7));
        sources.judge(&segment(Flags::ACK, Checksum::Good, 7));
        let zero = segment(Flags::RST, Checksum::Bad, 0);
        assert_eq!([(); 3].map(|()| sources.judge(&zero)), [Sums::Trusted, Sums::Trusted, Sums::Unfinished]);
    }
}
