//! Metrics as text: OpenMetrics for who scrapes, Prometheus' older format for files.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, prometheus_text, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Registry, Unit};

use super::super::version;
use super::shared::{Shared, Snapshot};
use crate::decode::SkipReason;
use crate::detect::registry::rules;
use crate::flow::{Closing, Opening};

/// The media type of [`open_metrics`].
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// In the OpenMetrics text format.
pub(super) fn open_metrics(shared: &Arc<Shared>) -> String {
    let mut written = String::new();
    // Writing to a String cannot fail.
    let _ = text::encode(&mut written, &registry(shared));
    written
}

/// In the text format of Prometheus 0.0.4.
pub(super) fn prometheus(shared: &Arc<Shared>) -> String {
    let mut written = String::new();
    let _ = prometheus_text::encode(&mut written, &registry(shared));
    written
}

fn registry(shared: &Arc<Shared>) -> Registry {
    let mut registry = Registry::with_prefix("synscope");
    let connect = "Time until a connection was open, for its client";
    registry.register_with_unit("connect", connect, Unit::Seconds, shared.connect.clone());
    registry.register_with_unit("handshake_rtt", "Round trip of the handshake", Unit::Seconds, shared.rtt.clone());
    registry.register_collector(Box::new(Counted(Arc::clone(shared))));
    registry
}

/// What is read from a snapshot.
#[derive(Debug)]
struct Counted(Arc<Shared>);

type Labels<'a, const N: usize> = [(&'a str, &'a str); N];

impl Collector for Counted {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.0.snapshot();
        let mut writer = MetricWriter(&mut encoder);
        packets(&snapshot, &mut writer)?;
        flows(&snapshot, &mut writer)?;
        tables(&snapshot, &mut writer)?;
        let servers = self.0.servers();
        if !servers.is_empty() {
            let names: Vec<String> =
                servers.iter().map(|(ip, _)| ip.map_or_else(|| "other".to_owned(), |ip| ip.to_string())).collect();
            let series = names.iter().zip(&servers).flat_map(|(name, (_, [failed, opened]))| {
                [
                    ([("server", name.as_str()), ("opened", "false")], *failed),
                    ([("server", name), ("opened", "true")], *opened),
                ]
            });
            writer.counters("server_flows", "Finished flows by server", series)?;
        }
        let build =
            [("version", env!("CARGO_PKG_VERSION")), ("commit", version::COMMIT), ("features", version::FEATURES)];
        writer.gauges("build", "The program that runs", [(build, 1.0)].into_iter())
    }
}

fn packets(Snapshot { totals, .. }: &Snapshot, writer: &mut MetricWriter<'_, '_>) -> fmt::Result {
    writer.counter("packets", "Packets read", totals.packets)?;
    writer.counter("segments", "TCP segments among them", totals.segments)?;
    writer.counter("icmp_errors", "ICMP errors about TCP segments", totals.icmp)?;
    let skipped = SkipReason::ALL.iter().zip(totals.skipped).map(|(reason, n)| ([("reason", reason.name())], n));
    writer.counters("skipped_packets", "Packets that were no TCP segments", skipped)?;
    let drops = [
        ("kernel", totals.dropped_kernel),
        ("interface", totals.dropped_interface),
        ("queue", totals.dropped_queue),
        ("unread", totals.unread),
    ];
    let drops = drops.into_iter().map(|(kind, n)| ([("kind", kind)], n.unwrap_or(0)));
    writer.counters("dropped_packets", "Packets that the capture lost, by where", drops)?;
    writer.counter("late_segments", "Segments after their connection had been reported", totals.late_segments)?;
    writer.counter("clock_backwards", "Time stamps that ran backwards", totals.clock_backwards)?;
    let seconds = totals.last_time.map_or(0.0, |time| time.0 as f64 / 1e9);
    let help = "Time of the newest packet, since 1970";
    writer.gauges("last_packet_timestamp_seconds", help, [([], seconds)].into_iter())
}

fn flows(Snapshot { totals, .. }: &Snapshot, writer: &mut MetricWriter<'_, '_>) -> fmt::Result {
    writer.counter("flows", "Flows that began", totals.flows)?;
    let opened = Opening::ALL.iter().zip(totals.by_opening).map(|(opening, n)| ([("opening", opening.name())], n));
    writer.counters("finished_flows", "Finished flows by how they opened", opened)?;
    let closed = Closing::ALL.iter().zip(totals.by_closing).map(|(closing, n)| ([("closing", closing.name())], n));
    writer.counters("closed_flows", "Finished flows by how they closed", closed)?;
    // Also those that were not found yet: what appears with 1 has no rate.
    let found = |id| totals.anomalies.iter().filter(|(found, _)| *found == id).map(|(_, n)| n).sum();
    let anomalies = rules().map(|rule| ([("id", rule.id), ("severity", rule.severity.name())], found(rule.id)));
    writer.counters("anomalies", "Anomalies by id, with the severity that they usually have", anomalies)
}

fn tables(Snapshot { totals, gauges }: &Snapshot, writer: &mut MetricWriter<'_, '_>) -> fmt::Result {
    let evicted = totals.tables_full.iter().filter(|(table, _)| *table != "flows").copied();
    let evicted = evicted.chain([("flows", totals.evicted)]).map(|(table, n)| ([("table", table)], n));
    writer.counters("evictions", "What full tables gave up", evicted)?;
    let Some(gauges) = gauges else { return Ok(()) };
    writer.gauges("tracked_flows", "Flows tracked now", [([], gauges.flows as f64)].into_iter())?;
    let limit = gauges.flows_limit as f64;
    writer.gauges("tracked_flows_limit", "How many flows can be tracked", [([], limit)].into_iter())?;
    let octets = gauges.host_octets as f64;
    writer.gauges("host_table_bytes", "Memory of the tables of hosts", [([], octets)].into_iter())?;
    let help = "Time between the capture of the newest packet and its analysis";
    writer.gauges("lag_seconds", help, [([("stage", "analysis")], gauges.lag)].into_iter())
}

struct MetricWriter<'a, 'b>(&'a mut DescriptorEncoder<'b>);

impl MetricWriter<'_, '_> {
    fn counter(&mut self, name: &str, help: &str, n: u64) -> fmt::Result {
        self.counters(name, help, [([], n)].into_iter())
    }

    fn counters<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl Iterator<Item = (Labels<'l, N>, u64)>,
    ) -> fmt::Result {
        let kind = ConstCounter::<u64>::TYPE;
        self.family(name, help, kind, series.map(|(labels, n)| (labels, ConstCounter::new(n))))
    }

    fn gauges<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl Iterator<Item = (Labels<'l, N>, f64)>,
    ) -> fmt::Result {
        let kind = ConstGauge::<f64>::TYPE;
        self.family(name, help, kind, series.map(|(labels, n)| (labels, ConstGauge::new(n))))
    }

    fn family<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        mut series: impl Iterator<Item = (Labels<'l, N>, impl EncodeMetric)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, &format!("{help}."), None, kind)?;
        if N == 0 {
            // Without labels there is one.
            return series.next().map_or(Ok(()), |(_, metric)| metric.encode(family));
        }
        for (labels, metric) in series {
            metric.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
