//! Threshold random walk: first contacts that fail against those that succeed (Jung et al., 2004).

use super::source::Source;
use crate::detect::anomaly::Severity;
use crate::detect::host::input::Settled;
use crate::detect::host::sketch::fixed_hash_of;
use crate::detect::rule::Finding;
use crate::time::SECOND;

/// TRW's walk: only the first contact with each host counts (Jung et al., 2004).
pub(super) fn walk(source: &mut Source, s: &Settled, success: bool) {
    const REMEMBERED: usize = 256;
    /// `ln 99 / ln 4` and `ln 0.0101 / ln 4`, as in the paper; with a margin above for networks that are not known.
    const CLAMP: (i32, i32) = (-4, 10);
    const LATELY: i64 = 30 * SECOND;
    let to = fixed_hash_of(&s.server.ip) as u32;
    if source.contacts.contains(&to) {
        return;
    }
    if source.contacts.len() >= REMEMBERED {
        source.contacts.remove(0);
    }
    source.contacts.push(to);
    source.walk = (source.walk + if success { -1 } else { 1 }).clamp(CLAMP.0, CLAMP.1);
    let [newest, before] = &mut source.lately;
    if s.began - newest.0 >= LATELY {
        let follows = s.began - newest.0 < 2 * LATELY;
        *before = if follows { *newest } else { (newest.0, 0, 0) };
        *newest = (s.began, 0, 0);
    }
    let (_, failed, others) = if s.began < newest.0 { before } else { newest };
    (*failed, *others) = (*failed + u32::from(!success), *others + u32::from(success));
}

/// Whether TRW decides that the source is a scanner. Where nobody said which networks are ours, ten failures are asked
/// for instead of four, and it is no more than a note.
pub(super) fn trw(source: &mut Source, remote: bool) -> Option<Finding> {
    let enough = if remote { 4 } else { 10 };
    // Who asks for the same by the other family at once needs no answer by this one.
    let twins = i32::try_from(source.twins.1).unwrap_or(i32::MAX);
    if source.trw_reported || source.walk.saturating_sub(twins) < enough {
        return None;
    }
    // What fails is known later than what succeeds: the walk is out of order for connections made at the same time, of
    // which more may have succeeded.
    let (failed, others) = source.lately.iter().fold((0, 0), |(f, o), lately| (f + lately.1, o + lately.2));
    if failed <= others {
        return None;
    }
    source.trw_reported = true;
    let finding = Finding::new(format!("{} first contacts failed in excess of those that succeeded", source.walk))
        .figure("likelihood_ratio", 4_f64.powi(source.walk))
        .figure("contacts", source.contacts.len() as i64)
        .frames(source.frames.iter().copied());
    Some(if remote { finding } else { finding.severity(Severity::Note) })
}
