//! How flows are drawn, as asked for.

use strum::{EnumString, VariantNames};

/// Which part of a connection is drawn (`--part`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Part {
    /// The opening handshake.
    Open,
    /// The close.
    Close,
    /// All of it.
    #[default]
    All,
}

/// How time is drawn (`--scale`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Scale {
    /// Gaps and slopes grow with the time that passed.
    Time,
    /// Every step takes the same height.
    #[default]
    Even,
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
