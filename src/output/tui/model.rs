//! The state of the view, and what keys make of it. Draws nothing, reads no clock, opens no file.

use core::net::IpAddr;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::feed::{Back, Batch, Waiting};
use super::keys::{self, KeyAction, Keys};
use super::layout::{Arrangement, Column, View, Wish};
use super::locale::Word;
use super::store::{FlowLetters, FlowRow, Store};
use super::text;
use super::theme::{ThemeName, ViewTheme};
use crate::flow::{Flow, FlowKey, Limits, Timeouts};
use crate::flow_filter::{FlowFilter, Phase, Subject, fields, retransmissions};
use crate::output::Locale;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// Above this many flows, order and filter follow new packets now and then instead of at every frame, and what takes
/// long is done in slices between keys.
const MANY: usize = 20_000;
/// How many flows may be looked at for that in a second of packet time.
const LOOKED_AT: usize = 50_000;
/// Flows of a slice.
const SLICE: usize = 2_000;
/// The slowest and the fastest replay.
const SPEEDS: (f64, f64) = (1.0 / 64.0, 65_536.0);

/// What the analysis is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Take packets, or hold.
    Play(bool),
    /// Go this many packets forward (or back, if negative), and hold.
    Step(i64),
    /// Go to this packet time, and hold what was held.
    Seek(Timestamp),
    /// Go to the end.
    End,
    /// Times packet time; `None` as fast as possible.
    Speed(Option<f64>),
    /// Write packets.
    Save(Saving),
}

/// Packets to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Saving {
    /// Where to.
    pub path: PathBuf,
    /// Of which flows.
    pub flows: Vec<SavedFlow>,
}

/// A flow whose packets are to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedFlow {
    /// Four-tuple.
    pub key: FlowKey,
    /// First and last frame, which distinguish incarnations.
    pub frames: (u64, u64),
    /// What to write beside its first packet.
    pub comment: String,
}

/// What a key asks of the world outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// End.
    Quit,
    /// Stop like any program does at Ctrl-Z.
    Suspend,
    /// Draw everything anew.
    Repaint,
    /// Put this into the clipboard.
    Copy(String),
    /// Write this text to a file.
    Write(PathBuf, String),
    /// Pass this on to the analysis.
    Analysis(Command),
}

/// What rows are sorted by; equal ones by their numbers.
fn sort_key(by: Column, row: &FlowRow) -> u128 {
    let flow = &row.flow;
    let time = |time: Option<i64>| time.map_or(u128::MAX, |ns| ns.max(0).unsigned_abs().into());
    let address = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    };
    match by {
        Column::Id => 0,
        Column::Client => address(flow.client.endpoint.ip),
        Column::Server => address(flow.server.endpoint.ip),
        Column::Phase => Phase::of(flow) as u128,
        Column::Outcome => (flow.opening() as u128) << 8 | flow.closing() as u128,
        Column::Rtt => time(flow.handshake.rtt()),
        Column::Duration => time(Some(flow.duration())),
        Column::Retx => time(Some(retransmissions(flow))),
        Column::Bytes => flow.bytes().into(),
        Column::Age => flow.last_time.0.max(0).unsigned_abs().into(),
    }
}

/// How times are written in the ladder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Times {
    #[default]
    Flow,
    Capture,
    Local,
    Utc,
    Epoch,
}

impl Times {
    const ALL: [Self; 5] = [Self::Flow, Self::Capture, Self::Local, Self::Utc, Self::Epoch];

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|times| *times == self).map_or(0, |at| at + 1);
        Self::ALL.get(at).copied().unwrap_or_default()
    }
}

/// How hosts are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Names {
    /// By their addresses.
    #[default]
    ByAddress,
    /// By their names, where they have one.
    ByName,
    /// By both.
    Both,
}

impl Names {
    const fn next(self) -> Self {
        match self {
            Self::ByAddress => Self::ByName,
            Self::ByName => Self::Both,
            Self::Both => Self::ByAddress,
        }
    }
}

/// What lies over the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlay {
    Help,
    Explain,
    Compare { from: (u64, usize), to: (u64, usize) },
}

/// What is being done in slices.
#[derive(Debug)]
enum Work {
    /// Filtering and sorting: flows looked at up to this number, and those that are shown with what they are sorted by.
    Order { up_to: u64, shown: Vec<(u128, u64)> },
    /// The next flow that matches: place in the table, how many are left to look at.
    Find { at: usize, left: usize, forward: bool },
}

