//! What a field's value must be.

use regex::Regex;

use crate::network::IpNet;

/// What a field's value must be.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// In one of these closed ranges.
    Ranges(Vec<(i64, i64)>),
    /// In one of these networks.
    Networks(Vec<IpNet>),
    /// One of these words.
    Words(Vec<String>),
    /// Contains one of these texts, lower case.
    Contains(Vec<String>),
    /// Is one of these texts.
    Texts(Vec<String>),
    /// Matches.
    Pattern(Regex),
    /// Is so.
    Flag(bool),
}
