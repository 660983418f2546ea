//! Hosts: what they tried, how it went, how guessable their sequence numbers are, and what was found about them.

use core::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use strum::VariantArray;
use unicode_width::UnicodeWidthStr;

use super::super::groups::{RoleFinding, says_how};
use super::super::layout::View;
use super::super::locale::Word;
use super::super::model::Model;
use super::super::store::Host;
use super::super::text::{count, figures, fit, reason, right};
use super::super::theme::Class;
use super::lines::{heading, put, scrolled, wrap};
use crate::detect::host::Grade;
use crate::output::Locale;
use crate::output::clock::Civil;
use crate::tcp::Endpoint;

/// From this width on captions are whole words.
const WIDE: u16 = 140;

/// A column of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
enum Figure {
    Started,
    Succeeded,
    Refused,
    Unanswered,
    HalfOpen,
    Ports,
    Targets,
    Isn,
}

impl Figure {
    /// The columns for a pane of this width: the name of what was found is never cut for them. What succeeded follows
    /// from the others.
    fn shown(width: u16) -> impl Iterator<Item = Self> {
        let least = |figure: &Self| match figure {
            Self::Started | Self::Refused | Self::Unanswered => 0,
            Self::HalfOpen | Self::Ports | Self::Targets | Self::Isn => 80,
            Self::Succeeded => 86,
        };
        Self::VARIANTS.iter().copied().filter(move |figure| width >= least(figure))
    }

    fn caption(self, model: &Model, wide: bool) -> &'static str {
        model.say(match (self, wide) {
            (Self::Started, true) => Word::Started,
            (Self::Started, false) => Word::FlowsShort,
            (Self::Succeeded, _) => Word::Succeeded,
            (Self::Refused, true) => Word::Refused,
            (Self::Refused, false) => Word::RefusedShort,
            (Self::Unanswered, true) => Word::Unanswered,
            (Self::Unanswered, false) => Word::UnansweredShort,
            (Self::Ports, _) => Word::Ports,
            (Self::Targets, _) => Word::Targets,
            (Self::HalfOpen, true) => Word::EmbryonicNow,
            (Self::HalfOpen, false) => Word::EmbryonicShort,
            (Self::Isn, _) => Word::Isn,
        })
    }

    fn value(self, host: &Host) -> String {
        let decided = host.opened + host.refused + host.unanswered + host.failed;
        match self {
            Self::Started => count(host.started),
            Self::Succeeded => {
                (host.opened * 100).checked_div(decided).map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"))
            }
            Self::Refused => count(host.refused),
            Self::Unanswered => count(host.unanswered),
            Self::Ports => count(host.ports.len() as u64),
            Self::Targets => count(host.targets.len() as u64),
            Self::HalfOpen => count(host.half_open),
            Self::Isn => host.isn.map_or("-", |(grade, _)| short(grade)).to_owned(),
        }
    }

    /// Columns it takes.
    const fn width(self, wide: bool) -> usize {
        match self {
            _ if wide => 9,
            Self::Succeeded | Self::Unanswered | Self::HalfOpen | Self::Isn => 6,
            _ => 5,
        }
    }
}

/// A grade in at most six columns; the selected host shows its whole name.
const fn short(grade: Grade) -> &'static str {
    match grade {
        Grade::Constant => "const",
        Grade::FixedStep => "step",
        Grade::TimeLinear => "time",
        Grade::SmallIncrements => "small",
        Grade::Weak => "weak",
        Grade::Random => "random",
        Grade::NotEnough => "-",
    }
}

/// Draws the list; with `own`, as the view's own pane, with a cursor and all that is known of the host below it.
pub(super) fn draw(model: &mut Model, area: Rect, own: bool, buffer: &mut Buffer) {
    let title = format!("{} {}", model.say(Word::Hosts), model.store.hosts.len());
    heading(model, &title, area, buffer);
    put(Line::styled(captions(model, area.width), model.theme.dim()), area, 1, buffer);
    let length = model.store.hosts.len();
    let detail = match area.height {
        20.. if own => 9,
        14.. if own => 5,
        _ => 0,
    };
    let height = usize::from(area.height.saturating_sub(2 + detail));
    let cursor = if own { model.cursors[View::Hosts as usize].min(length.saturating_sub(1)) } else { 0 };
    let top = if own { scrolled(model.tops[View::Hosts as usize], cursor, height, length) } else { 0 };
    if length == 0 {
        put(Line::styled(format!("   {}", model.say(Word::NoHosts)), model.theme.dim()), area, 2, buffer);
    }
    let hosts = model.store.ranked_hosts(top + height.max(1));
    for (n, (ip, record)) in hosts.iter().enumerate().skip(top).take(height) {
        let line = line(model, &model.name_of_host(*ip), record, own && n == cursor, area.width);
        put(line, area, n - top + 2, buffer);
    }
    if let Some((ip, record)) = hosts.get(cursor).filter(|_| detail > 0) {
        let at = usize::from(area.height - detail);
        put(Line::styled("─".repeat(area.width.into()), model.theme.dim()), area, at, buffer);
        let lines = details(model, &model.name_of_host(*ip), record, usize::from(area.width).saturating_sub(2));
        for (n, line) in lines.into_iter().enumerate() {
            put(Line::raw(format!(" {line}")), area, at + 1 + n, buffer);
        }
    }
    if own {
        model.tops[View::Hosts as usize] = top;
    }
}

