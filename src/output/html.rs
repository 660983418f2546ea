//! One page to open in a browser: for a flow its picture, steps and explanation; for a capture an overview with links
//! to each flow. No script: a flow is shown when it is the target of a link.

use core::fmt::Write as _;

use super::clock::rfc3339;
use super::duration::{human, since_first};
use super::escape::escape;
use super::explain::{Level, Locale, Words, anomalies, explain_flow, terms, words};
use super::ladder::{Row, rows};
use super::picture::{self, caption, relative};
use super::report::{Findings, NamedCount, Report, closings, filtered, openings};
use super::summary::Talkers;
use super::words::state_name;
use super::{Settings, svg};
use crate::detect::{Anomaly, Scope, Severity};
use crate::engine::Totals;
use crate::flow::{Flow, Opening};
use crate::time::{MICROSECOND, MILLISECOND, SECOND, Timestamp};

/// How many flows a page has in full; further ones are only counted.
const MAX_FLOWS: usize = 2_000;
/// How many flows the timeline shows.
const MAX_TIMELINE: usize = 200;
/// How many findings about hosts and captures are listed.
const MAX_HOST_FINDINGS: usize = 200;

/// Upper bounds of the histogram of connect times, nanoseconds.
const BUCKETS: [i64; 12] = [
    100 * MICROSECOND,
    300 * MICROSECOND,
    MILLISECOND,
    3 * MILLISECOND,
    10 * MILLISECOND,
    30 * MILLISECOND,
    100 * MILLISECOND,
    300 * MILLISECOND,
    SECOND,
    3 * SECOND,
    10 * SECOND,
    i64::MAX,
];

/// The HTML format.
pub(super) struct Html {
    settings: Settings,
    flows: Vec<Entry>,
    left_out: u64,
    connect: [u64; BUCKETS.len()],
    talkers: Talkers,
    found: Findings,
    hosts: Vec<HostFinding>,
}

/// A flow, as far as the page needs it.
struct Entry {
    id: u64,
    first: Timestamp,
    last: Timestamp,
    opening: Opening,
    /// Its row in the table of flows.
    row: String,
    /// Its section.
    section: String,
}

/// An anomaly about a host or the capture.
struct HostFinding {
    id: &'static str,
    severity: Severity,
    who: String,
    reason: String,
}

