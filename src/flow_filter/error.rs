//! Why a text is no filter.

use core::fmt;

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// What is wrong, with a suggestion where there is one.
    pub problem: String,
    /// Where, in octets of the text.
    pub place: usize,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for FilterError {}
