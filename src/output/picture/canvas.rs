//! What a picture is drawn on: heading, gaps, states at both ends of the time, caption.

use core::fmt::Write as _;

use super::super::clock::rfc3339;
use super::super::duration::{human, since_first};
use super::super::escape::escape;
use super::super::explain::{Locale, terms};
use super::super::ladder::{Row, octets};
use super::super::picture_options::{Part, Scale};
use super::caption::{caption, caption_lines, title, width_of, wrap};
use super::style::{BAR, Bar, CLIENT_X, EVEN_SLOPE, MIDDLE, Picture, SCALE_ROOM, SERVER_X, Style, WIDTH};
use crate::flow::{Closing, Flow, Side};
use crate::tcp::State;
use crate::time::Timestamp;

pub(super) struct Canvas<'a> {
    pub(super) flow: &'a Flow,
    pub(super) style: &'a Style,
    /// What lies under the bars, and what over them.
    pub(super) body: String,
    pub(super) y: i32,
    pub(super) top: i32,
    pub(super) bars: [Vec<Bar>; 2],
    pub(super) slope: i32,
    /// Pixels that a nanosecond of waiting adds, where time is to scale.
    pub(super) per_ns: f64,
    pub(super) last_time: i64,
    pub(super) marks_drawn: usize,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(flow: &'a Flow, style: &'a Style) -> Self {
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

    pub(super) fn text(&mut self, x: i32, y: i32, class: &str, anchor: &str, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.body,
            r#"<text x="{x}" y="{y}" class="{class}" text-anchor="{anchor}">{}</text>"#,
            escape(text)
        );
    }

    pub(super) const fn frame_word(&self) -> &'static str {
        match self.style.locale {
            Locale::En => "frame",
            Locale::Ko => "프레임",
        }
    }

    pub(super) fn heading(&mut self) {
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

    pub(super) fn nothing(&mut self) {
        let words = match self.style.part {
            Part::Close => self.style.locale.pick("no close in this capture", "이 캡처에는 연결 종료가 없습니다"),
            _ => self.style.locale.pick("no step of this part in the capture", "이 캡처에는 이 부분의 단계가 없습니다"),
        };
        self.y += 24;
        self.text(MIDDLE, self.y, "f", "middle", words);
        self.y += 16;
    }

    /// Decides what a wait looks like: with `--scale time` waits share [`SCALE_ROOM`] by length, and an arrow falls by
    /// half a round trip.
    pub(super) fn scale(&mut self, rows: &[Row]) {
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
    pub(super) fn wait(&mut self, time: i64) {
        let pixels = (time - self.last_time).max(0) as f64 * self.per_ns;
        self.y += pixels.min(SCALE_ROOM) as i32;
        self.last_time = self.last_time.max(time);
    }

    pub(super) fn bar(&mut self, side: Side, y: i32, state: Option<State>, since: Option<i64>, inferred: bool) {
        // Of an end that never spoke whatever is said would be invented.
        let Some(state) = state else { return };
        let bars = &mut self.bars[side as usize];
        if bars.last().is_none_or(|bar| bar.state != state) {
            bars.push(Bar { y, state, since, inferred });
        }
    }

    pub(super) fn before(&mut self, client: Option<State>, server: Option<State>) {
        self.bar(Side::Client, self.y, client, None, false);
        // Nothing on the wire shows LISTEN.
        self.bar(Side::Server, self.y, server, None, server.is_some_and(|state| !state.is_synchronized()));
        self.y += 26;
    }

    pub(super) fn data(&mut self, segments: u64, client_bytes: u64, server_bytes: u64) {
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

    pub(super) fn established(&mut self) {
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
            let at = |time: Timestamp| since_first(time - self.flow.first_time);
            let words = match locale {
                Locale::En => format!("at the ends: client {}, server {} (estimated)", at(client), at(server)),
                Locale::Ko => format!("양 끝에서: 클라이언트 {}, 서버 {} (추정)", at(client), at(server)),
            };
            self.text(MIDDLE, top + 34, "f", "middle", &words);
        }
        self.y = top + 46;
    }

    pub(super) fn gap(&mut self, words: &str) {
        let y = self.y + 20;
        let half = (width_of(words, 11) / 2) as i32 + 8;
        for (from, to) in [(CLIENT_X + BAR, MIDDLE - half), (MIDDLE + half, SERVER_X - BAR)] {
            let _ = writeln!(self.body, r#"<line x1="{from}" y1="{y}" x2="{to}" y2="{y}" class="gap"/>"#);
        }
        self.text(MIDDLE, y + 4, "f", "middle", words);
        self.y = y + 10;
    }

    /// The states at the end, where only the end of the capture shows them: a reset of doubt that nothing contradicted.
    pub(super) fn end_states(&mut self) {
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

    pub(super) fn caption(&mut self) {
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

    pub(super) fn finish(self, rows: &[Row]) -> Picture {
        let locale = self.style.locale;
        let steps = rows.iter().filter_map(|row| match row {
            Row::Step(step) => {
                let (from, to) = (terms::side(step.from).get(locale), terms::side(step.from.other()).get(locale));
                Some(format!("{} {from} → {to} {}", caption(step, locale), since_first(step.since_start)))
            }
            Row::Established => Some(locale.pick("connection established", "연결 설정 완료").to_owned()),
            _ => None,
        });
        let description = steps.collect::<Vec<_>>().join("; ");
        let title = format!("#{} {}", self.flow.id, title(self.flow));
        Picture { body: self.body, height: (self.y + 6).max(1) as u32, title, description }
    }
}
