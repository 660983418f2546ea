//! A flow as a drawing: two lifelines, numbered arrows, coloured states. [`draw`] makes the body of an SVG; what
//! surrounds it is the business of `svg` and `html`.
//!
//! Nothing that came from the wire gets in but numbers and addresses, and those are escaped all the same.

use super::escape::escape;
use super::picture_options::{Part, Scale, Theme};
use core::fmt::Write as _;

use super::cause;
use super::clock::{human, rfc3339};
use super::explain::{Locale, terms};
use super::ladder::{Row, StepRow, capture_order, octets, pushed_or_urgent, rows};
use crate::flow::{Certainty, Closing, Flow, Label, Opening, Shape, Side};
use crate::tcp::{Flags, State};
use crate::time::Timestamp;

/// How to draw.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) locale: Locale,
    pub(super) part: Part,
    pub(super) scale: Scale,
    /// Whether data in a row becomes one.
    pub(super) fold: bool,
}

/// A drawing: what stands inside the `svg` element, and how large it is.
pub(super) struct Picture {
    pub(super) body: String,
    pub(super) height: u32,
    pub(super) title: String,
    pub(super) description: String,
}

/// Width of every picture, pixels.
pub(super) const WIDTH: u32 = 960;
const CLIENT_X: i32 = 290;
const SERVER_X: i32 = 690;
const MIDDLE: i32 = (CLIENT_X + SERVER_X) / 2;
/// Half the width of a state bar.
const BAR: i32 = 6;
/// How far an arrow falls where time is not to scale.
const EVEN_SLOPE: i32 = 16;
/// What all waits together add to the height of a picture to scale.
const SCALE_ROOM: f64 = 720.0;
/// How many copies of one segment are drawn; more are counted.
const COPIES_DRAWN: usize = 5;

/// Colours and fonts, for one `style` element.
pub(super) fn style_sheet(theme: Theme) -> String {
    let light = ".synscope{--paper:#fff;--ink:#1b1f24;--faint:#59636e;--line:#8c959f;--box:#e6f4ea;--boxline:#1a7f37;\
                 --data:#eef1f4;--closed:#8c959f;--listen:#b1bac4;--opening:#bf8700;--open:#1a7f37;--closing:#8250df;\
                 --waiting:#0969da;--alert:#b3141d;--warn:#bc4c00;--note:#8a6100;--info:#0969da}";
    let dark = ".synscope{--paper:#0d1117;--ink:#e6edf3;--faint:#9198a1;--line:#656c76;--box:#12261e;--boxline:#3fb950;\
                --data:#1c222a;--closed:#656c76;--listen:#4d555f;--opening:#d29922;--open:#3fb950;--closing:#ab7df8;\
                --waiting:#58a6ff;--alert:#ff7b72;--warn:#f0883e;--note:#d29922;--info:#58a6ff}";
    let colours = match theme {
        Theme::Light => light.to_owned(),
        Theme::Dark => format!("{dark}@media print{{{light}}}"),
        Theme::Auto => format!("{light}@media screen and (prefers-color-scheme:dark){{{dark}}}"),
    };
    format!(
        "{colours}\
         .synscope{{background:var(--paper)}}\
         .synscope text{{font-family:system-ui,'Segoe UI','Apple SD Gothic Neo','Noto Sans CJK KR','Noto Sans KR',NanumGothic,\
         'Malgun Gothic',sans-serif;font-size:12px;fill:var(--ink)}}\
         .synscope .paper{{fill:var(--paper)}}.synscope .h{{font-size:16px;font-weight:600}}\
         .synscope .b{{font-size:14px;font-weight:600}}.synscope .f{{fill:var(--faint);font-size:11px}}\
         .synscope .m{{fill:var(--faint);font-size:10.5px;font-family:ui-monospace,'DejaVu Sans Mono',Consolas,monospace}}\
         .synscope .life{{stroke:var(--line);stroke-width:1}}.synscope .arrow{{stroke:var(--ink);stroke-width:1.6;fill:none}}\
         .synscope .head{{fill:var(--ink)}}.synscope .lost{{stroke:var(--alert);stroke-width:1.4;stroke-dasharray:5 4;fill:none}}\
         .synscope .rst{{stroke:var(--alert)}}.synscope .rsthead{{fill:var(--alert)}}\
         .synscope .lostword{{fill:var(--alert);font-size:11px}}\
         .synscope .box{{fill:var(--box);stroke:var(--boxline)}}.synscope .data{{fill:var(--data);stroke:var(--line)}}\
         .synscope .gap{{stroke:var(--line);stroke-dasharray:2 4}}\
         .synscope .closed{{fill:var(--closed)}}.synscope .listen{{fill:var(--listen)}}.synscope .opening{{fill:var(--opening)}}\
         .synscope .open{{fill:var(--open)}}.synscope .closing{{fill:var(--closing)}}.synscope .waiting{{fill:var(--waiting)}}\
         .synscope .inferred{{fill-opacity:.55}}\
         .synscope text.alert{{fill:var(--alert)}}.synscope text.warn{{fill:var(--warn)}}\
         .synscope text.note{{fill:var(--note)}}.synscope text.info{{fill:var(--info)}}\
         @media print{{svg.synscope{{max-width:100%;height:auto}}}}"
    )
}

