//! What keys and the mouse do to the view.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::super::keys::{self, KeyAction};
use super::super::layout::View;
use super::super::locale::Word;
use super::super::text;
use super::command::{Command, Effect, SPEEDS, complete};
use super::state::{Model, Overlay, Pending, Typing};
use crate::time::SECOND;

impl Model {
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

    /// Whether text is being typed.
    pub fn takes_text(&self) -> bool {
        self.typing.is_some()
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
            KeyAction::Newest if self.options.live && self.wish.view == View::Flows && count == 0 => {
                self.set_follow(true);
                self.reorder();
            }
            KeyAction::Last | KeyAction::Newest => self.move_to(if count > 0 { count - 1 } else { usize::MAX }),
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
                self.set_follow(!self.follow);
                self.reorder();
            }
            KeyAction::Time => self.times = self.times.next(),
            KeyAction::Names => self.names = self.names.next(),
            KeyAction::Privacy if self.options.is_private => {
                self.message = Some(self.say(Word::StaysPrivate).to_owned());
            }
            KeyAction::Privacy => self.masked = !self.masked,
            KeyAction::Fold => self.unfolded = !self.unfolded,
            KeyAction::Zoom => self.wish.zoomed = !self.wish.zoomed,
            KeyAction::Arrangement => self.wish.arrangement = self.wish.arrangement.next(),
            KeyAction::Larger => self.wish.shift = (self.wish.shift + 1).min(60),
            KeyAction::Smaller => self.wish.shift = (self.wish.shift - 1).max(-60),
            KeyAction::Acknowledge => self.acknowledge(),
            KeyAction::AcknowledgeAlert => self.acknowledge_pinned(),
            KeyAction::RaiseSeverity => self.change_least(1),
            KeyAction::LowerSeverity => self.change_least(-1),
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
            KeyAction::Explain => {
                self.set_follow(false);
                self.cover(Overlay::Explain);
            }
            KeyAction::Help => self.cover(Overlay::Help),
            KeyAction::MarkFlow => self.ask(Pending::Mark, Word::MarkWhat),
            KeyAction::Jump => self.ask(Pending::Jump, Word::JumpWhat),
            KeyAction::Yank => self.ask(Pending::Copy, Word::YankWhat),
            KeyAction::Clear => self.ask(Pending::Clear, Word::ClearClosed),
            KeyAction::Save | KeyAction::Export => {
                self.set_follow(false);
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
    pub(super) fn replay(&mut self, action: KeyAction) -> Option<Effect> {
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
        self.set_follow(false);
        self.pending = Some(pending);
        self.message = Some(self.say(question).to_owned());
    }

    pub(super) fn pending(&mut self, pending: Pending, key: &KeyEvent) -> Option<Effect> {
        let KeyCode::Char(letter) = key.code else { return None };
        match pending {
            Pending::Mark => {
                if let Some(id) = self.selected {
                    self.marks.insert(letter, id);
                }
            }
            Pending::Jump => match self.marks.get(&letter) {
                Some(id) if self.store.row(*id).is_some() && (self.is_plain() || self.order.contains(id)) => {
                    self.selected = Some(*id);
                }
                _ => self.message = Some(self.say(Word::NoSuchMark).to_owned()),
            },
            Pending::Clear if letter == 'y' => {
                self.store.clear_ended();
                self.reorder();
            }
            Pending::Clear => {}
            Pending::Copy => {
                let copied = text::to_copy(letter, &self.outward(self.flow()?))?;
                self.message = Some(self.say(Word::Yanked).to_owned());
                return Some(Effect::Copy(copied));
            }
        }
        None
    }

    pub(super) fn typed(&mut self, key: &KeyEvent) -> Option<Effect> {
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

    pub(super) fn cover(&mut self, overlay: Overlay) {
        let same = self.overlay == Some(overlay);
        self.overlay = if same { None } else { Some(overlay) };
        self.overlay_top = 0;
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
                self.set_follow(false);
                self.select(self.shown(to));
            }
            View::Ladder => {
                self.set_follow(false);
                self.step = to;
            }
            view => {
                if let Some(cursor) = self.cursors.get_mut(view as usize) {
                    *cursor = to;
                }
                self.hold_cursors();
            }
        }
    }

    pub(super) fn select(&mut self, id: Option<u64>) {
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
        let at = self.position().unwrap_or(0).saturating_add_signed(by).min(self.shown_len().saturating_sub(1));
        self.set_follow(false);
        self.select(self.shown(at));
    }

    fn open(&mut self) {
        match self.wish.view {
            View::Flows => {
                self.set_follow(false);
                self.show(View::Ladder);
            }
            View::Events => self.open_event(),
            View::Hosts => {
                if let Some(ip) = self.selected_host() {
                    // A host that only answers has no flows of its own.
                    let begins = self.store.hosts.get(&ip).is_some_and(|host| host.started > 0);
                    self.filter_text(&format!("{}:{ip}", if begins { "client" } else { "ip" }));
                    self.show(View::Flows);
                }
            }
            View::Ladder | View::Stats => {}
        }
    }

    /// The flow of the selected event; of several, all between the same hosts.
    fn open_event(&mut self) {
        let Some(row) = self.selected_event() else { return };
        let anomaly = &row.group.anomaly;
        let ends = (anomaly.source.map(|end| end.0), anomaly.destination.map(|end| end.0));
        let flow = anomaly.flow_id.filter(|id| self.store.row(*id).is_some());
        self.set_follow(false);
        let filter = match ends {
            _ if flow.is_some() && row.group.count == 1 => None,
            (Some(from), Some(to)) => Some(format!("ip:{from} ip:{to}")),
            (Some(ip), None) | (None, Some(ip)) => Some(format!("ip:{ip}")),
            (None, None) => None,
        };
        if let Some(filter) = filter {
            self.filter_text(&filter);
            self.show(View::Flows);
        } else if flow.is_some() {
            self.select(flow);
            self.show(View::Ladder);
        }
    }

    pub(super) fn back(&mut self) {
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

    fn acknowledge(&mut self) {
        self.acknowledge_selected();
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

    /// A click on row `row` of the pane of the view; twice opens it.
    pub(in crate::output::tui) fn click(&mut self, row: usize) {
        let at = self.tops[self.wish.view as usize] + row;
        if self.wish.view == View::Flows && self.position() == Some(at) {
            self.open();
        } else if self.wish.view != View::Ladder {
            self.move_to(at);
        }
    }

    /// The wheel.
    pub(in crate::output::tui) fn scroll(&mut self, by: isize) {
        self.move_by(by);
    }
}