impl Html {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            flows: Vec::new(),
            left_out: 0,
            connect: [0; BUCKETS.len()],
            talkers: Talkers::default(),
            found: Findings::default(),
            hosts: Vec::new(),
        }
    }

    fn overview(&self, page: &mut String, title: &str, totals: &Totals) {
        let locale = self.settings.locale;
        let _ = writeln!(page, "<header id=\"top\"><h1>{}</h1>", escape(title));
        if let (Some(first), Some(last)) = (totals.first_time, totals.last_time) {
            let text = |time| String::from_utf8_lossy(&rfc3339(time)).into_owned();
            let _ = writeln!(
                page,
                "<p>{} – {} · {} {} · {} {}</p>",
                text(first),
                text(last),
                totals.packets,
                locale.pick("packets", "패킷"),
                totals.flows,
                locale.pick("flows", "연결")
            );
        }
        if let Some((words, filter)) = filtered(&self.settings, self.flows.len() as u64 + self.left_out) {
            let _ = writeln!(page, "<p>{words} <code>{}</code></p>", escape(filter));
        }
        page.push_str("</header>\n<div class=\"columns\">\n");
        self.counts(page, totals);
        page.push_str("</div>\n");
        self.histogram(page);
        self.timeline(page);
        self.anomalies(page);
        self.scanners(page);
        self.table(page);
    }

    fn counts(&self, page: &mut String, totals: &Totals) {
        let locale = self.settings.locale;
        bars(page, locale.pick("Opening", "연결 설정"), &openings(totals), locale);
        bars(page, locale.pick("Close", "연결 종료"), &closings(totals), locale);
    }

    fn histogram(&self, page: &mut String) {
        let most = self.connect.iter().copied().max().unwrap_or(0);
        if most == 0 {
            return;
        }
        let title = self.settings.locale.pick("Connect times", "연결 시간");
        let _ = writeln!(
            page,
            "<h2>{title}</h2>\n<svg class=\"synscope chart\" viewBox=\"0 0 960 190\" width=\"960\" height=\"190\" \
             role=\"img\" \
             aria-label=\"{title}\">"
        );
        for (n, count) in self.connect.iter().enumerate() {
            let height = (*count as f64 / most as f64 * 130.0).ceil() as i64;
            let (x, y) = (n * 80 + 4, 150 - height);
            let name = match BUCKETS.get(n) {
                Some(&i64::MAX) | None => format!("≥ {}", human(BUCKETS[BUCKETS.len() - 2])),
                Some(bound) => format!("&lt; {}", human(*bound)),
            };
            let _ = writeln!(
                page,
                "<rect x=\"{x}\" y=\"{y}\" width=\"72\" height=\"{height}\" class=\"open\"><title>{name}: {count}\
                 </title></rect>"
            );
            if *count > 0 {
                let _ = writeln!(page, "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{count}</text>", x + 36, y - 5);
            }
            let _ = writeln!(page, "<text x=\"{}\" y=\"170\" class=\"f\" text-anchor=\"middle\">{name}</text>", x + 36);
        }
        page.push_str("<line x1=\"0\" y1=\"150\" x2=\"960\" y2=\"150\" class=\"life\"/>\n</svg>\n");
    }

    fn timeline(&self, page: &mut String) {
        let shown = self.flows.get(..self.flows.len().min(MAX_TIMELINE)).unwrap_or_default();
        let (Some(first), Some(last)) = (shown.iter().map(|e| e.first).min(), shown.iter().map(|e| e.last).max())
        else {
            return;
        };
        let locale = self.settings.locale;
        let title = locale.pick("Timeline", "타임라인");
        let row = if shown.len() > 60 { 3 } else { 14 };
        let height = shown.len() * row + 34;
        let _ = writeln!(
            page,
            "<h2>{title}</h2>\n<svg class=\"synscope chart\" viewBox=\"0 0 960 {height}\" width=\"960\" \
             height=\"{height}\" \
             role=\"img\" aria-label=\"{title}\">"
        );
        let span = (last - first).max(1) as f64;
        for (n, entry) in shown.iter().enumerate() {
            let x = (entry.first - first) as f64 / span * 940.0;
            let width = ((entry.last - entry.first) as f64 / span * 940.0).max(3.0);
            let _ = writeln!(
                page,
                "<a href=\"#flow-{id}\"><rect x=\"{x:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\" rx=\"1\" \
                 class=\"{}\"><title>#{id} \
                 {}</title></rect></a>",
                n * row,
                if row > 3 { row - 2 } else { 2 },
                outcome_class(entry.opening),
                entry.opening,
                id = entry.id,
            );
        }
        let _ = writeln!(
            page,
            "<text x=\"0\" y=\"{y}\" class=\"f\">0</text><text x=\"955\" y=\"{y}\" class=\"f\" text-anchor=\"end\">{}\
             </text>\n</svg>",
            human(last - first),
            y = height - 14,
        );
        if self.flows.len() > shown.len() {
            let more = self.flows.len() - shown.len();
            let words = match locale {
                Locale::En => format!("{more} later flows are not drawn here"),
                Locale::Ko => format!("그 뒤의 연결 {more}개는 여기에 그리지 않음"),
            };
            let _ = writeln!(page, "<p class=\"faint\">{words}</p>");
        }
    }

    fn anomalies(&self, page: &mut String) {
        let found = self.found.worst_first();
        if found.is_empty() {
            return;
        }
        let locale = self.settings.locale;
        let heads = head_row(
            locale,
            &[
                words("severity", "심각도"),
                words("id", "id"),
                words("count", "횟수"),
                words("first in", "처음"),
                words("", ""),
            ],
        );
        let _ = writeln!(page, "<h2>{}</h2>\n<table>{heads}<tbody>", locale.pick("Anomalies", "이상 현상"));
        for (id, found) in found {
            let severity = found.severity.name();
            let link = found.flow.map(|flow| self.link(flow)).unwrap_or_default();
            let _ = writeln!(
                page,
                "<tr><td class=\"{severity}\">{severity}</td><td><code>{id}</code></td><td class=\"n\">{}</td>\
                 <td>{link}</td><td>{}</td></tr>",
                found.count,
                escape(anomalies::summary(id, locale)),
            );
        }
        page.push_str("</tbody></table>\n");
    }

    /// The number of a flow, with a link to its section where the page has it.
    fn link(&self, flow: u64) -> String {
        match self.flows.binary_search_by_key(&flow, |entry| entry.id) {
            Ok(_) => format!("<a href=\"#flow-{flow}\">#{flow}</a>"),
            Err(_) => format!("#{flow}"),
        }
    }

    fn scanners(&self, page: &mut String) {
        let locale = self.settings.locale;
        let most = self.talkers.most();
        if most.is_empty() && self.hosts.is_empty() {
            return;
        }
        let _ = writeln!(
            page,
            "<h2>{}</h2>",
            locale.pick("Hosts, scanners and failed handshakes", "호스트, 스캐너, 실패한 연결")
        );
        if !self.hosts.is_empty() {
            page.push_str("<table><tbody>\n");
            for finding in &self.hosts {
                let severity = finding.severity.name();
                let _ = writeln!(
                    page,
                    "<tr><td class=\"{severity}\">{severity}</td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                    finding.id,
                    escape(&finding.who),
                    escape(&finding.reason),
                );
            }
            page.push_str("</tbody></table>\n");
        }
        if !most.is_empty() {
            let heads = head_row(locale, &[words("failed handshakes", "실패한 연결"), CLIENT, words("to", "대상")]);
            let _ = writeln!(page, "<table>{heads}<tbody>");
            for (client, failures) in most {
                let target =
                    failures.target.map_or_else(|| locale.pick("several", "여럿").to_owned(), |ip| ip.to_string());
                let _ = writeln!(
                    page,
                    "<tr><td class=\"n\">{}</td><td>{client}</td><td>{target}</td></tr>",
                    failures.count
                );
            }
            page.push_str("</tbody></table>\n");
        }
    }

    fn table(&self, page: &mut String) {
        let locale = self.settings.locale;
        let heads = [
            words("#", "#"),
            CLIENT,
            SERVER,
            words("opening", "연결 설정"),
            words("close", "연결 종료"),
            words("connect time", "연결 시간"),
            words("segments", "세그먼트"),
            words("anomalies", "이상 현상"),
        ];
        let (title, heads) = (locale.pick("Flows", "연결 목록"), head_row(locale, &heads));
        let _ = writeln!(page, "<h2 id=\"flows\">{title}</h2>\n<table class=\"flows\">{heads}<tbody>");
        for entry in &self.flows {
            page.push_str(&entry.row);
        }
        page.push_str("</tbody></table>\n");
        if self.left_out > 0 {
            let words = match locale {
                Locale::En => {
                    format!("{} more flows are counted above but not shown; --flow chooses one.", self.left_out)
                }
                Locale::Ko => format!("연결 {}개는 위에서 세기만 하고 보이지 않습니다 (--flow로 선택).", self.left_out),
            };
            let _ = writeln!(page, "<p>{words}</p>");
        }
    }
}

