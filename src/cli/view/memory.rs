//! How much memory the view takes beside the analysis, in parts of `--max-memory`.

use super::super::config::Run;

/// Part for the flows in its table.
const TABLE: usize = 2;
/// Part for changed flows that wait to be taken into it.
const WAITING: usize = 4;
/// Part for the tables of all places to go back to.
const MARKS: usize = 2;
/// An analysis kept to go back to holds this part of the connections that there may be, at most; there are two.
pub(super) const SPARE_PART: usize = 8;

/// Octets for the flows in the table.
pub(super) const fn table_octets(run: &Run) -> usize {
    run.analysis.memory / TABLE
}

/// Octets for changed flows that wait.
pub(super) const fn waiting_octets(run: &Run) -> usize {
    run.analysis.memory / WAITING
}

/// Octets for the tables of places to go back to.
pub(super) const fn mark_octets(run: &Run) -> usize {
    run.analysis.memory / MARKS
}
