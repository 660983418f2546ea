//! How flows are drawn, as asked for.

/// Which part of a connection is drawn (`--part`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    #[default]
    All,
    /// The opening handshake.
    Open,
    /// The close.
    Close,
}

/// How time is drawn (`--scale`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Every step takes the same height.
    #[default]
    Even,
    /// Gaps and slopes grow with the time that passed.
    Time,
}

/// Colours (`--theme`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the reader's system has it.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}
