//! Where a flow is: a position, and bits for the kind of record there.

/// Position of a flow in the table; valid until the flow is removed.
pub(in crate::flow) type Slot = u32;

/// Slots from here on are those of flows that are nothing but a SYN.
pub(in crate::flow) const SYN_ONLY: Slot = 1 << 31;

/// Slots from here to those are of flows that have ended.
pub(in crate::flow) const CLOSED_FLOW: Slot = 1 << 30;

/// Whether `slot` is of a flow that has ended.
pub(in crate::flow) const fn is_closed_flow(slot: Slot) -> bool {
    slot & (SYN_ONLY | CLOSED_FLOW) == CLOSED_FLOW
}