impl Report for Html {
    fn flow(&mut self, flow: &Flow) {
        if let Some(connect) = flow.handshake.connect_time() {
            let bucket = BUCKETS.iter().position(|bound| connect < *bound).unwrap_or(BUCKETS.len() - 1);
            if let Some(count) = self.connect.get_mut(bucket) {
                *count += 1;
            }
        }
        if flow.opening().failed() {
            self.talkers.add(flow.client.endpoint.ip, flow.server.endpoint.ip);
        }
        if self.flows.len() >= MAX_FLOWS {
            self.left_out += 1;
            return;
        }
        let entry = Entry {
            id: flow.id,
            first: flow.first_time,
            last: flow.last_time,
            opening: flow.opening(),
            row: table_row(flow),
            section: section(flow, &self.settings),
        };
        self.flows.push(entry);
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.found.add(anomaly);
        if anomaly.scope != Scope::Flow && self.hosts.len() < MAX_HOST_FINDINGS {
            let end = |end: Option<(core::net::IpAddr, Option<u16>)>| match end {
                Some((ip, Some(port))) => format!("{ip} port {port}"),
                Some((ip, None)) => ip.to_string(),
                None => "…".to_owned(),
            };
            self.hosts.push(HostFinding {
                id: anomaly.id,
                severity: anomaly.severity,
                who: match (anomaly.source, anomaly.destination) {
                    // It is about the capture.
                    (None, None) => String::new(),
                    (source, destination) => format!("{} → {}", end(source), end(destination)),
                },
                reason: match self.settings.locale {
                    Locale::En => anomaly.reason.clone(),
                    // The figures come as they are in the events.
                    Locale::Ko => format!("{} {}", anomalies::summary(anomaly.id, Locale::Ko), anomaly.reason),
                },
            });
        }
    }

    fn page(&mut self, totals: &Totals) -> String {
        self.flows.sort_by_key(|entry| entry.id);
        let locale = self.settings.locale;
        let inputs = self.settings.session.inputs.join(", ");
        let title = format!("synscope: {inputs}");
        let mut page = head(&title, &self.settings);
        let alone = self.settings.flow.is_some();
        if alone && self.flows.is_empty() {
            let _ = writeln!(page, "<p>{}</p>", locale.pick("There is no such flow.", "그런 연결이 없습니다."));
        }
        if !alone {
            self.overview(&mut page, &title, totals);
        }
        let chosen = self.settings.flows_where.is_some();
        for (n, entry) in self.flows.iter().enumerate() {
            let class = match n {
                _ if alone => "flow only",
                0 if chosen => "flow first",
                _ => "flow",
            };
            let _ = writeln!(page, "<section class=\"{class}\" id=\"flow-{}\">\n{}</section>", entry.id, entry.section);
        }
        page.push_str("</main>\n</body>\n</html>\n");
        page
    }
}

