//! Histograms, outcomes by port, options, kinds of teardown, and the health of the capture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::layout::View;
use super::super::locale::Word;
use super::super::model::Model;
use super::super::text::{count, fit};
use super::lines::put;
use crate::flow::Closing;
use crate::output::duration::compact;
use crate::output::histogram::Histogram;
use crate::tcp::Endpoint;
use crate::time::{MICROSECOND, SECOND};

/// Draws all of it, in two columns where there is room, from the row that was scrolled to.
pub(super) fn draw(model: &mut Model, area: Rect, buffer: &mut Buffer) {
    let columns = if area.width >= 120 { 2 } else { 1 };
    let width = usize::from(area.width) / columns;
    let bar = width.saturating_sub(36).clamp(6, 60);
    let left = [times(model, bar), servers(model)].concat();
    let right = [ports(model, bar), options(model, bar), closings(model, bar), health(model)].concat();
    let columns = if columns == 2 { vec![left, right] } else { vec![[left, right].concat()] };
    let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let most = longest.saturating_sub(usize::from(area.height));
    let top = model.cursors[View::Stats as usize].min(most);
    model.cursors[View::Stats as usize] = top;
    for (n, lines) in columns.into_iter().enumerate() {
        let pane = Rect::new(area.x + (n * width) as u16, area.y, width as u16, area.height);
        for (row, line) in lines.into_iter().skip(top).enumerate() {
            put(Line::raw(line), pane, row, buffer);
        }
    }
}

fn title(model: &Model, word: Word, rest: &str) -> String {
    format!("▎ {} {rest}", model.say(word))
}

fn bar_line(name: &str, value: u64, most: u64, bar: usize) -> String {
    let filled = (value as usize * bar).div_ceil(most.max(1) as usize).min(bar);
    format!("   {} {:>6} {}", fit(name, 18, false), count(value), "█".repeat(filled))
}

fn times(model: &Model, bar: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (word, histogram) in
        [(Word::ConnectTime, &model.store.stats.connect), (Word::RoundTrip, &model.store.stats.rtt)]
    {
        let at = |percent| compact(histogram.percentile(percent));
        let rest = if histogram.count() == 0 {
            String::new()
        } else {
            format!("  p50 {}  p95 {}  p99 {}  max {}", at(50), at(95), at(99), compact(histogram.max()))
        };
        lines.push(title(model, word, &rest));
        lines.extend(decades(histogram, bar));
        lines.push(String::new());
    }
    lines
}

/// One bar for each factor of about three from 10 µs on, those with anything in them.
fn decades(histogram: &Histogram, bar: usize) -> Vec<String> {
    let mut edges = vec![0i64];
    let mut edge = 10 * MICROSECOND;
    while edge <= 100 * SECOND {
        edges.push(edge);
        edges.push(edge * 3);
        edge *= 10;
    }
    let counts: Vec<(i64, i64, u64)> = edges
        .windows(2)
        .filter_map(|pair| match pair {
            [from, to] => Some((*from, *to, histogram.between(*from, *to))),
            _ => None,
        })
        .collect();
    let most = counts.iter().map(|(.., n)| *n).max().unwrap_or(0);
    let shown = counts.into_iter().filter(|(.., n)| *n > 0);
    shown.map(|(from, to, n)| bar_line(&format!("{}..{}", compact(from), compact(to)), n, most, bar)).collect()
}

fn servers(model: &Model) -> Vec<String> {
    let mut lines = vec![title(model, Word::RoundTrip, &format!("· {}", model.say(Word::Server)))];
    let mut servers: Vec<_> = model.store.stats.servers.iter().collect();
    servers.sort_by_key(|(_, histogram)| std::cmp::Reverse(histogram.count()));
    for ((ip, port), histogram) in servers.into_iter().take(12) {
        let name = fit(&model.name_of(Endpoint { ip: *ip, port: *port }), 24, true);
        let at = |percent| compact(histogram.percentile(percent));
        lines.push(format!("   {name} {:>6}  p50 {}  p95 {}", count(histogram.count()), at(50), at(95)));
    }
    lines.push(String::new());
    lines
}

/// One bar a port: `█` opened, `x` refused, `!` unanswered, `·` other.
fn ports(model: &Model, bar: usize) -> Vec<String> {
    let legend = format!(
        "  █ {}  x {}  ! {}  · {}",
        model.say(Word::Ok),
        model.say(Word::Refused),
        model.say(Word::NoAnswer),
        model.say(Word::Other)
    );
    let mut lines = vec![title(model, Word::OutcomesByPort, &legend)];
    let mut ports: Vec<_> = model.store.stats.ports.iter().filter(|(_, counts)| counts.all() > 0).collect();
    ports.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.all()));
    let most = ports.first().map_or(1, |(_, counts)| counts.all()).max(1);
    for (port, counts) in ports.into_iter().take(12) {
        let part = |n: u64, sign: &str| sign.repeat((n as usize * bar).div_ceil(most as usize).min(bar));
        let parts = [
            part(counts.opened, "█"),
            part(counts.refused, "x"),
            part(counts.unanswered, "!"),
            part(counts.other, "·"),
        ];
        lines.push(format!("   {port:<18} {:>6} {}", count(counts.all()), parts.concat()));
    }
    lines.push(String::new());
    lines
}

fn options(model: &Model, bar: usize) -> Vec<String> {
    let stats = &model.store.stats;
    let mut lines = vec![title(model, Word::OptionMix, &format!("({} SYN)", count(stats.syns)))];
    let names = ["mss", "window scale", "sack", "timestamps", "fast open", "ecn", "mptcp"];
    let named = names.into_iter().zip(stats.options).filter(|(_, n)| *n > 0);
    lines.extend(named.map(|(name, n)| bar_line(name, n, stats.syns, bar)));
    lines.push(String::new());
    lines
}

fn closings(model: &Model, bar: usize) -> Vec<String> {
    let counts = model.store.stats.closings;
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut lines = vec![title(model, Word::Teardowns, "")];
    let named = Closing::ALL.iter().zip(counts).filter(|(_, n)| *n > 0);
    lines.extend(named.map(|(closing, n)| bar_line(closing.name(), n, most, bar)));
    lines.push(String::new());
    lines
}

fn health(model: &Model) -> Vec<String> {
    let store = &model.store;
    let totals = &store.totals;
    let skipped: u64 = totals.skipped.iter().sum();
    let mut lines = vec![title(model, Word::Health, "")];
    let mut say = |word, n: u64| lines.push(format!("   {} {}", fit(model.say(word), 34, false), count(n)));
    say(Word::HealthPackets, totals.packets);
    say(Word::HealthSegments, totals.segments);
    say(Word::HealthSkipped, skipped);
    say(Word::HealthKernel, totals.dropped_kernel.unwrap_or(0));
    say(Word::HealthInterface, totals.dropped_interface.unwrap_or(0));
    say(Word::HealthQueue, totals.dropped_queue.unwrap_or(0));
    say(Word::HealthLate, totals.late_segments);
    say(Word::HealthClock, totals.clock_backwards);
    say(Word::HealthEvicted, totals.evicted);
    say(if store.was_full { Word::HealthNoMemory } else { Word::HealthForgotten }, store.forgotten());
    say(Word::HealthMissed, store.dropped);
    lines
}
