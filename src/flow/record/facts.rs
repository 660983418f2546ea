//! What the tracker noticed about one segment: facts, not judgements. Detectors subscribe to them.

use bitflags::bitflags;

bitflags! {
    /// A set of facts about one segment in its flow.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Facts: u64 {
        /// A SYN that began the flow.
        const SYN = 1;
        /// The same SYN again.
        const SYN_REPEATED = 1 << 1;
        /// A SYN with another ISN while nothing had answered the one before (it began this flow).
        const SYN_NEW_ISN = 1 << 2;
        /// A SYN-ACK that acknowledges a SYN of the flow (or the first one where no SYN was seen).
        const SYN_ACK = 1 << 3;
        /// The same SYN-ACK again before the third step.
        const SYNACK_REPEATED = 1 << 4;
        /// A SYN-ACK that acknowledges none of the SYNs seen.
        const SYNACK_WRONG_ACK = 1 << 5;
        /// A second SYN-ACK with another ISN for the same SYN.
        const SYNACK_NEW_ISN = 1 << 6;
        /// A SYN-ACK after the verdict that there was none.
        const SYNACK_LATE = 1 << 7;
        /// The segment that completed the handshake.
        const FINAL_ACK = 1 << 8;
        /// A would-be third step that acknowledges a wrong number.
        const FINAL_ACK_WRONG = 1 << 9;
        /// A FIN.
        const FIN = 1 << 10;
        /// The same FIN again.
        const FIN_REPEATED = 1 << 11;
        /// A FIN at another sequence number than the sender's first.
        const FIN_MOVED = 1 << 12;
        /// It acknowledges the other end's FIN for the first time.
        const ACK_OF_FIN = 1 << 13;
        /// A RST.
        const RST = 1 << 14;
        /// A RST whose number lies below what its receiver had acknowledged.
        const RST_OLD = 1 << 15;
        /// A RST whose number is possibly exact.
        const RST_EXACT = 1 << 16;
        /// A RST inside the window, but not exact (RFC 5961 section 3.2 answers it with a challenge ACK).
        const RST_INEXACT = 1 << 17;
        /// A RST beyond the window.
        const RST_BEYOND = 1 << 18;
        /// A RST with an acknowledgment number outside what its receiver can have sent.
        const RST_BAD_ACK = 1 << 19;
        /// The RST ended the connection (or the attempt).
        const RST_ACCEPTED = 1 << 20;
        /// Payload never seen before.
        const NEW_DATA = 1 << 21;
        /// Sequence space that had all been seen before.
        const RETRANSMITTED = 1 << 22;
        /// New octets below the highest number seen, too soon for a retransmission.
        const OUT_OF_ORDER = 1 << 23;
        /// It acknowledges octets that were never seen.
        const HOLE = 1 << 24;
        /// It shows that a segment before acknowledged what was never sent: that one was dropped.
        const ACK_UNSENT = 1 << 25;
        /// A keep-alive or window probe: at most one octet, one below the next number.
        const PROBE = 1 << 26;
        /// Payload from the server before the third step, or from the client before the SYN-ACK, without Fast Open.
        const DATA_BEFORE_ESTABLISHED = 1 << 27;
        /// Anything but a RST from an end in whose name the connection had been reset.
        const AFTER_OWN_RESET = 1 << 28;
        /// Anything but a RST from the end that had been reset.
        const AFTER_PEER_RESET = 1 << 29;
        /// Payload beyond the sender's own FIN.
        const DATA_AFTER_FIN = 1 << 30;
        /// An acknowledgment beyond the other end's FIN.
        const ACK_BEYOND_FIN = 1 << 31;
        /// A bare SYN on an open connection.
        const SYN_ON_ESTABLISHED = 1 << 32;
        /// A SYN-ACK on an open connection.
        const SYNACK_ON_ESTABLISHED = 1 << 33;
        /// A challenge ACK (RFC 5961) after a SYN on the open connection, or after an inexact RST.
        const CHALLENGE_ACK = 1 << 34;
        /// It advertises a window of zero.
        const ZERO_WINDOW = 1 << 35;
        /// The right edge of the window retreated.
        const WINDOW_SHRANK = 1 << 36;
        /// A wrong checksum: it changes nothing.
        const BAD_CHECKSUM = 1 << 37;
        /// A copy made by the capture: it changes nothing.
        const COPY = 1 << 38;
        /// It came after the close was complete.
        const AFTER_CLOSE = 1 << 39;
        /// Flags that no segment of a connection can have.
        const INVALID_FLAGS = 1 << 40;
        /// A bare SYN from the server while the client's is unanswered: crossing SYNs, or a split handshake.
        const SYN_CROSSED = 1 << 41;
        /// An acknowledgment (no SYN, no RST) from the server while the SYN is unanswered.
        const BARE_ACK_TO_SYN = 1 << 42;
        /// A RST by the client that answers a SYN-ACK with a wrong acknowledgment number (RFC 9293 figure 8).
        const RST_OF_WRONG_SYNACK = 1 << 43;
        /// The first segment of a flow that began without SYN or SYN-ACK.
        const MIDSTREAM = 1 << 44;
        /// It takes up the four-tuple of an earlier connection.
        const REUSE = 1 << 45;
        /// An ordinary acknowledgment that repeats the one before without data or window change.
        const DUPLICATE_ACK = 1 << 46;
        /// The first payload after the other end's FIN.
        const DATA_IN_HALF_CLOSE = 1 << 47;
        /// Its TTL differs by two or more from that of its sender's packet before.
        const TTL_CHANGED = 1 << 56;
        /// Anything but a RST, later than reordering explains, from an end in whose name any RST had been sent.
        const SPOKE_AFTER_RESET = 1 << 57;
        /// It adds to the evidence that a reset was forged.
        const RESET_EVIDENCE = 1 << 58;
        /// A RST above what its sender had sent, within 100 ms of another with another number.
        const RESET_VOLLEY = 1 << 59;
        /// The third copy, or the second probe, or a later one, without anything from the other end.
        const UNANSWERED = 1 << 60;
        /// The 1000th FIN or RST in a row, no more than a second apart; or the 100th RST whose number does not fit.
        const STORM = 1 << 61;
        /// A window is closed for 30 s or more, and the other end knocks.
        const WINDOW_STALL = 1 << 62;
        /// No timestamps, although they are in force.
        const TIMESTAMP_MISSING = 1 << 48;
        /// One packet's worth of payload that is larger than the receiver's MSS allows.
        const OVER_MSS = 1 << 49;
        /// Malformed options, or options that only a SYN may carry.
        const OPTIONS_FAULTY = 1 << 50;
        /// A reserved bit, or the AE bit where nobody asked for Accurate ECN.
        const RESERVED_BITS = 1 << 51;
        /// An acknowledgment or urgent field without its flag, or the flag without its field.
        const UNFLAGGED_FIELD = 1 << 52;
        /// The first payload of its sender.
        const FIRST_DATA = 1 << 53;
        /// Payload that cannot be its sender's own, beside what that sent: other contents at the same number, or behind
        /// its reset.
        const DATA_REPLACED = 1 << 63;
        /// A RST by an end whose new SYN was answered with an acknowledgment that does not fit: it resets the other
        /// end's old connection and goes on trying (RFC 9293 section 3.10.7.3, figures 9 and 10).
        const RST_OF_OLD_ACK = 1 << 54;
        /// Its receiver must drop it (RFC 9293 section 3.10.7.4): it moves no state and brings no octets.
        const UNACCEPTABLE = 1 << 55;
    }
}