/// Draws `flow`.
pub(super) fn draw(flow: &Flow, style: &Style) -> Picture {
    let mut canvas = Canvas::new(flow, style);
    canvas.heading();
    let rows = part(rows(flow, style.fold), style.part);
    if rows.iter().any(|row| matches!(row, Row::Step(_) | Row::Data { .. })) {
        canvas.rows(&rows);
    } else {
        canvas.nothing();
    }
    canvas.caption();
    canvas.finish(&rows)
}

/// The rows that belong to `part`.
pub(super) fn part(rows: Vec<Row>, part: Part) -> Vec<Row> {
    let closes = rows.iter().position(|row| matches!(row, Row::Step(step) if step.closing));
    match part {
        Part::All => rows,
        Part::Open => {
            let end = rows.iter().position(|row| *row == Row::Established).map_or(rows.len(), |n| n + 1);
            let open = rows.into_iter().take(end.min(closes.unwrap_or(end)));
            open.collect()
        }
        Part::Close => closes.map_or_else(Vec::new, |n| close(rows, n)),
    }
}

/// The rows from the close on, which is at this index, and the states in which it found both ends.
fn close(mut rows: Vec<Row>, at: usize) -> Vec<Row> {
    let states = rows.iter().take(at).rev().find_map(|row| match row {
        Row::Step(step) => Some(Row::Before { client: step.client, server: step.server }),
        _ => None,
    });
    let close = rows.split_off(at);
    states.into_iter().chain(close).collect()
}

/// One arrow.
struct Arrow<'a> {
    from: Side,
    time: i64,
    frame: Option<u64>,
    words: String,
    numbers: Option<&'a StepRow>,
    /// It most likely reached nobody.
    lost: bool,
    reset: bool,
}

/// The state of one end from a height on.
#[derive(Clone, Copy)]
struct Bar {
    y: i32,
    state: State,
    /// Nanoseconds since the first segment.
    since: Option<i64>,
    inferred: bool,
}

struct Canvas<'a> {
    flow: &'a Flow,
    style: &'a Style,
    /// What lies under the bars, and what over them.
    body: String,
    y: i32,
    top: i32,
    bars: [Vec<Bar>; 2],
    slope: i32,
    /// Pixels that a nanosecond of waiting adds, where time is to scale.
    per_ns: f64,
    last_time: i64,
    marks_drawn: usize,
}

impl<'a> Canvas<'a> {
    fn new(flow: &'a Flow, style: &'a Style) -> Self {
        Self {
            flow,
            style,
            body: String::with_capacity(16 * 1024),
            y: 0,
            top: 0,
            bars: [Vec::new(), Vec::new()],
            slope: EVEN_SLOPE,
            per_ns: 0.0,
            last_time: 0,
            marks_drawn: 0,
        }
    }

