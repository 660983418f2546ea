//! Captures that lack something, so that what is not in them is no evidence: one-way, short, filtered.

use crate::common::{Analysis, analyse, testdata};
use synscope::detect::{Scope, Severity};

fn count(analysis: &Analysis, id: &str) -> usize {
    analysis.anomalies.iter().filter(|a| a.id == id).count()
}

/// Two thirds of a second of a tap that sees SYNs of some connections and SYN-ACKs of others.
#[test]
fn a_moment_of_an_asymmetric_tap_shows_no_flood() {
    let analysis = analyse(&testdata("cases/asymmetric_tap_650ms.pcap.gz"));
    let alarms: Vec<_> =
        analysis.anomalies.iter().filter(|a| a.scope == Scope::Host && a.severity >= Severity::Warn).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
    assert_eq!(count(&analysis, "capture-asymmetric"), 1);
}

/// SYN, FIN and RST alone: what was half-open is not known, and that is said once.
#[test]
fn a_filtered_capture_shows_nothing_half_open() {
    let analysis = analyse(&testdata("truths/bn_flagfilter.sv.pcap"));
    assert_eq!(count(&analysis, "capture-filtered"), 1);
    assert_eq!(count(&analysis, "half-open-accumulation") + count(&analysis, "syn-flood-cusum"), 0);
}
