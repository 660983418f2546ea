//! What can be said of a connection.

use strum::{IntoStaticStr, VariantArray};

/// What is said of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum VerdictKind {
    /// Everything that was sent arrived.
    Arrived,
    /// SYNs passed the first tap and never the second.
    SynLost,
    /// SYN-ACKs passed the tap near the server and never the other.
    SynAckLost,
    /// The server answered, and no answer ever reached the client's tap.
    AnswerNeverReached,
    /// The SYN reached the tap near the server, which shows no answer.
    NoAnswer,
    /// A reset that its sender's tap never saw.
    RstMade,
    /// Another segment that its sender's tap never saw.
    SegmentMade,
    /// Segments of an open connection that did not arrive.
    SegmentsLost,
    /// Segments that arrived more often than they were sent.
    Duplicated,
    /// Segments that overtook each other.
    Reordered,
    /// Options of the opening that did not arrive.
    OptionStripped,
    /// An MSS that arrived with another value.
    MssChanged,
    /// A window scale that arrived with another value.
    WindowScaleChanged,
    /// Other options, or time stamps, that arrived changed.
    OptionsChanged,
    /// ECN: the field in the IP header, or flags, were changed other than by marking congestion.
    EcnChanged,
    /// DSCP.
    DscpChanged,
    /// Sequence numbers.
    SequenceChanged,
    /// Addresses or ports.
    AddressChanged,
    /// A checksum that was right and arrived wrong.
    Corrupted,
    /// Payload.
    PayloadChanged,
    /// A TTL that does not fit the others.
    TtlChanged,
    /// A window field.
    WindowChanged,
    /// PSH, URG or the urgent pointer.
    UrgentChanged,
    /// One capture alone has it, and nothing shows that its way passes both.
    OnlyAtOne,
    /// It has several counterparts.
    Ambiguous,
    /// The table was full before it ended.
    TableFull,
}

impl VerdictKind {
    /// Every kind, in order.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
