//! The state of the view: what it shows, the selection, the input line.

use core::net::IpAddr;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use strum::VariantArray;
use tui_input::Input;

use super::super::feed::{Back, Batch, Waiting};
use super::super::groups::EventId;
use super::super::keys::Keys;
use super::super::layout::{Arrangement, Column, View, Wish};
use super::super::locale::Word;
use super::super::store::{FlowLetters, FlowRow, Store};
use super::super::theme::{ThemeName, ViewTheme};
use crate::detect::Severity;
use crate::flow::{Flow, Limits, Timeouts};
use crate::flow_filter::FlowFilter;
use crate::output::{Locale, Mask};
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// Above this many flows, order and filter follow new packets now and then instead of at every frame, and what takes
/// long is done in slices between keys.
pub(super) const MANY: usize = 20_000;

/// How many flows may be looked at for that in a second of packet time.
const LOOKED_AT: usize = 50_000;

/// How times are written in the ladder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, VariantArray)]
pub(in crate::output::tui) enum Times {
    #[default]
    Flow,
    Capture,
    Local,
    Utc,
    Epoch,
}

impl Times {
    pub(super) fn next(self) -> Self {
        Self::VARIANTS.get(self as usize + 1).copied().unwrap_or_default()
    }
}

/// How hosts are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::output::tui) enum Names {
    /// By their addresses.
    #[default]
    ByAddress,
    /// By their names, where they have one.
    ByName,
    /// By both.
    Both,
}

impl Names {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::ByAddress => Self::ByName,
            Self::ByName => Self::Both,
            Self::Both => Self::ByAddress,
        }
    }
}

/// What lies over the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::output::tui) enum Overlay {
    Help,
    Explain,
    Compare { from: (u64, usize), to: (u64, usize) },
}

/// What is being done in slices.
#[derive(Debug)]
pub(super) enum Work {
    /// Filtering and sorting: flows looked at up to this number, and those that are shown with what they are sorted by.
    Order { up_to: u64, shown: Vec<(u128, u64)> },
    /// The next flow that matches: place in the table, how many are left to look at.
    Find { at: usize, left: usize, forward: bool },
}

/// What is being typed.
#[derive(Clone, Debug)]
pub(in crate::output::tui) enum Typing {
    /// With the filter to go back to.
    Filter(Input, Option<FlowFilter>),
    Command(Input),
}

/// What the next key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
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
    /// Octets that they may take.
    pub max_octets: usize,
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
    /// What stands for addresses where they are masked.
    pub mask: Arc<Mask>,
    /// Whether they are from the start to the end.
    pub is_private: bool,
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
            max_octets: usize::MAX,
            filter: None,
            arrangement: Arrangement::Auto,
            time_wait: Timeouts::default().time_wait,
            names: Arc::default(),
            keys: Keys::default(),
            mask: Arc::new(Mask::of_seed(b"")),
            is_private: false,
        }
    }
}

/// The state of the view.
#[derive(Debug)]
pub struct Model {
    pub(in crate::output::tui) options: Options,
    pub(in crate::output::tui) store: Store,
    /// What was known at marks that may be gone back to.
    pub(super) kept: BTreeMap<u64, Store>,
    pub(in crate::output::tui) theme: ViewTheme,
    pub(in crate::output::tui) wish: Wish,
    /// Numbers of the flows in the table, in order.
    pub(in crate::output::tui) order: Vec<u64>,
    /// How many flows had been pushed out when the order was made, and when that was.
    pub(super) ordered_at: Option<(u64, Timestamp)>,
    pub(in crate::output::tui) selected: Option<u64>,
    /// First row shown, by view.
    pub(in crate::output::tui) tops: [usize; 5],
    /// Selected row of events, hosts and stats.
    pub(in crate::output::tui) cursors: [usize; 5],
    /// The column by which the table is sorted.
    pub(in crate::output::tui) sort: Column,
    pub(in crate::output::tui) reverse: bool,
    pub(in crate::output::tui) filter: Option<FlowFilter>,
    pub(in crate::output::tui) filter_problem: Option<String>,
    pub(in crate::output::tui) highlight: bool,
    pub(in crate::output::tui) typing: Option<Typing>,
    pub(in crate::output::tui) overlay: Option<Overlay>,
    pub(in crate::output::tui) overlay_top: usize,
    pub(in crate::output::tui) paused: Option<Waiting>,
    pub(in crate::output::tui) waiting: Waiting,
    pub(in crate::output::tui) follow: bool,
    /// The newest flow when it was no longer followed.
    pub(super) left_at: Option<u64>,
    /// The selected entry of the list of events, where one was chosen.
    pub(super) event: Option<EventId>,
    /// The selected host, where one was chosen.
    pub(super) host: Option<IpAddr>,
    /// The least severity of the list of events.
    pub(in crate::output::tui) least: Severity,
    pub(in crate::output::tui) times: Times,
    pub(in crate::output::tui) masked: bool,
    pub(in crate::output::tui) names: Names,
    pub(in crate::output::tui) unfolded: bool,
    /// Selected step of the ladder, from 0.
    pub(in crate::output::tui) step: usize,
    pub(in crate::output::tui) marked_step: Option<(u64, usize)>,
    pub(in crate::output::tui) message: Option<String>,
    /// Why the analysis ended, if it failed.
    pub(in crate::output::tui) failure: Option<String>,
    pub(in crate::output::tui) replaying: bool,
    /// Rows of the view's pane when it was last drawn.
    pub(in crate::output::tui) page: usize,
    pub(super) marks: FlowLetters,
    pub(super) pending: Option<Pending>,
    pub(super) count: usize,
    pub(super) earlier_view: View,
    pub(super) work: Option<Work>,
}

