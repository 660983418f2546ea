//! What the tracker noticed about one segment: facts, not judgements. Detectors subscribe to them.

use core::ops;

/// A set of facts about one segment in its flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts(pub u64);

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident = $bit:literal,)+) => {
        impl Facts { $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)+ }
    };
}

facts! {
    /// A SYN that began the flow.
    SYN = 0,
    /// The same SYN again.
    SYN_REPEATED = 1,
    /// A SYN with another ISN while nothing had answered the one before (it began this flow).
    SYN_NEW_ISN = 2,
    /// A SYN-ACK that acknowledges a SYN of the flow (or the first one where no SYN was seen).
    SYN_ACK = 3,
    /// The same SYN-ACK again before the third step.
    SYNACK_REPEATED = 4,
    /// A SYN-ACK that acknowledges none of the SYNs seen.
    SYNACK_WRONG_ACK = 5,
    /// A second SYN-ACK with another ISN for the same SYN.
    SYNACK_NEW_ISN = 6,
    /// A SYN-ACK after the verdict that there was none.
    SYNACK_LATE = 7,
    /// The segment that completed the handshake.
    FINAL_ACK = 8,
    /// A would-be third step that acknowledges a wrong number.
    FINAL_ACK_WRONG = 9,
    /// A FIN.
    FIN = 10,
    /// The same FIN again.
    FIN_REPEATED = 11,
    /// A FIN at another sequence number than the sender's first.
    FIN_MOVED = 12,
    /// It acknowledges the other end's FIN for the first time.
    ACK_OF_FIN = 13,
    /// A RST.
    RST = 14,
    /// A RST whose number lies below what its receiver had acknowledged.
    RST_OLD = 15,
    /// A RST whose number is possibly exact.
    RST_EXACT = 16,
    /// A RST inside the window, but not exact (RFC 5961 section 3.2 answers it with a challenge ACK).
    RST_INEXACT = 17,
    /// A RST beyond the window.
    RST_BEYOND = 18,
    /// A RST with an acknowledgment number outside what its receiver can have sent.
    RST_BAD_ACK = 19,
    /// The RST ended the connection (or the attempt).
    RST_ACCEPTED = 20,
    /// Payload never seen before.
    NEW_DATA = 21,
    /// Sequence space that had all been seen before.
    RETRANSMITTED = 22,
    /// New octets below the highest number seen, too soon for a retransmission.
    OUT_OF_ORDER = 23,
    /// It acknowledges octets that were never seen.
    HOLE = 24,
    /// It shows that a segment before acknowledged what was never sent: that one was dropped.
    ACK_UNSENT = 25,
    /// A keep-alive or window probe: at most one octet, one below the next number.
    PROBE = 26,
    /// Payload from the server before the third step, or from the client before the SYN-ACK, without Fast Open.
    DATA_BEFORE_ESTABLISHED = 27,
    /// Anything but a RST from an end in whose name the connection had been reset.
    AFTER_OWN_RESET = 28,
    /// Anything but a RST from the end that had been reset.
    AFTER_PEER_RESET = 29,
    /// Payload beyond the sender's own FIN.
    DATA_AFTER_FIN = 30,
    /// An acknowledgment beyond the other end's FIN.
    ACK_BEYOND_FIN = 31,
    /// A bare SYN on an open connection.
    SYN_ON_ESTABLISHED = 32,
    /// A SYN-ACK on an open connection.
    SYNACK_ON_ESTABLISHED = 33,
    /// A challenge ACK (RFC 5961) after a SYN on the open connection, or after an inexact RST.
    CHALLENGE_ACK = 34,
    /// It advertises a window of zero.
    ZERO_WINDOW = 35,
    /// The right edge of the window retreated.
    WINDOW_SHRANK = 36,
    /// A wrong checksum: it changes nothing.
    BAD_CHECKSUM = 37,
    /// A copy made by the capture: it changes nothing.
    COPY = 38,
    /// It came after the close was complete.
    AFTER_CLOSE = 39,
    /// Flags that no segment of a connection can have.
    INVALID_FLAGS = 40,
    /// A bare SYN from the server while the client's is unanswered: crossing SYNs, or a split handshake.
    SYN_CROSSED = 41,
    /// An acknowledgment (no SYN, no RST) from the server while the SYN is unanswered.
    BARE_ACK_TO_SYN = 42,
    /// A RST by the client that answers a SYN-ACK with a wrong acknowledgment number (RFC 9293 figure 8).
    RST_OF_WRONG_SYNACK = 43,
    /// The first segment of a flow that began without SYN or SYN-ACK.
    MIDSTREAM = 44,
    /// It takes up the four-tuple of an earlier connection.
    REUSE = 45,
    /// An ordinary acknowledgment that repeats the one before without data or window change.
    DUPLICATE_ACK = 46,
    /// The first payload after the other end's FIN.
    DATA_IN_HALF_CLOSE = 47,
    /// Its TTL differs by two or more from that of its sender's packet before.
    TTL_CHANGED = 56,
    /// Anything but a RST, later than reordering explains, from an end in whose name any RST had been sent.
    SPOKE_AFTER_RESET = 57,
    /// It adds to the evidence that a reset was forged.
    RESET_EVIDENCE = 58,
    /// A RST above what its sender had sent, within 100 ms of another with another number.
    RESET_VOLLEY = 59,
    /// The third copy, or the second probe, or a later one, without anything from the other end.
    UNANSWERED = 60,
    /// The 1000th FIN or RST in a row, no more than a second apart; or the 100th RST whose number does not fit.
    STORM = 61,
    /// A window is closed for 30 s or more, and the other end knocks.
    WINDOW_STALL = 62,
    /// No timestamps, although they are in force.
    TIMESTAMP_MISSING = 48,
    /// One packet's worth of payload that is larger than the receiver's MSS allows.
    OVER_MSS = 49,
    /// Malformed options, or options that only a SYN may carry.
    OPTIONS_FAULTY = 50,
    /// A reserved bit, or the AE bit where nobody asked for Accurate ECN.
    RESERVED_BITS = 51,
    /// An acknowledgment or urgent field without its flag, or the flag without its field.
    UNFLAGGED_FIELD = 52,
    /// The first payload of its sender.
    FIRST_DATA = 53,
    /// Payload that cannot be its sender's own, beside what that sent: other contents at the same number, or behind its
    /// reset.
    DATA_REPLACED = 63,
    /// A RST by an end whose new SYN was answered with an acknowledgment that does not fit: it resets the other end's
    /// old connection and goes on trying (RFC 9293 section 3.10.7.3, figures 9 and 10).
    RST_OF_OLD_ACK = 54,
    /// Its receiver must drop it (RFC 9293 section 3.10.7.4): it moves no state and brings no octets.
    UNACCEPTABLE = 55,
}

impl Facts {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Whether any fact of `other` is here.
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether every fact of `other` is here.
    pub const fn all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl ops::BitOr for Facts {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl ops::BitOrAssign for Facts {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
