//! What became of the attempts of each of the last seconds, for one service.

/// Seconds kept of a service.
const SECONDS: usize = 32;
/// Seconds kept of a service that is seldom asked for.
const FEW: usize = 2;

/// First SYNs of one second, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Second {
    /// Which second, counted from the one in which the service was first asked for.
    pub(super) at: i64,
    pub(super) syns: u32,
    pub(super) completed: u32,
    pub(super) answered: u32,
    pub(super) refused: u32,
    /// Reset by the client after the SYN-ACK.
    pub(super) reset: u32,
    /// Not completed, and sent again.
    pub(super) retried: u32,
}

impl Second {
    /// Whether anything was counted in it.
    const fn is_counted(&self) -> bool {
        self.syns | self.completed | self.answered | self.refused | self.reset | self.retried != 0
    }

    /// Adds what `other` counted.
    pub(super) const fn add(&mut self, other: &Self) {
        self.syns += other.syns;
        self.completed += other.completed;
        self.answered += other.answered;
        self.refused += other.refused;
        self.reset += other.reset;
        self.retried += other.retried;
    }

    /// Neither completed nor refused.
    pub(super) const fn hanging(&self) -> u32 {
        self.syns.saturating_sub(self.completed + self.refused)
    }

    /// Share of the uncompleted that were sent again.
    pub(super) fn retry_share(&self) -> f64 {
        f64::from(self.retried) / f64::from(self.syns.saturating_sub(self.completed).max(1))
    }

    /// Share that completed.
    pub(super) fn completion(&self) -> f64 {
        f64::from(self.completed) / f64::from(self.syns.max(1))
    }
}

/// The last [`SECONDS`] seconds: each has the place of its number modulo that, where the newest stays. Most services
/// are asked for now and then, and need no room for all of them.
#[derive(Debug, Default)]
pub(super) struct Seconds {
    few: [Second; FEW],
    all: Option<Box<[Second; SECONDS]>>,
}

impl Seconds {
    /// `second`, to count in; `None` if a newer one has its place.
    pub(super) fn at(&mut self, second: i64) -> Option<&mut Second> {
        let held = self.held(second);
        if second > held.at || held.syns == 0 {
            *held = Second { at: second, ..Second::default() };
        }
        (held.at == second).then_some(held)
    }

    /// What was counted in `second`, if anything was.
    pub(super) fn get(&self, second: i64) -> Option<&Second> {
        let counted = |s: &&Second| s.at == second && s.is_counted();
        match &self.all {
            Some(all) => Some(&all[place(second)]).filter(counted),
            None => self.few.iter().find(counted),
        }
    }

    /// Those in which anything was counted, and empty ones.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Second> {
        self.all.as_ref().map_or(&self.few[..], |all| &all[..]).iter()
    }

    /// The sum over seconds `from..=to`, and how many there are from the first with a SYN to `to`.
    pub(super) fn cohort(&self, from: i64, to: i64) -> (Second, i64) {
        let mut sum = Second { at: to, ..Second::default() };
        let mut first = to;
        for second in self.iter().filter(|s| s.syns > 0 && (from..=to).contains(&s.at)) {
            sum.add(second);
            first = first.min(second.at);
        }
        (sum, to - first + 1)
    }

    /// Octets held elsewhere.
    pub(super) fn octets(&self) -> usize {
        self.all.as_ref().map_or(0, |all| size_of_val(&**all))
    }

    /// The place of `second`, with what is in it.
    fn held(&mut self, second: i64) -> &mut Second {
        if self.all.is_none() {
            let unused = Second::default();
            let own = self.few.iter().position(|s| *s != unused && place(s.at) == place(second));
            if let Some(at) = own.or_else(|| self.few.iter().position(|s| *s == unused)) {
                return &mut self.few[at];
            }
        }
        let few = self.few;
        let all = self.all.get_or_insert_with(|| {
            let mut all = Box::new([Second::default(); SECONDS]);
            for second in few {
                all[place(second.at)] = second;
            }
            all
        });
        &mut all[place(second)]
    }
}

const fn place(second: i64) -> usize {
    second.rem_euclid(SECONDS as i64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few seconds or all: the same is counted.
        #[test]
        fn counts_like_a_ring(asked in prop::collection::vec((0_i64..200, any::<bool>()), 0..60)) {
            let mut seconds = Seconds::default();
            let mut ring = [Second::default(); SECONDS];
            for (second, is_syn) in asked {
                let held = &mut ring[place(second)];
                if second > held.at || held.syns == 0 {
                    *held = Second { at: second, ..Second::default() };
                }
                let counted = seconds.at(second).map(|s| {
                    s.syns += u32::from(is_syn);
                    s.answered += 1;
                });
                prop_assert_eq!(counted.is_some(), held.at == second);
                if held.at == second {
                    held.syns += u32::from(is_syn);
                    held.answered += 1;
                }
                let add = |n: (u32, u32), s: &Second| (n.0 + s.syns, n.1 + s.answered);
                let sum = |all: &mut dyn Iterator<Item = &Second>| all.fold((0, 0), add);
                prop_assert_eq!(sum(&mut seconds.iter()), sum(&mut ring.iter()));
                let counted = |s: &Second| s.at == second && s.syns + s.answered > 0;
                prop_assert_eq!(seconds.get(second).copied(), Some(ring[place(second)]).filter(counted));
            }
        }
    }

    #[test]
    fn a_service_asked_now_and_then_needs_little_room() {
        let mut seconds = Seconds::default();
        for second in [100, 101] {
            seconds.at(second).unwrap().syns += 1;
        }
        assert_eq!(seconds.octets(), 0);
        seconds.at(102).unwrap().syns += 1;
        assert_eq!((seconds.octets(), seconds.iter().map(|s| s.syns).sum::<u32>()), (1024, 3));
    }
}
