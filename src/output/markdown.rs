//! A report to paste into a ticket: counts, anomalies, and each flow as a Mermaid sequence diagram with its
//! explanation.

use core::fmt::Write as _;

use super::clock::rfc3339;
use super::duration::{human, since_first};
use super::escape::escape_markdown;
use super::explain::{Level, Locale, anomalies, explain_flow};
use super::ladder::{Row, StepRow, octets, rows};
use super::mermaid::Diagram;
use super::picture::{self, caption, relative};
use super::report::{Findings, NamedCount, Report, closings, filtered, openings};
use super::{Settings, StepsShown};
use crate::detect::Anomaly;
use crate::engine::Totals;
use crate::flow::{Flow, Label};

/// How many flows a report shows in full; further ones are counted.
const MAX_FLOWS: usize = 20;

/// The Markdown format.
pub(super) struct Markdown {
    settings: Settings,
    /// Sections of flows.
    flows: Vec<String>,
    left_out: u64,
    found: Findings,
}

impl Markdown {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), flows: Vec::new(), left_out: 0, found: Findings::default() }
    }

    fn overview(&self, page: &mut String, totals: &Totals) {
        let locale = self.settings.locale;
        let inputs = escape_markdown(&self.settings.session.inputs.join(", "));
        let _ = writeln!(page, "# synscope: {inputs}\n");
        if let (Some(first), Some(last)) = (totals.first_time, totals.last_time) {
            let start = rfc3339(first);
            let start = core::str::from_utf8(&start).unwrap_or_default();
            let _ = match locale {
                Locale::En => writeln!(
                    page,
                    "{start}, {}: {} packets, {} flows.\n",
                    human(last - first),
                    totals.packets,
                    totals.flows
                ),
                Locale::Ko => {
                    writeln!(
                        page,
                        "{start}, {}: 패킷 {}개, 연결 {}개.\n",
                        human(last - first),
                        totals.packets,
                        totals.flows
                    )
                }
            };
        }
        if let Some((words, filter)) = filtered(&self.settings, self.flows.len() as u64 + self.left_out) {
            let _ = writeln!(page, "{words} {}\n", escape_markdown(filter));
        }
        table(page, locale.pick("opening", "연결 설정"), openings(totals), locale);
        table(page, locale.pick("close", "연결 종료"), closings(totals), locale);
        let found = self.found.worst_first();
        if !found.is_empty() {
            let _ = writeln!(page, "| {} | | |\n|---|---:|---|", locale.pick("anomaly", "이상 현상"));
            for (id, found) in found {
                let words = escape_markdown(anomalies::summary(id, locale));
                let _ = writeln!(page, "| {} `{id}` | {} | {words} |", found.severity.name(), found.count);
            }
            page.push('\n');
        }
    }
}

impl Report for Markdown {
    fn flow(&mut self, flow: &Flow) {
        if self.flows.len() >= MAX_FLOWS {
            self.left_out += 1;
            return;
        }
        let default = if self.settings.flow.is_some() { Level::Full } else { Level::Short };
        let level = self.settings.level.unwrap_or(default);
        let document = explain_flow(flow, self.settings.locale, level).markdown(2);
        // The diagram stands under the first heading.
        let (heading, rest) = document.split_once("\n\n").unwrap_or((&document, ""));
        self.flows.push(format!("{heading}\n\n{}\n{rest}", diagram(flow, &self.settings)));
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.found.add(anomaly);
    }

    fn page(&mut self, totals: &Totals) -> String {
        let locale = self.settings.locale;
        let mut page = String::new();
        if self.settings.flow.is_none() {
            self.overview(&mut page, totals);
        }
        page.push_str(&self.flows.join(""));
        if self.flows.is_empty() {
            let _ = writeln!(page, "{}", locale.pick("There is no such flow.", "그런 연결이 없습니다."));
        }
        if self.left_out > 0 {
            let _ = match locale {
                Locale::En => {
                    writeln!(page, "{} more flows are counted but not shown; `--flow` chooses one.", self.left_out)
                }
                Locale::Ko => {
                    writeln!(page, "연결 {}개는 세기만 하고 보이지 않습니다 (`--flow`로 선택).", self.left_out)
                }
            };
        }
        page
    }
}

fn table(page: &mut String, title: &str, counts: Vec<NamedCount>, locale: Locale) {
    let _ = writeln!(page, "| {title} | | |\n|---|---:|---|");
    for (name, words, n) in counts {
        let _ = writeln!(page, "| `{name}` | {n} | {} |", escape_markdown(words.get(locale)));
    }
    page.push('\n');
}

/// `flow` as a Mermaid sequence diagram.
fn diagram(flow: &Flow, settings: &Settings) -> String {
    let locale = settings.locale;
    let mut diagram = Diagram::new(flow, locale);
    let all = rows(flow, settings.steps != Some(StepsShown::All));
    for row in picture::part(all, settings.pictures.part) {
        match row {
            Row::Step(step) => diagram.arrow(&step, &step_words(flow, &step, locale)),
            Row::Before { .. } => {}
            Row::Data { segments, client_bytes, server_bytes, .. } => {
                let (up, down) = (octets(client_bytes), octets(server_bytes));
                diagram.note(&match locale {
                    Locale::En => format!("data: {segments} segments, {up} up, {down} down"),
                    Locale::Ko => format!("데이터: 세그먼트 {segments}개, 보냄 {up}, 받음 {down}"),
                });
            }
            Row::Established => diagram.note(locale.pick("connection established", "연결 설정 완료")),
            Row::HalfClosed(time) => diagram.note(&format!("half-close {}", human(time))),
            Row::Dropped(n) => diagram.note(&format!("+{n}")),
        }
    }
    diagram.finish()
}

/// What stands at the arrow of a step: flags, relative numbers, payload, time.
fn step_words(flow: &Flow, row: &StepRow, locale: Locale) -> String {
    let mut words = caption(row, locale);
    if row.step.label != Label::Icmp {
        let (sender, receiver) = (flow.peer(row.from), flow.peer(row.from.other()));
        let _ = write!(words, " Seq={}", relative(row.step.seq, sender.base()));
        if let Some(ack) = row.step.ack {
            let _ = write!(words, " Ack={}", relative(ack, receiver.base()));
        }
    }
    if row.step.payload > 0 {
        let _ = write!(words, " {}", octets(u64::from(row.step.payload)));
    }
    if row.step.repeat > 1 {
        let _ = write!(words, " ×{}", row.step.repeat);
    }
    let _ = write!(words, ", t={}", since_first(row.since_start));
    words
}
