//! How much is said.

/// How much is said (`--explain=short|full`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// The verdicts and anything unusual.
    Short,
    /// Step by step, with the rules behind it.
    #[default]
    Full,
}