/// What is being typed.
#[derive(Clone, Debug)]
pub(super) enum Typing {
    /// With the filter to go back to.
    Filter(Input, Option<FlowFilter>),
    Command(Input),
}

/// What the next key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Mark,
    Jump,
    Copy,
    Clear,
}

/// The options of the view.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is being analysed, for the tab bar.
    pub source: String,
    /// Whether packets arrive as they are sent.
    pub live: bool,
    /// Whether a replay was asked for.
    pub replay: bool,
    /// Colours.
    pub theme: ThemeName,
    /// Without drawing characters.
    pub ascii: bool,
    /// Language.
    pub locale: Locale,
    /// Whether colours are shown even where `NO_COLOR` asks for none.
    pub force_color: bool,
    /// Whether the terminal shows any colour that is asked for.
    pub true_color: bool,
    /// Whether the mouse is taken.
    pub mouse: bool,
    /// The most frames a second.
    pub fps: u16,
    /// Flows kept.
    pub max_flows: usize,
    /// The first filter.
    pub filter: Option<FlowFilter>,
    /// How much is shown at once.
    pub arrangement: Arrangement,
    /// 2 MSL, nanoseconds.
    pub time_wait: i64,
    /// Names of hosts.
    pub names: Arc<HashMap<IpAddr, String>>,
    /// What keys do.
    pub keys: Keys,
}

impl Default for Options {
    /// A view that nothing was asked of.
    fn default() -> Self {
        Self {
            source: String::new(),
            live: false,
            replay: false,
            theme: ThemeName::Auto,
            ascii: false,
            locale: Locale::En,
            force_color: false,
            true_color: false,
            mouse: false,
            fps: 10,
            max_flows: Limits::default().flows,
            filter: None,
            arrangement: Arrangement::Auto,
            time_wait: Timeouts::default().time_wait,
            names: Arc::default(),
            keys: Keys::default(),
        }
    }
}

/// The state of the view.
#[derive(Debug)]
pub struct Model {
    pub(super) options: Options,
    pub(super) store: Store,
    /// What was known at marks that may be gone back to.
    kept: BTreeMap<u64, Store>,
    pub(super) theme: ViewTheme,
    pub(super) wish: Wish,
    /// Numbers of the flows in the table, in order.
    pub(super) order: Vec<u64>,
    ordered_at: Option<(u64, Timestamp)>,
    pub(super) selected: Option<u64>,
    /// First row shown, by view.
    pub(super) tops: [usize; 5],
    /// Selected row of events, hosts and stats.
    pub(super) cursors: [usize; 5],
    /// The column by which the table is sorted.
    pub(super) sort: Column,
    pub(super) reverse: bool,
    pub(super) filter: Option<FlowFilter>,
    pub(super) filter_problem: Option<String>,
    pub(super) highlight: bool,
    pub(super) typing: Option<Typing>,
    pub(super) overlay: Option<Overlay>,
    pub(super) overlay_top: usize,
    pub(super) paused: Option<Waiting>,
    pub(super) waiting: Waiting,
    pub(super) follow: bool,
    pub(super) times: Times,
    pub(super) masked: bool,
    pub(super) names: Names,
    pub(super) unfolded: bool,
    /// Selected step of the ladder, from 0.
    pub(super) step: usize,
    pub(super) marked_step: Option<(u64, usize)>,
    pub(super) message: Option<String>,
    /// Why the analysis ended, if it failed.
    pub(super) failure: Option<String>,
    pub(super) replaying: bool,
    /// Rows of the view's pane when it was last drawn.
    pub(super) page: usize,
    marks: FlowLetters,
    pending: Option<Pending>,
    count: usize,
    earlier_view: View,
    work: Option<Work>,
}

impl Model {
    /// A view of nothing yet.
    pub fn new(options: Options) -> Self {
        Self {
            store: Store::new(options.max_flows),
            kept: BTreeMap::new(),
            theme: ViewTheme::new(options.theme),
            wish: Wish { arrangement: options.arrangement, ..Wish::default() },
            order: Vec::new(),
            ordered_at: None,
            selected: None,
            tops: [0; 5],
            cursors: [0; 5],
            sort: Column::Id,
            reverse: options.live,
            filter: options.filter.clone(),
            filter_problem: None,
            highlight: false,
            typing: None,
            overlay: None,
            overlay_top: 0,
            paused: None,
            waiting: Waiting::default(),
            follow: false,
            times: Times::Flow,
            masked: false,
            names: Names::default(),
            unfolded: false,
            step: 0,
            marked_step: None,
            message: None,
            failure: None,
            replaying: options.replay,
            page: 10,
            marks: FlowLetters::new(),
            pending: None,
            count: 0,
            earlier_view: View::Flows,
            work: None,
            options,
        }
    }