    fn text(&mut self, x: i32, y: i32, class: &str, anchor: &str, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.body,
            r#"<text x="{x}" y="{y}" class="{class}" text-anchor="{anchor}">{}</text>"#,
            escape(text)
        );
    }

    const fn frame_word(&self) -> &'static str {
        match self.style.locale {
            Locale::En => "frame",
            Locale::Ko => "프레임",
        }
    }

    fn heading(&mut self) {
        let flow = self.flow;
        // Two long IPv6 addresses and a verdict take more than one line.
        let mut y = 8;
        for line in wrap(&format!("#{} {}", flow.id, title(flow)), (WIDTH - 32) as usize, 16) {
            y += 20;
            self.text(16, y, "h", "start", &line);
        }
        let start = rfc3339(flow.first_time);
        let start = core::str::from_utf8(&start).unwrap_or_default();
        let (first, clock) = match self.style.locale {
            Locale::En => ("first segment", "times are those of the capture"),
            Locale::Ko => ("첫 세그먼트", "시각은 캡처 지점 기준"),
        };
        let frame = format!("{} {}", self.frame_word(), flow.first_frame);
        self.text(16, y + 20, "f", "start", &format!("{first} {start} · {frame} · {clock}"));
        for (side, x) in [(Side::Client, CLIENT_X), (Side::Server, SERVER_X)] {
            self.text(x, y + 52, "b", "middle", terms::side(side).get(self.style.locale));
            self.text(x, y + 68, "m", "middle", &flow.peer(side).endpoint.to_string());
        }
        self.y = y + 82;
        self.top = y + 78;
    }

    fn nothing(&mut self) {
        let words = match self.style.part {
            Part::Close => self.style.locale.pick("no close in this capture", "이 캡처에는 연결 종료가 없습니다"),
            _ => self.style.locale.pick("no step of this part in the capture", "이 캡처에는 이 부분의 단계가 없습니다"),
        };
        self.y += 24;
        self.text(MIDDLE, self.y, "f", "middle", words);
        self.y += 16;
    }

    fn rows(&mut self, rows: &[Row]) {
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

    /// Decides what a wait looks like: with `--scale time` waits share [`SCALE_ROOM`] by length, and an arrow falls by
    /// half a round trip.
    fn scale(&mut self, rows: &[Row]) {
        if self.style.scale == Scale::Even {
            return;
        }
        let times =
            || rows.iter().filter_map(|row| if let Row::Step(step) = row { Some(step.since_start) } else { None });
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return };
        self.per_ns = SCALE_ROOM / (last - first).max(1) as f64;
        let one_way = self.flow.handshake.rtt().unwrap_or(0) / 2;
        self.slope = ((one_way as f64 * self.per_ns) as i32).clamp(4, 120);
    }

    /// Moves down by what `time` (since the first segment) is later than the last arrow.
    fn wait(&mut self, time: i64) {
        let pixels = (time - self.last_time).max(0) as f64 * self.per_ns;
        self.y += pixels.min(SCALE_ROOM) as i32;
        self.last_time = self.last_time.max(time);
    }

    fn bar(&mut self, side: Side, y: i32, state: Option<State>, since: Option<i64>, inferred: bool) {
        // Of an end that never spoke whatever is said would be invented.
        let Some(state) = state else { return };
        let bars = &mut self.bars[side as usize];
        if bars.last().is_none_or(|bar| bar.state != state) {
            bars.push(Bar { y, state, since, inferred });
        }
    }

    fn before(&mut self, client: Option<State>, server: Option<State>) {
        self.bar(Side::Client, self.y, client, None, false);
        // Nothing on the wire shows LISTEN.
        self.bar(Side::Server, self.y, server, None, server.is_some_and(|state| !state.is_synchronized()));
        self.y += 26;
    }

    fn step(&mut self, row: &StepRow, later: &[Row]) {
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
    fn words(&self, row: &StepRow) -> String {
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

    fn arrow(&mut self, arrow: &Arrow<'_>, row: &StepRow, newest: bool) {
        self.wait(arrow.time);
        let tail = self.y + 22;
        let head = tail + self.slope;
        let (sender_x, receiver_x, way) = match arrow.from {
            Side::Client => (CLIENT_X + BAR, SERVER_X - BAR, 1),
            Side::Server => (SERVER_X - BAR, CLIENT_X + BAR, -1),
        };
        self.text(16, tail + 4, "b", "start", &since_text(arrow.time));
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
    fn states(&mut self, arrow: &Arrow<'_>, row: &StepRow, tail: i32, head: i32, newest: bool) {
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

    fn head(&mut self, x: i32, y: i32, way: i32, reset: bool) {
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

    fn data(&mut self, segments: u64, client_bytes: u64, server_bytes: u64) {
        let top = self.y + 14;
        let _ = writeln!(
            self.body,
            r#"<rect x="{}" y="{top}" width="{}" height="26" rx="13" class="data"/>"#,
            CLIENT_X + 30,
            SERVER_X - CLIENT_X - 60
        );
        let mut words = match self.style.locale {
            Locale::En if segments == 1 => "data: 1 segment".to_owned(),
            Locale::En => format!("data: {segments} segments"),
            Locale::Ko => format!("데이터: 세그먼트 {segments}개"),
        };
        if client_bytes > 0 {
            let _ = write!(words, " · {} →", octets(client_bytes));
        }
        if server_bytes > 0 {
            let _ = write!(words, " · ← {}", octets(server_bytes));
        }
        self.text(MIDDLE, top + 17, "", "middle", &words);
        self.y = top + 30;
    }

    fn established(&mut self) {
        let locale = self.style.locale;
        let top = self.y + 12;
        let _ = writeln!(
            self.body,
            r#"<rect x="{}" y="{top}" width="{}" height="42" rx="6" class="box"/>"#,
            CLIENT_X + 20,
            SERVER_X - CLIENT_X - 40
        );
        self.text(MIDDLE, top + 18, "b", "middle", locale.pick("connection established", "연결 설정 완료"));
        let h = &self.flow.handshake;
        if let (Some(client), Some(server)) = (h.client_established(), h.server_established()) {
            let at = |time: Timestamp| since_text(time - self.flow.first_time);
            let words = match locale {
                Locale::En => format!("at the ends: client {}, server {} (estimated)", at(client), at(server)),
                Locale::Ko => format!("양 끝에서: 클라이언트 {}, 서버 {} (추정)", at(client), at(server)),
            };
            self.text(MIDDLE, top + 34, "f", "middle", &words);
        }
        self.y = top + 46;
    }

    fn gap(&mut self, words: &str) {
        let y = self.y + 20;
        let half = (width_of(words, 11) / 2) as i32 + 8;
        for (from, to) in [(CLIENT_X + BAR, MIDDLE - half), (MIDDLE + half, SERVER_X - BAR)] {
            let _ = writeln!(self.body, r#"<line x1="{from}" y1="{y}" x2="{to}" y2="{y}" class="gap"/>"#);
        }
        self.text(MIDDLE, y + 4, "f", "middle", words);
        self.y = y + 10;
    }

    /// The states at the end, where only the end of the capture shows them: a reset of doubt that nothing contradicted.
    fn end_states(&mut self) {
        if !matches!(self.flow.closing(), Closing::ResetByClient | Closing::ResetByServer | Closing::FinThenReset) {
            return;
        }
        let y = self.y + 12;
        for side in [Side::Client, Side::Server] {
            let drawn = self.bars[side as usize].last().map(|bar| bar.state);
            if let Some(last) = self.flow.final_state(side)
                && drawn.is_some_and(|drawn| drawn != last)
            {
                self.bar(side, y, Some(last), None, true);
                self.y = y;
            }
        }
    }

    /// Draws the anomalies that a frame before `frame` proves and that are not drawn yet.
    fn marks_until(&mut self, frame: u64) {
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

    /// The lifelines with the coloured bars and what each state is called.
    fn lifelines(&mut self) {
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
            (Some(since), false) => since_text(since),
            (Some(since), true) => format!("{} · {certain}", since_text(since)),
            (None, true) => certain.to_owned(),
            (None, false) => String::new(),
        };
        self.text(x, bar.y + 12, "", anchor, bar.state.name());
        if !under.is_empty() {
            self.text(x, bar.y + 25, "f", anchor, &under);
        }
    }

    fn caption(&mut self) {
        self.y += 24;
        for (class, line) in caption_lines(self.flow, self.style) {
            for piece in wrap(&line, (WIDTH - 32) as usize, 12) {
                self.text(16, self.y, class, "start", &piece);
                self.y += 18;
            }
        }
        if self.style.scale == Scale::Time && self.per_ns > 0.0 {
            let hundred = (100.0 / self.per_ns) as i64;
            let words = match self.style.locale {
                Locale::En => format!(
                    "Waits to scale: {} add 100 px to the height of a step; arrows fall by half the round trip.",
                    human(hundred)
                ),
                Locale::Ko => format!(
                    "시간 비례: {}마다 단계의 높이에 100 px를 더하고, 화살표는 왕복 시간의 절반만큼 기울입니다.",
                    human(hundred)
                ),
            };
            self.text(16, self.y, "f", "start", &words);
            self.y += 18;
        }
    }

    fn finish(self, rows: &[Row]) -> Picture {
        let locale = self.style.locale;
        let steps = rows.iter().filter_map(|row| match row {
            Row::Step(step) => {
                let (from, to) = (terms::side(step.from).get(locale), terms::side(step.from.other()).get(locale));
                Some(format!("{} {from} → {to} {}", caption(step, locale), since_text(step.since_start)))
            }
            Row::Established => Some(locale.pick("connection established", "연결 설정 완료").to_owned()),
            _ => None,
        });
        let description = steps.collect::<Vec<_>>().join("; ");
        let title = format!("#{} {}", self.flow.id, title(self.flow));
        Picture { body: self.body, height: (self.y + 6).max(1) as u32, title, description }
    }
}

/// Where what is said of an end begins or ends, beside its lifeline at `x`.
const fn beside(side: Side, x: i32) -> (i32, &'static str) {
    match side {
        Side::Client => (x - BAR - 8, "end"),
        Side::Server => (x + BAR + 8, "start"),
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

/// Whether the state of the receiver of a step is only presumed: nothing it sent later shows that the step had arrived.
pub(super) fn is_presumed(flow: &Flow, row: &StepRow) -> bool {
    let later = flow.steps.iter().skip(row.n);
    let shown = later.filter(|step| step.from != row.from).any(|step| {
        step.ack.is_some_and(|ack| ack.after(row.step.seq))
            || (row.step.label == Label::Ack && step.label == Label::Data)
    });
    row.step.certainty == Certainty::Inferred && !shown && !flow.went_unanswered(row.n - 1)
}

/// The frame of the first step among `rows`.
fn next_frame(rows: &[Row]) -> Option<u64> {
    rows.iter().find_map(|row| match row {
        Row::Step(step) => Some(step.step.frame),
        Row::Data { frame, .. } => Some(*frame),
        _ => None,
    })
}

/// `client → server: verdicts`.
pub(super) fn title(flow: &Flow) -> String {
    let verdict = match flow.closing() {
        Closing::None => flow.opening().name().to_owned(),
        closing => format!("{}, {closing}", flow.opening()),
    };
    format!("{} → {}: {verdict}", flow.client.endpoint, flow.server.endpoint)
}

/// A step's caption in this language: its number and name, without sizes and counts.
pub(super) fn caption(row: &StepRow, locale: Locale) -> String {
    let number = row.caption.split(' ').next().filter(|word| word.ends_with('.'));
    let word = match row.step.label {
        Label::Fin if row.caption.starts_with("2.+3.") => "FIN+ACK",
        Label::Syn if row.caption.starts_with("SYN (new)") => locale.pick("SYN (new)", "SYN (새 번호)"),
        Label::SynAck if row.step.flags.has(Flags::FIN) => "SYN+ACK, 1. FIN",
        Label::Other => return format!("{} {}", terms::label_word(Label::Other).get(locale), row.step.flags),
        label => terms::label_word(label).get(locale),
    };
    let again = if row.again { locale.pick(" again", " 재전송") } else { "" };
    match number {
        Some(number) => format!("{number} {word}{again}"),
        None => format!("{word}{again}"),
    }
}

/// Sequence and acknowledgment number, raw and relative, in one line or two.
fn numbers(flow: &Flow, row: &StepRow) -> Vec<String> {
    if row.step.label == Label::Icmp {
        return Vec::new();
    }
    let (sender, receiver) = (flow.peer(row.from), flow.peer(row.from.other()));
    let seq = format!("Seq={} ({})", row.step.seq, relative(row.step.seq, sender.base()));
    let Some(ack) = row.step.ack else { return vec![seq] };
    let ack = format!("Ack={ack} ({})", relative(ack, receiver.base()));
    if seq.len() + ack.len() <= 54 { vec![format!("{seq}  {ack}")] } else { vec![seq, ack] }
}

/// A number relative to `base`, with a sign where it lies before it.
pub(super) fn relative(number: crate::tcp::SeqNumber, base: crate::tcp::SeqNumber) -> i64 {
    let distance = number.offset_from(base);
    // A number shortly before the base is not four thousand million after it.
    if distance >= 0xff00_0000 { i64::from(distance) - (1 << 32) } else { i64::from(distance) }
}

/// Nanoseconds since the first segment, for people.
pub(super) fn since_text(nanoseconds: i64) -> String {
    if nanoseconds == 0 { "0".to_owned() } else { human(nanoseconds) }
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

/// What stands under a picture: verdicts, times, remarks. Each with its class.
pub(super) fn caption_lines(flow: &Flow, style: &Style) -> Vec<(&'static str, String)> {
    let locale = style.locale;
    let opening = flow.opening();
    let mut lines = vec![(
        "b",
        format!("{}: {opening} — {}", locale.pick("opening", "연결 설정"), cause::opening(flow).get(locale)),
    )];
    if let Some(connect) = flow.handshake.connect_time() {
        let mut words = format!("{} {}", locale.pick("connect time", "연결 시간"), human(connect));
        if let Some(rtt) = flow.handshake.rtt() {
            let _ = write!(words, " · {} {}", locale.pick("round trip", "왕복 시간 (RTT)"), human(rtt));
        }
        lines.push(("", words));
    }
    if flow.tries() > 1 {
        let waited = human(flow.handshake.syn_gaps().sum());
        let pattern = flow.handshake.backoff().map_or("", |b| terms::backoff(b).get(locale));
        let comma = if pattern.is_empty() { "" } else { ", " };
        lines.push((
            "",
            match locale {
                Locale::En => format!("the SYN was sent {} times in {waited}{comma}{pattern}", flow.tries()),
                Locale::Ko => format!("SYN을 {waited} 동안 {}번 보냄{comma}{pattern}", flow.tries()),
            },
        ));
    }
    if flow.closing() != Closing::None && style.part != Part::Open {
        let closing = flow.closing();
        let mut words =
            format!("{}: {closing} — {}", locale.pick("close", "연결 종료"), terms::closing_of(flow).get(locale));
        if let Some(by) = flow.closed_by().filter(|_| flow.teardown.first_fin.is_some()) {
            let _ = write!(words, ", {}", terms::closed_by(by).get(locale));
        }
        lines.push(("b", words));
        if let Some(shape) = flow.shape().filter(|shape| *shape != Shape::Reset) {
            lines.push(("", terms::shape(shape).get(locale).to_owned()));
        }
    }
    if let Some(words) = capture_order(&part(rows(flow, style.fold), style.part), locale) {
        lines.push(("f", words));
    }
    if !flow.role_known {
        let words = locale.pick(
            "roles are guessed: no SYN or SYN-ACK shows the client",
            "역할은 추정: 누가 클라이언트인지 알려 주는 SYN이나 SYN-ACK가 없음",
        );
        lines.push(("f", words.to_owned()));
    }
    lines
}

/// About how wide `text` is at this font size, pixels; rather too much than too little.
fn width_of(text: &str, size: usize) -> usize {
    text.chars().map(|c| if (c as u32) < 0x1100 { size * 6 } else { size * 10 }).sum::<usize>() / 10
}

/// The words of `text` in lines of at most `room` pixels.
fn wrap(text: &str, room: usize, size: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if width_of(line, size) + width_of(word, size) + size <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_through_the_escape() {
        assert_eq!(escape("<a href='x'>&\"\u{0}\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd} ");
    }

    #[test]
    fn long_captions_are_wrapped() {
        let text = "word ".repeat(60);
        let lines = wrap(&text, 400, 12);
        assert!(lines.len() > 2 && lines.iter().all(|line| width_of(line, 12) <= 400));
    }

    #[test]
    fn a_number_before_the_base_is_negative() {
        use crate::tcp::SeqNumber;
        assert_eq!(relative(SeqNumber(5), SeqNumber(6)), -1);
        assert_eq!(relative(SeqNumber(1), SeqNumber(u32::MAX)), 2);
    }
}
