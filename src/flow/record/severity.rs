//! How bad an anomaly is.

use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

/// Severity of an anomaly.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray, EnumString, VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Severity {
    /// A fact, or a feature in use.
    Info = 10,
    /// Odd, often benign.
    Note = 30,
    /// Probably a fault, or somebody probing.
    Warn = 50,
    /// An attack or a serious fault.
    Alert = 70,
}

impl Severity {
    /// From least to most severe.
    pub const ALL: &'static [Self] = <Self as VariantArray>::VARIANTS;

    /// The next lower one.
    #[must_use]
    pub const fn lowered(self) -> Self {
        match self {
            Self::Info | Self::Note => Self::Info,
            Self::Warn => Self::Note,
            Self::Alert => Self::Warn,
        }
    }

    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