    /// Whether the display stands still.
    pub const fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Takes in what happened.
    pub fn apply(&mut self, mut batch: Batch) {
        if let Some(message) = batch.message.take() {
            self.message = Some(message);
        }
        if let Some(back) = batch.back {
            let generation = self.store.generation;
            let kept = if let Back::Mark(mark) = back { self.kept.get(&mark).cloned() } else { None };
            self.store = kept.unwrap_or_else(|| Store::new(self.options.max_flows));
            self.store.generation = generation;
        }
        let mark = batch.mark;
        for mark in std::mem::take(&mut batch.dropped_marks) {
            self.kept.remove(&mark);
        }
        self.store.apply(batch);
        if let Some(mark) = mark {
            self.kept.insert(mark, self.store.clone());
        }
        let few = self.store.rows().len() < MANY;
        let looks = if self.is_plain() { 1 } else { (self.store.rows().len() / LOOKED_AT).max(1) };
        let old = self.ordered_at.is_none_or(|(_, then)| (self.store.now - then).abs() >= looks as i64 * SECOND);
        let busy = self.work.is_some();
        if few || (old || self.store.position.ended) && !busy {
            self.reorder();
        }
    }

    /// How much there is in all, while the display stands still.
    pub fn see_waiting(&mut self, waiting: Waiting) {
        self.waiting = waiting;
    }

    /// 2 MSL where time goes on; nothing where it stands still at the end of a file.
    pub(super) const fn time_wait(&self) -> i64 {
        if self.store.position.ended && !self.options.live { 0 } else { self.options.time_wait }
    }