/// Everything up to the content.
fn head(title: &str, settings: &Settings) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\" class=\"synscope\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width\"/>\n<title>{}</title>\n<style>{}{}</style>\n</head>\n\
         <body>\n<main>\n",
        settings.locale.name(),
        escape(title),
        picture::style_sheet(settings.pictures.theme),
        picture::css(include_str!("assets/page.css")),
    )
}

const CLIENT: Words = words("client", "클라이언트");
const SERVER: Words = words("server", "서버");

/// The heads of a table's columns.
fn head_row(locale: Locale, heads: &[Words]) -> String {
    let cells: String = heads.iter().map(|head| format!("<th>{}</th>", head.get(locale))).collect();
    format!("<thead><tr>{cells}</tr></thead>")
}

/// Verdicts with their counts.
fn bars(page: &mut String, title: &str, counts: &[NamedCount], locale: Locale) {
    let most = counts.iter().map(|(.., n)| *n).max().unwrap_or(1);
    let _ = writeln!(page, "<div><h2>{title}</h2>\n<table><tbody>");
    for (name, words, n) in counts {
        let width = (n * 90).div_ceil(most);
        let _ = writeln!(
            page,
            "<tr><td><code>{name}</code></td><td class=\"n\">{n}</td><td style=\"width:90px\"><span class=\"bar\" \
             style=\"width:{width}px\"></span></td><td>{}</td></tr>",
            escape(words.get(locale)),
        );
    }
    page.push_str("</tbody></table></div>\n");
}

const fn outcome_class(opening: Opening) -> &'static str {
    if opening.opened() {
        "open"
    } else if opening.failed() {
        "failed"
    } else {
        "other"
    }
}

fn table_row(flow: &Flow) -> String {
    let ids: Vec<&str> = flow.marks.iter().map(|mark| mark.rule).collect();
    format!(
        "<tr><td><a href=\"#flow-{id}\">#{id}</a></td><td class=\"num\">{}</td><td class=\"num\">{}</td><td>{}</td>\
         <td>{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
        flow.client.endpoint,
        flow.server.endpoint,
        flow.opening(),
        flow.closing(),
        flow.handshake.connect_time().map(human).unwrap_or_default(),
        flow.packets(),
        escape(&ids.join(" ")),
        id = flow.id,
    )
}

/// One flow: picture, steps, explanation.
fn section(flow: &Flow, settings: &Settings) -> String {
    let locale = settings.locale;
    let drawn = picture::draw(flow, &svg::style(settings));
    let mut html = String::new();
    if settings.flow.is_none() {
        let _ = writeln!(html, "<p><a href=\"#top\">{}</a></p>", locale.pick("overview", "개요"));
    }
    html.push_str(&svg::element(&drawn, &flow.id.to_string()));
    steps(&mut html, flow, settings);
    let level = settings.level.unwrap_or(Level::Full);
    html.push_str(&explain_flow(flow, locale, level).html(3));
    html
}

fn steps(html: &mut String, flow: &Flow, settings: &Settings) {
    let locale = settings.locale;
    let heads = [
        words("#", "#"),
        words("frame", "프레임"),
        words("t", "t"),
        words("from", "보낸 쪽"),
        words("step", "단계"),
        words("flags", "flags"),
        words("Seq", "Seq"),
        words("Ack", "Ack"),
        words("octets", "옥텟"),
        CLIENT,
        SERVER,
    ];
    let (title, heads) = (locale.pick("Steps", "단계"), head_row(locale, &heads));
    let _ = writeln!(html, "<h2>{title}</h2>\n<div class=\"scroll\"><table>{heads}<tbody>");
    for row in picture::part(rows(flow, false), settings.pictures.part) {
        let Row::Step(row) = row else { continue };
        let (sender, receiver) = (flow.peer(row.from), flow.peer(row.from.other()));
        let ack = row.step.ack.map(|ack| format!("{ack} ({})", relative(ack, receiver.base()))).unwrap_or_default();
        let repeat = if row.step.repeat > 1 { format!(" ×{}", row.step.repeat) } else { String::new() };
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}{repeat}</td><td><code>{}</code></td>\
             <td class=\"num\">{} ({})</td>\
             <td class=\"num\">{ack}</td><td class=\"n\">{}</td><td>{}</td><td>{}{}</td></tr>",
            row.n,
            row.step.frame,
            since_first(row.since_start),
            terms::side(row.from).get(locale),
            escape(&caption(&row, locale)),
            row.step.flags,
            row.step.seq,
            relative(row.step.seq, sender.base()),
            row.step.payload,
            state_name(row.client),
            state_name(row.server),
            if picture::is_presumed(flow, &row) { " ?" } else { "" },
        );
    }
    html.push_str("</tbody></table></div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_that_was_left_out_has_no_link() {
        assert_eq!(Html::new(&Settings::default()).link(99), "#99");
    }
}
