//! Ids of rules that output has words of its own for. A rule is named by a constant of its file: a mistyped id does not
//! compile.

pub(crate) use super::flow::accept::ACCEPT_QUEUE_OVERFLOW;
pub(crate) use super::flow::closes::CLOSE_NORMAL;
pub(crate) use super::flow::forgery::RST_FORGED;
pub(crate) use super::flow::fronts::SYN_AUTHENTICATION;