    pub(super) const fn say(&self, word: Word) -> &'static str {
        self.options.locale.say(word)
    }

    /// Puts the flows that are shown in order; the selection stays with its flow. Many flows take a while: see
    /// [`Self::work`].
    pub(super) fn reorder(&mut self) {
        self.ordered_at = Some((self.store.generation, self.store.now));
        if self.is_plain() {
            self.work = None;
            self.order.clear();
            let ids = self.store.rows().map(|row| row.id);
            if self.reverse {
                self.order.extend(ids.rev());
            } else {
                self.order.extend(ids);
            }
            return self.keep_selection();
        }
        self.work = Some(Work::Order { up_to: 0, shown: Vec::new() });
        if self.store.rows().len() < MANY {
            while self.work() {}
        }
    }

    /// Whether rows are shown all and in the order in which they are kept.
    fn is_plain(&self) -> bool {
        self.sort == Column::Id && (self.filter.is_none() || self.highlight)
    }

    /// Whether something is being done in slices.
    pub const fn is_working(&self) -> bool {
        self.work.is_some()
    }

    /// Does a slice of what takes long; whether more is left.
    pub fn work(&mut self) -> bool {
        match self.work.take() {
            Some(Work::Order { up_to, shown }) => self.order_some(up_to, shown),
            Some(Work::Find { at, left, forward }) => self.find_some(at, left, forward),
            None => {}
        }
        self.work.is_some()
    }

    fn order_some(&mut self, up_to: u64, mut shown: Vec<(u128, u64)>) {
        let now = self.store.now;
        let filter = self.filter.as_ref().filter(|_| !self.highlight);
        let mut last = None;
        for row in self.store.rows_after(up_to).take(SLICE) {
            last = Some(row.id);
            if filter.is_none_or(|filter| filter.matches(&Subject::flow(&row.flow, now))) {
                shown.push((sort_key(self.sort, row), row.id));
            }
        }
        match last {
            Some(last) => self.work = Some(Work::Order { up_to: last, shown }),
            None => self.put_in_order(shown),
        }
    }

    fn put_in_order(&mut self, mut shown: Vec<(u128, u64)>) {
        if self.sort != Column::Id {
            shown.sort_unstable();
        }
        self.order.clear();
        self.order.extend(shown.into_iter().map(|(_, id)| id));
        if self.reverse {
            self.order.reverse();
        }
        self.keep_selection();
    }

    fn keep_selection(&mut self) {
        let gone = self.selected.is_none_or(|id| self.store.row(id).is_none());
        if self.follow {
            let newest = if self.reverse { self.order.first() } else { self.order.last() };
            self.selected = newest.copied();
        } else if gone || self.position().is_none() {
            self.selected = self.order.first().copied();
            self.step = 0;
        }
    }

    /// Row of the selected flow in the table.
    pub(super) fn position(&self) -> Option<usize> {
        let id = self.selected?;
        if self.sort == Column::Id {
            return if self.reverse {
                self.order.binary_search_by(|probe| id.cmp(probe)).ok()
            } else {
                self.order.binary_search(&id).ok()
            };
        }
        self.order.iter().position(|known| *known == id)
    }

    pub(super) fn row(&self) -> Option<&FlowRow> {
        self.store.row(self.selected?)
    }

    pub(super) fn flow(&self) -> Option<&Flow> {
        self.row().map(|row| &*row.flow)
    }

    /// Whether the filter, which only highlights, means this row.
    pub(super) fn is_match(&self, row: &FlowRow) -> bool {
        self.highlight && self.filter.as_ref().is_some_and(|f| f.matches(&Subject::flow(&row.flow, self.store.now)))
    }

    /// Something was typed, clicked or pasted.
    pub fn key(&mut self, key: &KeyEvent) -> Option<Effect> {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Some(Effect::Quit);
        }
        if self.typing.is_some() {
            return self.typed(key);
        }
        self.message = None;
        if let Some(pending) = self.pending.take() {
            return self.pending(pending, key);
        }
        let name = keys::name(key)?;
        if let Some(digit) = self.digit(&name) {
            self.count = (self.count * 10 + digit).min(10_000_000);
            return None;
        }
        let action = self.options.keys.action(&name, self.replaying, self.wish.view == View::Events);
        let count = std::mem::take(&mut self.count);
        self.act(action?, count)
    }

    /// A digit of a count: any but 1 to 5 may begin one (those choose views, unless a count has begun).
    fn digit(&self, name: &str) -> Option<usize> {
        let digit = name.parse::<usize>().ok().filter(|_| name.len() == 1)?;
        let begins = self.count > 0 || (6..=9).contains(&digit);
        begins.then_some(digit)
    }

    fn act(&mut self, action: KeyAction, count: usize) -> Option<Effect> {
        let some = count.max(1) as isize;
        let page = self.page.max(2) as isize - 1;
        match action {
            KeyAction::Down => self.move_by(some),
            KeyAction::Up => self.move_by(-some),
            KeyAction::PageDown => self.move_by(some * page),
            KeyAction::PageUp => self.move_by(-some * page),
            KeyAction::HalfDown => self.move_by(some * (page / 2).max(1)),
            KeyAction::HalfUp => self.move_by(-some * (page / 2).max(1)),
            KeyAction::First => self.move_to(count.saturating_sub(1)),
            KeyAction::Last => self.move_to(if count > 0 { count - 1 } else { usize::MAX }),
            KeyAction::NextView => self.turn(1),
            KeyAction::PreviousView => self.turn(View::ALL.len() - 1),
            KeyAction::View(n) => self.show(View::ALL.get(usize::from(n)).copied().unwrap_or_default()),
            KeyAction::Open => self.open(),
            KeyAction::Back => self.back(),
            KeyAction::NextFlow => self.next_flow(some),
            KeyAction::PreviousFlow => self.next_flow(-some),
            KeyAction::NextMatch => self.find(true),
            KeyAction::PreviousMatch => self.find(false),
            _ => return self.act_on_display(action),
        }
        None
    }

    fn act_on_display(&mut self, action: KeyAction) -> Option<Effect> {
        match action {
            KeyAction::Highlight => {
                self.highlight = !self.highlight;
                self.reorder();
            }
            KeyAction::Include => self.filter_on_server(false),
            KeyAction::Exclude => self.filter_on_server(true),
            KeyAction::Sort => {
                self.sort = self.sort.next();
                self.reorder();
            }
            KeyAction::Reverse => {
                self.reverse = !self.reverse;
                self.reorder();
            }
            KeyAction::Pause => self.paused = if self.is_paused() { None } else { Some(self.waiting) },
            KeyAction::Follow => {
                self.follow = !self.follow;
                self.reorder();
            }
            KeyAction::Time => self.times = self.times.next(),
            KeyAction::Names => self.names = self.names.next(),
            KeyAction::Privacy => self.masked = !self.masked,
            KeyAction::Fold => self.unfolded = !self.unfolded,
            KeyAction::Zoom => self.wish.zoomed = !self.wish.zoomed,
            KeyAction::Arrangement => self.wish.arrangement = self.wish.arrangement.next(),
            KeyAction::Larger => self.wish.shift = (self.wish.shift + 1).min(60),
            KeyAction::Smaller => self.wish.shift = (self.wish.shift - 1).max(-60),
            KeyAction::Acknowledge => self.acknowledge(),
            KeyAction::Mark => self.mark_step(),
            _ => return self.act_outside(action),
        }
        None
    }

    fn act_outside(&mut self, action: KeyAction) -> Option<Effect> {
        match action {
            KeyAction::Filter => {
                let text = self.filter.as_ref().map_or("", |filter| filter.text()).to_owned();
                self.typing = Some(Typing::Filter(Input::new(text), self.filter.clone()));
            }
            KeyAction::Command => self.typing = Some(Typing::Command(Input::default())),
            KeyAction::Explain => self.cover(Overlay::Explain),
            KeyAction::Help => self.cover(Overlay::Help),
            KeyAction::MarkFlow => self.ask(Pending::Mark, Word::MarkWhat),
            KeyAction::Jump => self.ask(Pending::Jump, Word::JumpWhat),
            KeyAction::Yank => self.ask(Pending::Copy, Word::YankWhat),
            KeyAction::Clear => self.ask(Pending::Clear, Word::ClearClosed),
            KeyAction::Save | KeyAction::Export => {
                let id = self.selected?;
                let command = match action {
                    KeyAction::Save => format!("save this flow-{id}.pcapng"),
                    _ => format!("export flow-{id}.txt"),
                };
                self.typing = Some(Typing::Command(Input::new(command)));
            }
            KeyAction::Quit | KeyAction::QuitNow => return Some(Effect::Quit),
            KeyAction::Suspend => return Some(Effect::Suspend),
            KeyAction::Repaint => return Some(Effect::Repaint),
            _ => return self.replay(action),
        }
        None
    }

    /// Keys of a replay. The first of them begins one.
    fn replay(&mut self, action: KeyAction) -> Option<Effect> {
        let position = self.store.position;
        if !position.seekable {
            self.message = Some(self.say(Word::NotSeekable).to_owned());
            return None;
        }
        self.replaying = true;
        let now = self.store.now;
        let speed = position.speed.unwrap_or(1.0);
        Some(Effect::Analysis(match action {
            KeyAction::Play if position.ended => Command::Seek(self.store.totals.first_time?),
            KeyAction::Play => Command::Play(!position.playing),
            KeyAction::StepBack => Command::Step(-1),
            KeyAction::StepForward => Command::Step(1),
            KeyAction::Slower => Command::Speed(Some((speed / 2.0).max(SPEEDS.0))),
            KeyAction::Faster => Command::Speed(Some((speed * 2.0).min(SPEEDS.1))),
            KeyAction::MaxSpeed if position.speed.is_none() => Command::Speed(Some(1.0)),
            KeyAction::MaxSpeed => Command::Speed(None),
            KeyAction::SeekBack => Command::Seek(now.after(-SECOND)),
            KeyAction::SeekForward => Command::Seek(now.after(SECOND)),
            KeyAction::SeekFarBack => Command::Seek(now.after(-10 * SECOND)),
            KeyAction::SeekFarForward => Command::Seek(now.after(10 * SECOND)),
            KeyAction::Start => Command::Seek(self.store.totals.first_time?),
            KeyAction::End => Command::End,
            _ => return None,
        }))
    }

    fn ask(&mut self, pending: Pending, question: Word) {
        self.pending = Some(pending);
        self.message = Some(self.say(question).to_owned());
    }

    fn pending(&mut self, pending: Pending, key: &KeyEvent) -> Option<Effect> {
        let KeyCode::Char(letter) = key.code else { return None };
        match pending {
            Pending::Mark => {
                if let Some(id) = self.selected {
                    self.marks.insert(letter, id);
                }
            }
            Pending::Jump => match self.marks.get(&letter) {
                Some(id) if self.order.contains(id) => {
                    self.selected = Some(*id);
                    self.follow = false;
                }
                _ => self.message = Some(self.say(Word::NoSuchMark).to_owned()),
            },
            Pending::Clear if letter == 'y' => {
                self.store.clear_ended();
                self.reorder();
            }
            Pending::Clear => {}
            Pending::Copy => {
                let copied = text::to_copy(letter, self.flow()?)?;
                self.message = Some(self.say(Word::Yanked).to_owned());
                return Some(Effect::Copy(copied));
            }
        }
        None
    }

    fn cover(&mut self, overlay: Overlay) {
        let same = self.overlay == Some(overlay);
        self.overlay = if same { None } else { Some(overlay) };
        self.overlay_top = 0;
    }

    /// Number of rows of the view's list.
    pub(super) fn length(&self) -> usize {
        match self.wish.view {
            View::Flows => self.order.len(),
            View::Ladder => self.flow().map_or(0, |flow| flow.steps.len()),
            View::Events => self.store.findings.len(),
            View::Hosts => self.store.hosts.len(),
            View::Stats => 100,
        }
    }

    fn move_by(&mut self, by: isize) {
        if self.overlay.is_some() {
            self.overlay_top = self.overlay_top.saturating_add_signed(by);
            return;
        }
        let from = match self.wish.view {
            View::Flows => self.position().unwrap_or(0),
            View::Ladder => self.step,
            view => self.cursors.get(view as usize).copied().unwrap_or(0),
        };
        self.move_to(from.saturating_add_signed(by));
    }

    fn move_to(&mut self, to: usize) {
        let to = to.min(self.length().saturating_sub(1));
        match self.wish.view {
            View::Flows => {
                self.follow = false;
                self.select(self.order.get(to).copied());
            }
            View::Ladder => self.step = to,
            view => {
                if let Some(cursor) = self.cursors.get_mut(view as usize) {
                    *cursor = to;
                }
            }
        }
    }

    fn select(&mut self, id: Option<u64>) {
        if id.is_some() && id != self.selected {
            self.selected = id;
            self.step = 0;
        }
    }

    fn turn(&mut self, by: usize) {
        let at = (self.wish.view as usize + by) % View::ALL.len();
        self.show(View::ALL.get(at).copied().unwrap_or_default());
    }

    fn show(&mut self, view: View) {
        if self.wish.view != View::Ladder {
            self.earlier_view = self.wish.view;
        }
        self.overlay = None;
        self.wish.view = view;
    }

    fn next_flow(&mut self, by: isize) {
        let at = self.position().unwrap_or(0).saturating_add_signed(by).min(self.order.len().saturating_sub(1));
        self.follow = false;
        self.select(self.order.get(at).copied());
    }

    fn open(&mut self) {
        match self.wish.view {
            View::Flows => self.show(View::Ladder),
            View::Events => {
                let newest_first = self.store.findings.len().checked_sub(1 + self.cursors[View::Events as usize]);
                let finding = newest_first.and_then(|at| self.store.findings.get(at)).map(|f| &f.anomaly);
                let (flow, source) = finding.map_or((None, None), |a| (a.flow_id, a.source.or(a.destination)));
                if flow.is_some_and(|id| self.store.row(id).is_some()) {
                    self.select(flow);
                    self.show(View::Ladder);
                } else if let Some((ip, _)) = source {
                    self.filter_text(&format!("ip:{ip}"));
                    self.show(View::Flows);
                }
            }
            View::Hosts => {
                let at = self.cursors[View::Hosts as usize];
                let host = self.store.ranked_hosts(at + 1).get(at).map(|(ip, _)| *ip);
                if let Some(ip) = host {
                    self.filter_text(&format!("client:{ip}"));
                    self.show(View::Flows);
                }
            }
            View::Ladder | View::Stats => {}
        }
    }

    fn back(&mut self) {
        if self.overlay.take().is_some() {
            return;
        }
        if self.wish.view == View::Ladder {
            self.wish.view = self.earlier_view;
        } else if self.filter.is_some() {
            self.filter = None;
            self.filter_problem = None;
            self.reorder();
        } else {
            self.wish.view = View::Flows;
        }
    }

    pub(super) fn filter_text(&mut self, text: &str) {
        match FlowFilter::parse(text) {
            Ok(filter) => {
                self.filter = Some(filter).filter(|_| !text.trim().is_empty());
                self.filter_problem = None;
                self.reorder();
            }
            Err(error) => self.filter_problem = Some(error.problem),
        }
    }

    fn filter_on_server(&mut self, exclude: bool) {
        let Some(server) = self.flow().map(|flow| flow.server.endpoint) else { return };
        let earlier = self.filter.as_ref().map_or("", |filter| filter.text()).to_owned();
        let not = if exclude { "not " } else { "" };
        self.filter_text(format!("{earlier} {not}(server:{} dport:{})", server.ip, server.port).trim());
    }

    fn find(&mut self, forward: bool) {
        let left = self.order.len();
        self.work = Some(Work::Find { at: self.position().unwrap_or(0), left, forward });
        if left < MANY {
            while self.work() {}
        } else {
            self.work();
        }
    }

    fn find_some(&mut self, mut at: usize, left: usize, forward: bool) {
        let length = self.order.len();
        for left in (left.saturating_sub(SLICE)..left).rev() {
            if length == 0 {
                return;
            }
            at = if forward { (at + 1) % length } else { (at + length - 1) % length };
            let row = self.order.get(at).and_then(|id| self.store.row(*id));
            if row.is_some_and(|row| !self.highlight || self.is_match(row)) {
                self.follow = false;
                self.select(self.order.get(at).copied());
                return;
            }
            if left == 0 {
                return;
            }
        }
        self.work = Some(Work::Find { at, left: left - SLICE, forward });
    }

    fn acknowledge(&mut self) {
        if let Some(at) = self.store.findings.len().checked_sub(1 + self.cursors[View::Events as usize]) {
            self.store.acknowledge(at);
        }
        self.move_by(1);
    }

    fn mark_step(&mut self) {
        let Some(id) = self.selected else { return };
        let here = (id, self.step);
        match self.marked_step.take() {
            Some(from) if from != here => self.cover(Overlay::Compare { from, to: here }),
            _ => {
                self.marked_step = Some(here);
                self.message = Some(self.say(Word::MarkedStep).to_owned());
            }
        }
    }

    fn typed(&mut self, key: &KeyEvent) -> Option<Effect> {
        match (key.code, self.typing.as_mut()?) {
            (KeyCode::Esc, Typing::Filter(_, before)) => {
                self.filter = before.take();
                self.typing = None;
                self.filter_problem = None;
                self.reorder();
            }
            (KeyCode::Esc, Typing::Command(_)) => self.typing = None,
            (KeyCode::Enter, Typing::Filter(input, _)) => {
                let text = input.value().to_owned();
                self.typing = None;
                self.filter_text(&text);
                self.message = self.filter_problem.take();
            }
            (KeyCode::Enter, Typing::Command(input)) => {
                let text = input.value().trim().to_owned();
                self.typing = None;
                return self.command(&text);
            }
            (KeyCode::Tab, Typing::Command(input)) => {
                if let Some(completed) = complete(input.value()) {
                    *input = Input::new(completed);
                }
            }
            (_, Typing::Command(input)) => {
                input.handle_event(&Event::Key(*key));
            }
            (_, Typing::Filter(input, _)) => {
                input.handle_event(&Event::Key(*key));
                let text = input.value().to_owned();
                self.filter_text(&text);
            }
        }
        None
    }

    /// Does what was typed after `:`.
    fn command(&mut self, line: &str) -> Option<Effect> {
        let (name, rest) = line.split_once(' ').map_or((line, ""), |(name, rest)| (name, rest.trim()));
        match name {
            "q" | "quit" => return Some(Effect::Quit),
            "filter" => {
                self.filter_text(rest);
                self.message = self.filter_problem.take();
            }
            "help" => self.cover(Overlay::Help),
            "theme" => match ThemeName::from_name(rest) {
                Some(theme) => self.theme = ViewTheme::new(theme),
                None => self.unknown(rest),
            },
            "view" => match Arrangement::from_name(rest) {
                Some(arrangement) => self.wish.arrangement = arrangement,
                None => self.unknown(rest),
            },
            "sort" => match Column::ALL.iter().find(|(_, known)| *known == rest) {
                Some((by, _)) => {
                    self.sort = *by;
                    self.reorder();
                }
                None => self.unknown(rest),
            },
            "locale" => match Locale::from_name(rest) {
                Some(locale) => self.options.locale = locale,
                None => self.unknown(rest),
            },
            "seek" => {
                let seconds: f64 = rest.parse().ok().filter(|s: &f64| s.is_finite())?;
                let start = self.store.totals.first_time?;
                return self.seek(start.after((seconds * SECOND as f64) as i64));
            }
            "speed" => {
                let speed = if rest == "max" { None } else { Some(rest.trim_end_matches('x').parse().ok()?) };
                self.replaying = true;
                return Some(Effect::Analysis(Command::Speed(speed.map(|s: f64| s.clamp(SPEEDS.0, SPEEDS.1)))));
            }
            "save" => return self.save(rest),
            "export" => {
                let path = PathBuf::from(rest);
                let written = text::export(&path, self.flow()?);
                return Some(Effect::Write(path, written));
            }
            "bpf" => {
                let bpf = text::bpf(self.flow()?);
                self.message = Some(bpf.clone());
                return Some(Effect::Copy(bpf));
            }
            _ => self.unknown(name),
        }
        None
    }

    fn unknown(&mut self, name: &str) {
        self.message = Some(format!("{}: {name}", self.say(Word::NoSuchCommand)));
    }

    fn seek(&mut self, to: Timestamp) -> Option<Effect> {
        if !self.store.position.seekable {
            self.message = Some(self.say(Word::NotSeekable).to_owned());
            return None;
        }
        self.replaying = true;
        Some(Effect::Analysis(Command::Seek(to)))
    }

    /// `this|marked|filtered|all FILE`.
    fn save(&mut self, arguments: &str) -> Option<Effect> {
        let (which, path) = arguments.split_once(' ').unwrap_or(("this", arguments));
        let ids: Vec<u64> = match which {
            "this" => self.selected.into_iter().collect(),
            "marked" => self.marks.values().copied().collect(),
            "filtered" => self.order.clone(),
            "all" => self.store.rows().map(|row| row.id).collect(),
            other => {
                self.unknown(other);
                return None;
            }
        };
        let rows = ids.iter().filter_map(|id| self.store.row(*id));
        let flows = rows.map(|row| SavedFlow {
            key: row.flow.key,
            frames: (row.flow.first_frame, row.flow.last_frame.max(row.flow.steps.last().map_or(0, |step| step.frame))),
            comment: text::comment(&row.flow),
        });
        Some(Effect::Analysis(Command::Save(Saving { path: PathBuf::from(path.trim()), flows: flows.collect() })))
    }

    /// An endpoint as hosts are called now.
    pub(super) fn name_of(&self, endpoint: Endpoint) -> String {
        if self.names == Names::ByAddress || self.masked {
            return text::endpoint(endpoint, self.masked);
        }
        match self.options.names.get(&endpoint.ip) {
            None => endpoint.to_string(),
            Some(_) => format!("{}:{}", self.name_of_host(endpoint.ip), endpoint.port),
        }
    }

    /// A host as hosts are called now; its name is no secret where its address is.
    pub(super) fn name_of_host(&self, ip: IpAddr) -> String {
        let name = self.options.names.get(&ip).filter(|_| !self.masked);
        match (self.names, name) {
            (Names::ByAddress, _) | (_, None) => text::host(ip, self.masked),
            (Names::ByName, Some(name)) => name.clone(),
            (Names::Both, Some(name)) => format!("{name}({ip})"),
        }
    }

    /// A click on the heading of a column: sorts by it, and the other way round if that is so already.
    pub fn click_heading(&mut self, column: Column) {
        if self.sort == column {
            self.reverse = !self.reverse;
        } else {
            self.sort = column;
        }
        self.reorder();
    }

    /// A click on row `row` of the pane of the view; twice opens it.
    pub(super) fn click(&mut self, row: usize) {
        let at = self.tops[self.wish.view as usize] + row;
        if self.wish.view == View::Flows && self.position() == Some(at) {
            self.open();
        } else if self.wish.view != View::Ladder {
            self.move_to(at);
        }
    }

    /// The wheel.
    pub(super) fn scroll(&mut self, by: isize) {
        self.move_by(by);
    }
}

