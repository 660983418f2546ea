//! How much memory there may be.

use super::units::LargeSize;
use crate::flow::MEMORY;

/// The share of what the process may use that tables take: the rest is for reading, hosts, and writing.
const SHARE: u64 = 4;
/// The least that tables are given, octets.
const LEAST: u64 = 8 << 20;

/// Octets for the tables: as asked for, else the default, or less where the process may not use so much. Then also a
/// word about it.
pub(super) fn of_tables(asked: Option<LargeSize>) -> (usize, Option<String>) {
    let default = MEMORY as u64;
    let allowed = std::fs::read_to_string("/proc/self/limits").ok().and_then(|limits| allowed(&limits));
    let octets = match (asked, allowed) {
        (Some(LargeSize(octets)), _) => octets,
        (None, Some(allowed)) => (allowed / SHARE).max(LEAST).min(default),
        (None, None) => default,
    };
    let word = allowed.filter(|allowed| octets > allowed / SHARE || asked.is_none() && octets < default);
    let word = word.map(|allowed| {
        format!(
            "memory: the process may use {} MiB (ulimit), tables use {} MiB (--max-memory)",
            allowed >> 20,
            octets >> 20
        )
    });
    (usize::try_from(octets).unwrap_or(usize::MAX), word)
}

/// The lower one of the soft limits on address space and data, from `/proc/self/limits`.
fn allowed(limits: &str) -> Option<u64> {
    let soft = |name: &str| {
        let rest = limits.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    soft("Max address space").into_iter().chain(soft("Max data size")).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_limit_counts() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max data size             unlimited            unlimited            bytes\n\
                      Max address space         268435456            unlimited            bytes\n";
        assert_eq!(allowed(limits), Some(256 << 20));
        assert_eq!(allowed(&limits.replace("unlimited            unlimited", "1048576 unlimited")), Some(1 << 20));
        assert_eq!(allowed("nothing of the kind"), None);
        assert_eq!(of_tables(Some(LargeSize(64 << 20))).0, 64 << 20);
    }
}
