//! One step of a picture: its arrow, the copies of it, the states that it changes.

use core::fmt::Write as _;

use super::super::duration::{human, since_first};
use super::super::explain::Locale;
use super::super::ladder::{Row, StepRow, octets, pushed_or_urgent};
use super::super::picture_options::Part;
use super::canvas::Canvas;
use super::caption::{caption, is_presumed, numbers, width_of};
use super::style::{BAR, CLIENT_X, MIDDLE, SERVER_X};
use crate::flow::{Flow, Label, Opening, Side};
use crate::tcp::State;
use crate::time::Timestamp;

/// How many copies of one segment are drawn; more are counted.
const COPIES_DRAWN: usize = 5;

/// One arrow.
pub(super) struct Arrow<'a> {
    from: Side,
    time: i64,
    frame: Option<u64>,
    words: String,
    numbers: Option<&'a StepRow>,
    /// It most likely reached nobody.
    lost: bool,
    reset: bool,
}

impl Canvas<'_> {
    pub(super) fn rows(&mut self, rows: &[Row]) {
        self.scale(rows);
        let mut first = true;
        for (n, row) in rows.iter().enumerate() {
            let later = rows.get(n + 1..).unwrap_or_default();
            match row {
                Row::Before { client, server } => self.before(*client, *server),
                Row::Step(step) => {
                    if first {
                        self.last_time = step.since_start;
                        first = false;
                    }
                    self.step(step, later);
                }
                Row::Data { segments, client_bytes, server_bytes, frame } => {
                    self.data(*segments, *client_bytes, *server_bytes);
                    self.marks_until(next_frame(later).unwrap_or(u64::MAX).max(*frame));
                }
                Row::Established => self.established(),
                Row::HalfClosed(time) => {
                    let words = self.style.locale.pick("half-closed for", "half-close 지속");
                    self.gap(&format!("{words} {}", human(*time)));
                }
                Row::Dropped(steps) => {
                    let words = match self.style.locale {
                        Locale::En => format!("{steps} more steps were not kept"),
                        Locale::Ko => format!("단계 {steps}개는 저장하지 않음"),
                    };
                    self.gap(&words);
                }
            }
        }
        if self.style.part != Part::Open {
            self.marks_until(u64::MAX);
            self.end_states();
        }
        self.lifelines();
    }

    pub(super) fn step(&mut self, row: &StepRow, later: &[Row]) {
        let answered = later.iter().any(|other| is_from_other(other, row.from));
        let unanswered = !answered && self.flow.went_unanswered(row.n - 1);
        let (copies, hidden) = self.copies(row);
        let last = copies.len().saturating_sub(1);
        for (n, (time, frame)) in copies.iter().enumerate() {
            if n > 0 && n == last && hidden > 0 {
                let words = match self.style.locale {
                    Locale::En if hidden == 1 => "1 more copy".to_owned(),
                    Locale::En => format!("{hidden} more copies"),
                    Locale::Ko => format!("같은 세그먼트 {hidden}개 더"),
                };
                self.gap(&words);
            }
            let (newest, arrives) = (n == last, n == last && !unanswered);
            let arrow = Arrow {
                from: row.from,
                time: *time,
                frame: *frame,
                words: if n == 0 { self.words(row) } else { self.again_words(row) },
                numbers: (n == 0).then_some(row),
                lost: !arrives && row.step.label != Label::Data,
                reset: row.step.label == Label::Rst,
            };
            self.arrow(&arrow, row, newest);
            let until = match copies.get(n + 1) {
                Some((_, frame)) => frame.unwrap_or(row.step.frame + 1),
                None => next_frame(later).unwrap_or(u64::MAX),
            };
            self.marks_until(until);
        }
    }

    /// When each copy of a step that is drawn was sent, and its frame where it was kept: more than one where it was
    /// repeated. And how many more there were before the last.
    fn copies(&self, row: &StepRow) -> (Vec<(i64, Option<u64>)>, usize) {
        let step = &row.step;
        let first = (row.since_start, Some(step.frame));
        if step.repeat < 2 || !matches!(step.label, Label::Syn | Label::SynAck | Label::Fin) {
            return (vec![first], 0);
        }
        let tries = match step.label {
            Label::Syn => self.flow.handshake.syns.as_slice(),
            Label::SynAck => self.flow.handshake.synacks.as_slice(),
            _ => &[],
        };
        let since = |time: Timestamp| time - self.flow.first_time;
        let is_copy = |time: Timestamp, frame: u64| time >= step.time && time <= step.last_time && frame >= step.frame;
        let kept = tries.iter().filter(|t| is_copy(t.time, t.frame)).map(|t| (since(t.time), Some(t.frame)));
        let mut copies: Vec<_> = kept.collect();
        let repeat = step.repeat as usize;
        if copies.len() == repeat {
            let hidden = repeat.saturating_sub(COPIES_DRAWN + 1);
            copies.drain(COPIES_DRAWN.min(repeat)..(COPIES_DRAWN + hidden).min(repeat));
            return (copies, hidden);
        }
        // Not every copy was kept: the first is, and when the last was seen.
        (vec![first, (since(step.last_time), None)], repeat - 2)
    }

    /// The caption of an arrow in the picture's language.
    pub(super) fn words(&self, row: &StepRow) -> String {
        let mut words = caption(row, self.style.locale);
        let step = &row.step;
        if step.label == Label::Data {
            let _ = write!(words, " {}", octets(u64::from(step.payload)));
        } else if step.payload > 0 {
            let _ = write!(words, " + {}", octets(u64::from(step.payload)));
        }
        words.push_str(&pushed_or_urgent(step));
        // Copies of what opens and closes are drawn one by one.
        if step.repeat > 1 && !matches!(step.label, Label::Syn | Label::SynAck | Label::Fin) {
            let _ = write!(words, " ×{}", step.repeat);
        }
        words
    }

    fn again_words(&self, row: &StepRow) -> String {
        let base = caption(row, self.style.locale);
        let again = self.style.locale.pick("again", "재전송");
        if base.ends_with(again) { base } else { format!("{base} {again}") }
    }

    pub(super) fn arrow(&mut self, arrow: &Arrow<'_>, row: &StepRow, newest: bool) {
        self.wait(arrow.time);
        let tail = self.y + 22;
        let head = tail + self.slope;
        let (sender_x, receiver_x, way) = match arrow.from {
            Side::Client => (CLIENT_X + BAR, SERVER_X - BAR, 1),
            Side::Server => (SERVER_X - BAR, CLIENT_X + BAR, -1),
        };
        self.text(16, tail + 4, "b", "start", &since_first(arrow.time));
        if let Some(frame) = arrow.frame {
            self.text(16, tail + 18, "f", "start", &format!("{} {frame}", self.frame_word()));
        }
        let class = if arrow.lost {
            "lost"
        } else if arrow.reset {
            "arrow rst"
        } else {
            "arrow"
        };
        let (end_x, end_y) = if arrow.lost {
            (sender_x + (receiver_x - sender_x) * 7 / 10, tail + self.slope * 7 / 10)
        } else {
            (receiver_x - way, head)
        };
        let _ = writeln!(self.body, r#"<line x1="{sender_x}" y1="{tail}" x2="{end_x}" y2="{end_y}" class="{class}"/>"#);
        if arrow.lost {
            self.cross(end_x, end_y);
        } else {
            self.head(receiver_x, head, way, arrow.reset);
        }
        // The arrow is higher at one end of the words than in their middle.
        let higher = self.slope * width_of(&arrow.words, 14) as i32 / 2 / (SERVER_X - CLIENT_X);
        self.text(MIDDLE, tail + self.slope / 2 - 8 - higher, "b", "middle", &arrow.words);
        let mut below = head + 14;
        if arrow.lost {
            let words = self.style.locale.pick("no answer", "응답 없음");
            let x = end_x + way * 14;
            self.text(x, end_y + 4, "lostword", if way > 0 { "start" } else { "end" }, words);
        }
        if let Some(row) = arrow.numbers {
            for line in numbers(self.flow, row) {
                self.text(MIDDLE, below, "m", "middle", &line);
                below += 13;
            }
        }
        self.states(arrow, row, tail, head, newest);
        self.y = below.max(head + 14) - 2;
    }

    /// The states that the two ends are in after an arrow: the sender's at its tail, the receiver's at its head.
    pub(super) fn states(&mut self, arrow: &Arrow<'_>, row: &StepRow, tail: i32, head: i32, newest: bool) {
        let inferred = is_presumed(self.flow, row);
        let (sender, receiver) = match arrow.from {
            Side::Client => (row.client, row.server),
            Side::Server => (row.server, row.client),
        };
        self.bar(arrow.from, tail - 8, sender, Some(arrow.time), false);
        if crosses(self.flow, row) && sender == Some(State::SynSent) && receiver == Some(State::SynReceived) {
            // The other end's SYN reaches the sender of this one a little later.
            self.bar(arrow.from, tail + 24, Some(State::SynReceived), None, true);
        }
        if newest {
            self.bar(arrow.from.other(), head - 4, receiver, Some(arrow.time), inferred);
        }
    }

    pub(super) fn head(&mut self, x: i32, y: i32, way: i32, reset: bool) {
        let (back, class) = (x - way * 10, if reset { "rsthead" } else { "head" });
        let _ = writeln!(self.body, r#"<polygon points="{x},{y} {back},{} {back},{}" class="{class}"/>"#, y - 5, y + 4);
    }

    fn cross(&mut self, x: i32, y: i32) {
        let (left, right, top, bottom) = (x - 6, x + 6, y - 6, y + 6);
        let _ = writeln!(
            self.body,
            r#"<path d="M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}" class="arrow rst"/>"#
        );
    }
}

/// Whether `row` shows anything of the end opposite to `from`.
fn is_from_other(row: &Row, from: Side) -> bool {
    match row {
        Row::Step(step) => step.from != from,
        Row::Data { client_bytes, server_bytes, .. } => match from {
            Side::Client => *server_bytes > 0,
            Side::Server => *client_bytes > 0,
        },
        _ => false,
    }
}

/// Whether a step crossed one of its kind on its way.
fn crosses(flow: &Flow, row: &StepRow) -> bool {
    matches!(row.step.label, Label::Syn | Label::SynAck) && flow.opening() == Opening::SimultaneousOpen
}

/// The frame of the first step among `rows`.
fn next_frame(rows: &[Row]) -> Option<u64> {
    rows.iter().find_map(|row| match row {
        Row::Step(step) => Some(step.step.frame),
        Row::Data { frame, .. } => Some(*frame),
        _ => None,
    })
}
