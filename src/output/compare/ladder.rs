//! A connection between four lines: client, the tap near it, the tap near the server, server.

use core::fmt::Write as _;

use super::super::Locale;
use super::super::duration::short;
use super::text::{fate_word, heading, verdict};
use crate::compare::{Fate, Judgement, Step, Tap};
use crate::flow::Side;
use crate::time::Timestamp;

/// Columns between two lines.
const GAP: usize = 12;

/// The ladder of a connection.
pub(super) fn flow(judgement: &Judgement, locale: Locale) -> String {
    let near = judgement.near.unwrap_or(Tap::A);
    let mut text = heading(judgement);
    text.push('\n');
    for said in &judgement.verdicts {
        let _ = writeln!(text, "  {}", verdict(said, judgement, locale));
    }
    let names = [locale.pick("client", "클라이언트"), near.name(), near.other().name(), locale.pick("server", "서버")];
    let [client, first, second, server] = names;
    let _ = writeln!(text, "{:>12}  {client:<GAP$} {first:<GAP$} {second:<GAP$} {server}", "");
    let base = judgement.first[near as usize].or(judgement.first[near.other() as usize]);
    for step in &judgement.steps {
        line(&mut text, step, near, base, judgement, locale);
    }
    if judgement.steps_left_out > 0 {
        let _ = writeln!(text, "{:>12}  … {}", "", judgement.steps_left_out);
    }
    text.push('\n');
    text
}

fn line(text: &mut String, step: &Step, near: Tap, base: Option<Timestamp>, judgement: &Judgement, locale: Locale) {
    let at = |tap: Tap| step.at[tap as usize];
    let (first, second) = (at(near), at(near.other()));
    let offset = judgement.clock.map_or(0, |fit| fit.offset);
    let to_near = if near == Tap::A { -offset } else { offset };
    let time = first.map(|sight| sight.time).or(second.map(|sight| sight.time.after(to_near)));
    let since = time.zip(base).map_or(String::new(), |(time, base)| short(time - base));
    let _ = write!(text, "{since:>12}  ");
    let right = step.sender == Side::Client;
    let cells = match (right, first.is_some(), second.is_some()) {
        (true, true, true) => [arrow(right), arrow(right), arrow(right)],
        (true, true, false) => [arrow(right), cut(right, true), blank()],
        (true, false, _) => [blank(), cut(right, false), arrow(right)],
        (false, true, true) => [arrow(right), arrow(right), arrow(right)],
        (false, true, false) => [arrow(right), cut(right, false), blank()],
        (false, false, _) => [blank(), cut(right, true), arrow(right)],
    };
    let _ = write!(text, "│{}│{}│{}│", cells[0], cells[1], cells[2]);
    let _ = write!(text, " {}", step.kind.name().replace('_', "-").to_uppercase());
    if step.payload > 0 {
        let _ = write!(text, " {}", step.payload);
    }
    if step.fate != Fate::Arrived {
        let _ = write!(text, " {}", fate_word(step.fate, locale));
    } else if let Some(clock) = judgement.clock
        && let [Some(a), Some(b)] = step.at
    {
        let way = (b.time - a.time).saturating_sub(clock.offset_at(a.time));
        let way = if (near == Tap::A) == right { way } else { -way };
        let _ = write!(text, " {}", short(way));
    }
    let changes: Vec<&str> = step.changes.names().collect();
    if !changes.is_empty() {
        let _ = write!(text, " [{}]", changes.join(", "));
    }
    text.push('\n');
}

fn arrow(right: bool) -> String {
    let dashes = "─".repeat(GAP - 1);
    if right { format!("{dashes}▶") } else { format!("◀{dashes}") }
}

/// Half an arrow: what is lost ends in the middle, what is made begins there.
fn cut(right: bool, lost: bool) -> String {
    let half = "─".repeat(GAP / 2 - 1);
    let none = " ".repeat(GAP / 2);
    match (right, lost) {
        (true, true) => format!("{half}×{none}"),
        (true, false) => format!("{none}*{}▶", "─".repeat(GAP / 2 - 2)),
        (false, true) => format!("{none}×{half}"),
        (false, false) => format!("◀{}*{none}", "─".repeat(GAP / 2 - 2)),
    }
}

fn blank() -> String {
    " ".repeat(GAP)
}