/// The commands of `:`.
const COMMANDS: [&str; 12] =
    ["filter", "save", "export", "seek", "speed", "theme", "view", "sort", "locale", "bpf", "help", "quit"];

/// The only way to go on with what was typed, if there is one.
fn complete(typed: &str) -> Option<String> {
    let (start, word, known): (&str, &str, Vec<&str>) = match typed.rsplit_once(' ') {
        None => ("", typed, COMMANDS.to_vec()),
        Some(("theme", word)) => ("theme ", word, ThemeName::ALL.iter().map(|(_, name)| *name).collect()),
        Some(("view", word)) => ("view ", word, vec!["auto", "compact", "split", "full"]),
        Some(("save", word)) => ("save ", word, vec!["this", "marked", "filtered", "all"]),
        Some(("sort", word)) => ("sort ", word, Column::ALL.iter().map(|(_, name)| *name).collect()),
        Some(("locale", word)) => ("locale ", word, vec!["en", "ko"]),
        Some((start, word)) if start.starts_with("filter") => {
            (&typed[..start.len() + 1], word, fields().map(|(name, _)| name).collect())
        }
        Some(_) => return None,
    };
    let mut fits = known.into_iter().filter(|name| name.starts_with(word));
    match (fits.next(), fits.next()) {
        (Some(only), None) if start.starts_with("filter") => Some(format!("{start}{only}:")),
        (Some(only), None) => Some(format!("{start}{only} ")),
        _ => None,
    }
}
