//! Why a text is no filter.

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct FilterError {
    /// What is wrong, with a suggestion where there is one.
    pub problem: String,
    /// Where, in octets of the text.
    pub place: usize,
}
