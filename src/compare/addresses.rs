//! Which addresses were seen to send at which tap, and which tap each is nearer to.

use core::net::IpAddr;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::seen::Tap;

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    sends: [bool; 2],
    nearer: [u32; 2],
}

/// What is known of addresses, of a limited number of them.
#[derive(Debug)]
pub(super) struct Addresses {
    known: HashMap<IpAddr, Known, FixedState>,
    most: usize,
}

impl Addresses {
    pub(super) fn new(most: usize) -> Self {
        Self { known: HashMap::default(), most }
    }

    fn entry(&mut self, ip: IpAddr) -> Option<&mut Known> {
        if self.known.len() >= self.most && !self.known.contains_key(&ip) {
            return None;
        }
        Some(self.known.entry(ip).or_default())
    }

    /// A tap saw a segment that came from this address.
    pub(super) fn sends(&mut self, tap: Tap, ip: IpAddr) {
        if let Some(known) = self.entry(ip) {
            known.sends[tap as usize] = true;
        }
    }

    /// A connection shows that this address is nearer to a tap.
    pub(super) fn nearer(&mut self, ip: IpAddr, tap: Tap) {
        if let Some(known) = self.entry(ip) {
            known.nearer[tap as usize] = known.nearer[tap as usize].saturating_add(1);
        }
    }

    pub(super) fn is_sender(&self, tap: Tap, ip: IpAddr) -> bool {
        self.known.get(&ip).is_some_and(|known| known.sends[tap as usize])
    }

    /// The tap nearer to an address: by connections, nine in ten of which agree; else the only one at which it sends.
    pub(super) fn near(&self, ip: IpAddr) -> Option<Tap> {
        let known = self.known.get(&ip)?;
        let [a, b] = known.nearer.map(u64::from);
        match (a, b) {
            (0, 0) => match known.sends {
                [true, false] => Some(Tap::A),
                [false, true] => Some(Tap::B),
                _ => None,
            },
            (a, b) if a >= 9 * b => Some(Tap::A),
            (a, b) if b >= 9 * a => Some(Tap::B),
            _ => None,
        }
    }
}
