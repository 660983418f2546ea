//! The two lifelines of a picture: bars of states with their names, and numbers of anomalies beside them.

use core::fmt::Write as _;

use super::super::duration::{human, since_first};
use super::super::escape::escape;
use super::super::explain::terms;
use super::canvas::Canvas;
use super::style::{BAR, Bar, CLIENT_X, MIDDLE, SERVER_X};
use crate::flow::{Certainty, Side};
use crate::tcp::State;

impl Canvas<'_> {
    /// The lifelines with the coloured bars and what each state is called.
    pub(super) fn lifelines(&mut self) {
        let bottom = self.y + 26;
        let mut drawn = String::new();
        for (side, x) in [(Side::Client, CLIENT_X), (Side::Server, SERVER_X)] {
            let _ = writeln!(drawn, r#"<line x1="{x}" y1="{}" x2="{x}" y2="{bottom}" class="life"/>"#, self.top);
            let bars = core::mem::take(&mut self.bars[side as usize]);
            if bars.is_empty() && self.flow.final_state(side).is_none() {
                let words = self.style.locale.pick("state unknown", "상태를 알 수 없음");
                let (x, anchor) = beside(side, x);
                self.text(x, self.top + 16, "f", anchor, words);
            }
            for (n, bar) in bars.iter().enumerate() {
                let end = bars.get(n + 1).map_or(bottom - 6, |next| next.y);
                let inferred = if bar.inferred { " inferred" } else { "" };
                let _ = writeln!(
                    drawn,
                    r#"<rect x="{}" y="{}" width="{}" height="{}" class="{}{inferred}"><title>{}</title></rect>"#,
                    x - BAR,
                    bar.y,
                    BAR * 2,
                    (end - bar.y).max(2),
                    state_class(bar.state),
                    escape(&self.tooltip(bar, bars.get(n + 1)))
                );
                self.state_label(side, x, bar);
            }
        }
        self.body.insert_str(0, &drawn);
        self.y = bottom;
    }

    /// How long a state lasted, and what it means.
    fn tooltip(&self, bar: &Bar, next: Option<&Bar>) -> String {
        let stayed = match (bar.since, next.and_then(|next| next.since)) {
            (Some(from), Some(to)) => format!("({}) ", human(to - from)),
            _ => String::new(),
        };
        format!("{stayed}{}", terms::state(bar.state).get(self.style.locale))
    }

    fn state_label(&mut self, side: Side, x: i32, bar: &Bar) {
        let (x, anchor) = beside(side, x);
        let certain = terms::certainty(Certainty::Inferred).get(self.style.locale);
        let under = match (bar.since, bar.inferred) {
            (Some(since), false) => since_first(since),
            (Some(since), true) => format!("{} · {certain}", since_first(since)),
            (None, true) => certain.to_owned(),
            (None, false) => String::new(),
        };
        self.text(x, bar.y + 12, "", anchor, bar.state.name());
        if !under.is_empty() {
            self.text(x, bar.y + 25, "f", anchor, &under);
        }
    }

    /// Draws the anomalies that a frame before `frame` proves and that are not drawn yet.
    pub(super) fn marks_until(&mut self, frame: u64) {
        let mut due: Vec<(u64, usize)> = self
            .flow
            .marks
            .iter()
            .enumerate()
            .filter_map(|(n, mark)| Some((*mark.frames.first()?, n)))
            .filter(|(first, _)| *first < frame)
            .collect();
        due.sort_unstable();
        let skip = self.marks_drawn;
        for (first, n) in due.iter().skip(skip) {
            self.mark(*first, *n);
        }
        self.marks_drawn = due.len().max(skip);
    }

    fn mark(&mut self, frame: u64, n: usize) {
        let Some(mark) = self.flow.marks.get(n) else { return };
        let (id, severity) = (mark.rule, mark.severity.name());
        let times = if mark.count > 1 { format!(" ×{}", mark.count) } else { String::new() };
        self.y += 14;
        self.text(
            MIDDLE,
            self.y,
            severity,
            "middle",
            &format!("▲ {severity}: {id}{times} ({} {frame})", self.frame_word()),
        );
        self.y += 4;
    }
}

/// Where what is said of an end begins or ends, beside its lifeline at `x`.
const fn beside(side: Side, x: i32) -> (i32, &'static str) {
    match side {
        Side::Client => (x - BAR - 8, "end"),
        Side::Server => (x + BAR + 8, "start"),
    }
}

const fn state_class(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Listen => "listen",
        State::SynSent | State::SynReceived => "opening",
        State::Established => "open",
        State::FinWait1 | State::FinWait2 | State::CloseWait | State::Closing | State::LastAck => "closing",
        State::TimeWait => "waiting",
    }
}