impl Model {
    /// A view of nothing yet.
    pub fn new(options: Options) -> Self {
        Self {
            store: Store::new(options.max_flows, options.max_octets),
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
            follow: options.live,
            left_at: None,
            event: None,
            host: None,
            least: Severity::Note,
            times: Times::Flow,
            masked: options.is_private,
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
            self.store = kept.unwrap_or_else(|| Store::new(self.options.max_flows, self.options.max_octets));
            self.store.generation = generation;
        }
        let mark = batch.mark;
        for mark in std::mem::take(&mut batch.dropped_marks) {
            self.kept.remove(&mark);
        }
        let was_full = self.store.was_full;
        self.store.apply(batch);
        if self.store.was_full && !was_full {
            self.message = Some(self.say(Word::TableFull).to_owned());
        }
        if let Some(mark) = mark {
            self.kept.insert(mark, self.store.clone());
        }
        let few = self.store.rows().len() < MANY;
        let looks = if self.is_plain() { 1 } else { (self.store.rows().len() / LOOKED_AT).max(1) };
        let old =
            self.ordered_at.is_none_or(|(_, then)| (self.store.now - then).saturating_abs() >= looks as i64 * SECOND);
        let busy = self.work.is_some();
        if few || self.is_plain() || (old || self.is_thin() || self.store.position.ended) && !busy {
            self.reorder();
        }
    }

    /// Octets that flows in the table take.
    pub const fn octets(&self) -> usize {
        self.store.octets
    }

    /// How much there is in all, while the display stands still.
    pub fn see_waiting(&mut self, waiting: Waiting) {
        self.waiting = waiting;
    }

    /// 2 MSL where time goes on; nothing where it stands still at the end of a file.
    pub(in crate::output::tui) const fn time_wait(&self) -> i64 {
        if self.store.position.ended && !self.options.live { 0 } else { self.options.time_wait }
    }

    pub(in crate::output::tui) const fn say(&self, word: Word) -> &'static str {
        self.options.locale.say(word)
    }

    /// Number of rows of the view's list.
    pub(in crate::output::tui) fn length(&self) -> usize {
        match self.wish.view {
            View::Flows => self.shown_len(),
            View::Ladder => self.flow().map_or(0, |flow| flow.steps.len()),
            View::Events => self.events(usize::MAX).len(),
            View::Hosts => self.store.hosts.len(),
            View::Stats => 100,
        }
    }

    pub(in crate::output::tui) fn row(&self) -> Option<&FlowRow> {
        self.store.row(self.selected?)
    }

    pub(in crate::output::tui) fn flow(&self) -> Option<&Flow> {
        self.row().map(|row| &*row.flow)
    }

    /// What stands for addresses, where they are masked.
    pub(in crate::output::tui) fn mask(&self) -> Option<&Mask> {
        self.masked.then_some(&*self.options.mask)
    }

    /// `text` as it may be shown: with other addresses, where they are masked.
    pub(in crate::output::tui) fn hidden<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.mask().map_or(Cow::Borrowed(text), |mask| Cow::Owned(mask.text(text)))
    }

    /// A flow as it may be given away.
    pub(super) fn outward<'a>(&self, flow: &'a Flow) -> Cow<'a, Flow> {
        self.mask().map_or(Cow::Borrowed(flow), |mask| Cow::Owned(mask.flow(flow)))
    }

    /// An endpoint as hosts are called now.
    pub(in crate::output::tui) fn name_of(&self, endpoint: Endpoint) -> String {
        if let Some(mask) = self.mask() {
            return mask.endpoint(endpoint).to_string();
        }
        match self.options.names.get(&endpoint.ip).filter(|_| self.names != Names::ByAddress) {
            None => endpoint.to_string(),
            Some(_) => format!("{}:{}", self.name_of_host(endpoint.ip), endpoint.port),
        }
    }

    /// A host as hosts are called now; its name is a secret where its address is.
    pub(in crate::output::tui) fn name_of_host(&self, ip: IpAddr) -> String {
        if let Some(mask) = self.mask() {
            return mask.ip(ip).to_string();
        }
        match (self.names, self.options.names.get(&ip)) {
            (Names::ByAddress, _) | (_, None) => ip.to_string(),
            (Names::ByName, Some(name)) => name.clone(),
            (Names::Both, Some(name)) => format!("{name}({ip})"),
        }
    }
}
