//! Which senders have shown a good checksum: only their bad ones are really bad.
//!
//! A capture taken at a sender with checksum offload, or rewritten afterwards, shows wrong checksums throughout; they say
//! nothing about what its peers received (findings A.9). A fixed table, so that forged senders cannot make it grow; two
//! senders that share a place make the later one unproved again.

use core::hash::BuildHasher;
use core::net::IpAddr;

use foldhash::fast::FixedState;

use crate::tcp::Checksum;

const PLACES: usize = 4096;

/// Senders by a hash of their address.
#[derive(Debug)]
pub(super) struct Sources {
    proved: Box<[u32]>,
    hasher: FixedState,
}

impl Default for Sources {
    fn default() -> Self {
        // Fixed seed: a collision only makes synscope believe a bad checksum, and the same capture must give the same bytes.
        Self { proved: vec![0; PLACES].into_boxed_slice(), hasher: FixedState::with_seed(0x5eed) }
    }
}

impl Sources {
    /// Notes what `checksum` tells of its `sender`; whether that had proved that its checksums can be trusted.
    pub(super) fn judge(&mut self, sender: IpAddr, checksum: Checksum) -> bool {
        match checksum {
            Checksum::Unverifiable => false,
            Checksum::Good | Checksum::Offload => {
                let (place, tag) = self.place(sender);
                self.proved[place] = tag;
                true
            }
            Checksum::Bad => {
                let (place, tag) = self.place(sender);
                self.proved[place] == tag
            }
        }
    }

    fn place(&self, sender: IpAddr) -> (usize, u32) {
        let hash = self.hasher.hash_one(sender);
        (hash as usize % PLACES, (hash >> 32) as u32 | 1)
    }
}
