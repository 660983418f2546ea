//! The options of the analysis: timeouts, limits, rules, thresholds, flow filters.

use super::super::args::{AnalysisArgs, CheckArgs};
use super::super::memory;
use super::super::messages::{Failure, usage_at};
use super::super::units::Duration;
use super::run::{Analysis, Checks};
use crate::detect::host::{self, ScanThreshold};
use crate::detect::registry::{self, rules};
use crate::detect::{Rule, Selection};
use crate::flow::{Limits, Timeouts};
use crate::flow_filter::FlowFilter;
use crate::network::{self, IpNet, NetworkError};
use crate::suggest::did_you_mean;

pub(super) fn analysis(args: &AnalysisArgs) -> Result<Analysis, Failure> {
    let default = Timeouts::default();
    let timeouts = Timeouts {
        syn: args.syn_timeout.map_or(default.syn, |t| t.0),
        half_open: args.half_open_after.map_or(default.half_open, |t| t.0),
        idle: args.idle.map_or(default.idle, |t| t.0),
        time_wait: args.time_wait.map_or(default.time_wait, |t| t.0),
        ..default
    };
    let mut limits = Limits::default();
    let (octets, memory_word) = memory::of_tables(args.max_memory);
    limits = limits.for_memory(octets);
    if let Some(flows) = args.max_flows {
        limits = limits.for_flows(flows as usize);
    }
    Ok(Analysis {
        #[cfg(feature = "tui")]
        memory: octets,
        memory_word,
        timeouts,
        limits,
        rules: selection(args)?,
        hosts: hosts(args)?.for_memory(octets),
        ignore_checksums: args.ignore_checksums,
        zeek_checksums: args.zeek_checksums,
        flows_where: args.flows_where.as_deref().map(|typed| flow_filter("-Y", typed)).transpose()?,
    })
}

pub(super) fn checks(args: &CheckArgs) -> Result<Checks, Failure> {
    let filters = |option: &str, lists: &[String]| -> Result<Vec<FlowFilter>, Failure> {
        lists.iter().map(|typed| flow_filter(option, typed)).collect()
    };
    Ok(Checks { fail_on: filters("--fail-on", &args.fail_on)?, expect: filters("--expect", &args.expect)? })
}

/// A flow filter given with `option`.
fn flow_filter(option: &str, typed: &str) -> Result<FlowFilter, Failure> {
    FlowFilter::parse(typed).map_err(|error| usage_at(option, &error.problem, typed, error.place))
}

/// Scan thresholds and local networks.
fn hosts(args: &AnalysisArgs) -> Result<host::Settings, Failure> {
    let default = host::Settings::default();
    Ok(host::Settings {
        scan: args.scan.as_deref().map_or(Ok(default.scan), scan)?,
        local_nets: args.local_net.iter().map(|typed| local_net(typed)).collect::<Result<_, _>>()?,
        ..default
    })
}

/// Parses `N/TIME`, a scan threshold.
fn scan(typed: &str) -> Result<ScanThreshold, Failure> {
    let wrong = |problem: &str, place| usage_at("--scan", problem, typed, place);
    let (number, time) =
        typed.split_once('/').ok_or_else(|| wrong("expected a number and a time, like 15/5m", typed.len()))?;
    let n = match number.trim().parse::<u32>() {
        Ok(n) if (1..=ScanThreshold::MOST).contains(&n) => n,
        _ => return Err(wrong(&format!("expected a number from 1 to {}", ScanThreshold::MOST), 0)),
    };
    let window: Duration = time.parse().map_err(|problem: String| wrong(&problem, number.len() + 1))?;
    Ok(ScanThreshold::of(n, window.0))
}

/// What `--disable` takes for every rule.
const ALL: &str = "all";

/// Which rules are on.
fn selection(args: &AnalysisArgs) -> Result<Selection, Failure> {
    let ids = |option: &str, lists: &[String]| -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        for typed in lists {
            for (place, id) in pieces(typed) {
                if option == "--disable" && id == ALL {
                    ids.extend(Selection::none().disable);
                    continue;
                }
                ids.push(rule(option, id, typed, place)?.id.to_owned());
            }
        }
        Ok(ids)
    };
    Ok(Selection {
        enable: ids("--enable", &args.enable)?,
        disable: ids("--disable", &args.disable)?,
        min_severity: args.min_severity,
        ..Selection::default()
    })
}

pub(super) fn rule(option: &str, id: &str, typed: &str, place: usize) -> Result<&'static Rule, Failure> {
    registry::rule(id).ok_or_else(|| {
        let resembling = did_you_mean(id, rules().map(|rule| rule.id));
        usage_at(option, &format!("unknown anomaly '{id}'{resembling}"), typed, place)
    })
}

/// A network of `--local-net`.
pub(super) fn local_net(typed: &str) -> Result<IpNet, Failure> {
    network::parse(typed).map_err(|error| {
        let place = if let NetworkError::PrefixLength { place, .. } = error { place } else { 0 };
        usage_at("--local-net", &error.to_string(), typed, place)
    })
}

/// The pieces of a comma-separated list, each with where it begins; empty ones left out.
pub(super) fn pieces(list: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    list.split(',').filter_map(move |piece| {
        let place = start + (piece.len() - piece.trim_start().len());
        start += piece.len() + 1;
        let piece = piece.trim();
        (!piece.is_empty()).then_some((place, piece))
    })
}