/// The grade of the selected host and all that was found about it, the worst first, with the figures of the latest
/// report; where there is room, the latter in a sentence.
fn details(model: &Model, name: &str, record: &Host, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((grade, bits)) = record.isn {
        let (about, guess) = (model.say(Word::IsnLine), model.say(Word::Bits));
        lines.push(format!("{name}  {about}: {} ({bits:.0} {guess})", grade.name()));
    } else {
        lines.push(name.to_owned());
    }
    let mut findings: Vec<&RoleFinding> = record.findings.iter().collect();
    findings.sort_by_key(|finding| Reverse((finding.severity, !says_how(&finding.anomaly), finding.anomaly.time)));
    lines.extend(findings.iter().map(|finding| fit(&described(model, finding), width, false).trim_end().to_owned()));
    if let [only] = findings[..] {
        lines.extend(wrap(&model.hidden(reason(&only.anomaly, model.options.locale)), width));
    }
    lines
}

/// Severity and rule, the other end, since when, and figures.
fn described(model: &Model, found: &RoleFinding) -> String {
    let anomaly = &found.anomaly;
    let other = if found.is_victim { anomaly.source } else { anomaly.destination };
    let sign = if found.is_victim { "←" } else { "→" };
    let other = other.map(|(ip, port)| match port {
        Some(port) => model.name_of(Endpoint { ip, port }),
        None => model.name_of_host(ip),
    });
    let other = other.map_or_else(String::new, |other| format!("{sign} {other}"));
    let at = Civil::of(found.first);
    let (since, clock) = (model.say(Word::Since), format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second));
    let since = match model.options.locale {
        Locale::En => format!("{since} {clock}"),
        Locale::Ko => format!("{clock}{since}"),
    };
    let mut parts = figures(anomaly, model.options.locale, model.mask());
    parts.push(since);
    format!("{:<5} {} {other} · {}", found.severity.name(), anomaly.id, parts.join(" · "))
}

/// Width of the address.
const fn name_width(width: u16) -> usize {
    match width {
        WIDE.. => 39,
        100.. => 24,
        _ => 16,
    }
}

fn captions(model: &Model, width: u16) -> String {
    let wide = width >= WIDE;
    let mut text = format!(" {}", fit(model.say(Word::Host), name_width(width), false));
    for figure in Figure::shown(width) {
        text.push(' ');
        text.push_str(&right(figure.caption(model, wide), figure.width(wide)));
    }
    text.push(' ');
    text.push_str(model.say(Word::FindingColumn));
    text
}

fn line<'a>(model: &Model, name: &str, record: &Host, selected: bool, width: u16) -> Line<'a> {
    let base = if selected { model.theme.selected() } else { Style::new() };
    let sign = if selected { "▌" } else { " " };
    let mut text = format!("{sign}{}", fit(name, name_width(width), true));
    for figure in Figure::shown(width) {
        text.push(' ');
        text.push_str(&right(&figure.value(record), figure.width(width >= WIDE)));
    }
    let (class, found) = match record.worst() {
        Some(worst) => {
            let sign = if worst.is_victim { "← " } else { "" };
            let more =
                if record.findings.len() > 1 { format!(" +{}", record.findings.len() - 1) } else { String::new() };
            let figures = figures(&worst.anomaly, model.options.locale, model.mask()).join(" · ");
            (Class::of(worst.severity), format!("{sign}{}{more}  {figures}", worst.anomaly.id))
        }
        None => (Class::Ok, String::new()),
    };
    let room = usize::from(width).saturating_sub(text.width() + 1);
    Line::from(vec![
        Span::styled(text, base),
        Span::styled(format!(" {}", fit(&found, room, false)), model.theme.class(class)),
    ])
}
