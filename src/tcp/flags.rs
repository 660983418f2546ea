//! The flag bits as they are on the wire (RFC 9293 section 3.1), reserved bits included.

use core::{fmt, ops};

/// Header length apart, the twelve low bits of octets 13 and 14 of a TCP header: three reserved bits, AE, and the eight
/// flags.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// No flag at all.
    pub const NONE: Self = Self(0);
    /// No more data from sender.
    pub const FIN: Self = Self(0x001);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x002);
    /// Reset the connection.
    pub const RST: Self = Self(0x004);
    /// Push function.
    pub const PSH: Self = Self(0x008);
    /// Acknowledgment field is significant.
    pub const ACK: Self = Self(0x010);
    /// Urgent pointer field is significant.
    pub const URG: Self = Self(0x020);
    /// ECN echo (RFC 3168).
    pub const ECE: Self = Self(0x040);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Self = Self(0x080);
    /// Accurate ECN (RFC 9768), formerly NS.
    pub const AE: Self = Self(0x100);
    /// The three bits that are still reserved.
    pub const RESERVED: Self = Self(0xe00);

    const LETTERS: [(Self, char); 9] = [
        (Self::FIN, 'F'),
        (Self::SYN, 'S'),
        (Self::RST, 'R'),
        (Self::PSH, 'P'),
        (Self::ACK, 'A'),
        (Self::URG, 'U'),
        (Self::ECE, 'E'),
        (Self::CWR, 'C'),
        (Self::AE, 'N'),
    ];

    /// Whether every bit of `other` is set here.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set here.
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The six flags of RFC 793 (FIN, SYN, RST, PSH, ACK, URG); ECN and reserved bits dropped.
    #[must_use]
    pub const fn classic(self) -> Self {
        Self(self.0 & 0x3f)
    }

    /// SYN without ACK, RST or FIN: the first step of a handshake, ECN-setup or not.
    pub const fn is_syn(self) -> bool {
        self.0 & 0x17 == 0x02
    }

    /// SYN and ACK without RST or FIN: the second step.
    pub const fn is_syn_ack(self) -> bool {
        self.0 & 0x17 == 0x12
    }

    /// FIN without SYN or RST.
    pub const fn is_fin(self) -> bool {
        self.0 & 0x07 == 0x01
    }

    /// RST, whatever else is set.
    pub const fn is_rst(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// ACK without SYN, FIN or RST.
    pub const fn is_plain_ack(self) -> bool {
        self.0 & 0x17 == 0x10
    }

    /// Reads the letters that [`fmt::Display`] writes, in any order; `.` is ACK as tcpdump writes it. `None` for any
    /// other letter.
    pub fn from_letters(letters: &str) -> Option<Self> {
        letters.chars().try_fold(Self::NONE, |flags, letter| match letter {
            '.' => Some(flags | Self::ACK),
            '-' => Some(flags),
            _ => Self::LETTERS.iter().find(|(_, l)| *l == letter).map(|(bit, _)| flags | *bit),
        })
    }
}

impl ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Flags {
    /// Scapy's letters (`S`, `SA`, `FA`, `PA`, …; `N` for AE), `-` for none; reserved bits are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 & 0x1ff == 0 {
            return f.write_str("-");
        }
        for (bit, letter) in Self::LETTERS {
            if self.has(bit) {
                fmt::Write::write_char(f, letter)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:#05x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ecn_setup_syn_is_still_a_syn() {
        let flags = Flags::SYN | Flags::ECE | Flags::CWR;
        assert!(flags.is_syn());
        assert_eq!(flags.to_string(), "SEC");
        assert_eq!(Flags::from_letters("SEC"), Some(flags));
    }

    #[test]
    fn kinds_exclude_each_other() {
        for bits in 0..0x1000u16 {
            let f = Flags(bits);
            let kinds = [f.is_syn(), f.is_syn_ack(), f.is_fin(), f.is_plain_ack()];
            assert!(kinds.iter().filter(|k| **k).count() <= 1, "{f:?}");
        }
    }
}
