//! The states of both ends after each step, with the hindsight of later steps: the one place that decides
//! what is shown.
//!
//! While a segment is on its way, the tracker presumes that it arrives and finds what it looks for. The end of the
//! story may show that it did not: the other end had not had it when it sent its own (RFC 9293 figures 7 and 13), asked
//! again, or was not there. What is shown is the story that is closest to what was proved and presumed step by step,
//! and that goes along the edges of figure 5 alone.

use smallvec::SmallVec;

use crate::flow::record::flow::Flow;
use crate::flow::record::steps::{Label, Step};
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::tcp::State;
use crate::tcp::state::is_edge;

/// The states of both ends at one moment; `None` where nothing is known of an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The client's.
    pub client: Option<State>,
    /// The server's.
    pub server: Option<State>,
}

impl Ends {
    /// That of `side`.
    pub const fn of(self, side: Side) -> Option<State> {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }
}

/// The story of a flow.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Before the first step, where that is the client's SYN. Nothing on the wire shows it.
    pub before: Option<Ends>,
    /// After each step.
    pub after: Vec<Ends>,
}

/// What a step says about one end: its state, and how much that weighs against other steps.
#[derive(Clone, Copy, Debug, Default)]
struct Wish {
    state: State,
    weight: u32,
}

/// Proved by what the end itself sent.
const PROVED: u32 = 8;
/// Shown by later steps.
const SHOWN: u32 = 6;
/// It sent the step; segments on their way to it are presumed to arrive.
const LIKELY: u32 = 3;
/// Presumed.
const PRESUMED: u32 = 1;

type Wishes = SmallVec<[Wish; 16]>;

impl Flow {
    /// The states of both ends, step by step.
    pub fn story(&self) -> Story {
        let ends = [Side::Client, Side::Server].map(|side| self.path(side));
        let [client, server] = &ends;
        let after = |n: usize| Ends {
            client: client.as_ref().and_then(|path| path.get(n).copied()),
            server: server.as_ref().and_then(|path| path.get(n).copied()),
        };
        let before = self.begins_with_syn().then(|| Ends {
            client: client.as_ref().and(self.state_before(Side::Client)),
            server: server.as_ref().and(self.state_before(Side::Server)),
        });
        Story { before, after: (0..self.steps.len()).map(after).collect() }
    }

    /// The state of `side` after the last step; `None` where nothing is known of it.
    pub fn final_state(&self, side: Side) -> Option<State> {
        let state = if self.steps.is_empty() || self.steps_dropped > 0 {
            self.is_known(side).then(|| self.peer(side).presumed())?
        } else {
            self.path(side)?.last().copied()?
        };
        let over = state == State::TimeWait && self.teardown.time_wait_over;
        Some(if over { State::Closed } else { state })
    }

    /// Whether anything is known of `side`: it spoke, or the connection was open before it was first seen.
    fn is_known(&self, side: Side) -> bool {
        self.peer(side).spoke() || self.opening() == Opening::Midstream || self.is_to_itself()
    }

    fn begins_with_syn(&self) -> bool {
        self.steps.first().is_some_and(|step| step.label == Label::Syn && step.from == Side::Client)
    }

    /// The state of `side` before the client's first SYN.
    fn state_before(&self, side: Side) -> Option<State> {
        if !self.begins_with_syn() {
            return None;
        }
        let closed = side == Side::Client || self.opening() == Opening::SimultaneousOpen || self.is_refused(0);
        Some(if closed { State::Closed } else { State::Listen })
    }

    /// The states of `side` after each step.
    fn path(&self, side: Side) -> Option<SmallVec<[State; 16]>> {
        if !self.is_known(side) {
            return None;
        }
        // One end says and hears everything at once: nothing is on its way.
        if self.is_to_itself() {
            return Some(self.steps.iter().map(|step| step.client).collect());
        }
        let wishes = self.wishes(side);
        let before = self.state_before(side);
        Some(if self.is_legal(side, before, &wishes) {
            wishes.iter().map(|wish| wish.state).collect()
        } else {
            self.closest(side, before, &wishes)
        })
    }

    fn is_legal(&self, side: Side, before: Option<State>, wishes: &[Wish]) -> bool {
        let mut at = before;
        self.steps.iter().zip(wishes).all(|(step, wish)| {
            let from = at.replace(wish.state).unwrap_or(wish.state);
            cost(from, wish.state, step, side) == Some(0)
        })
    }

    /// The path along the edges of figure 5 that goes against the least weight of wishes. Of two that go against
    /// equally much, the one that stays longer.
    fn closest(&self, side: Side, before: Option<State>, wishes: &[Wish]) -> SmallVec<[State; 16]> {
        const COUNT: usize = State::ALL.len();
        const NEVER: u32 = u32::MAX / 2;
        let mut costs = [NEVER; COUNT];
        for (cost, state) in costs.iter_mut().zip(State::ALL) {
            if before.is_none_or(|before| before == *state) {
                *cost = 0;
            }
        }
        let mut came: SmallVec<[[u8; COUNT]; 16]> = SmallVec::new();
        for (step, wish) in self.steps.iter().zip(wishes) {
            let (mut next, mut from) = ([NEVER; COUNT], [0; COUNT]);
            for (t, to) in State::ALL.iter().copied().enumerate() {
                let off = if to == wish.state { 0 } else { 2 * wish.weight };
                for (f, state) in State::ALL.iter().copied().enumerate() {
                    let Some(way) = cost(state, to, step, side) else { continue };
                    let sum = costs[f] + way + off;
                    if sum < next[t] || (sum == next[t] && f == t) {
                        (next[t], from[t]) = (sum, f as u8);
                    }
                }
            }
            costs = next;
            came.push(from);
        }
        let mut at = (0..COUNT).min_by_key(|n| costs[*n]).unwrap_or_default();
        let mut path: SmallVec<[State; 16]> = SmallVec::new();
        for from in came.iter().rev() {
            path.push(State::ALL[at]);
            at = usize::from(from[at]);
        }
        path.reverse();
        path
    }

    /// What each step says about `side`.
    fn wishes(&self, side: Side) -> Wishes {
        let mut wishes: Wishes = self.steps.iter().map(|step| wish(step, side)).collect();
        self.hear_opening(side, &mut wishes);
        self.hear_silence(side, &mut wishes);
        if self.teardown.simultaneous {
            self.hear_crossing_fins(side, &mut wishes);
        }
        self.hear_last_fin(side, &mut wishes);
        self.hear_resets(&mut wishes);
        wishes
    }

    /// What the opening as a whole tells.
    fn hear_opening(&self, side: Side, wishes: &mut Wishes) {
        let crossed = self.opening() == Opening::SimultaneousOpen;
        let lost = (side == Side::Client).then(|| self.synack_lost_before()).flatten().is_some();
        for (n, step) in self.steps.iter().enumerate() {
            let shown = match (step.label, side) {
                (Label::Syn | Label::SynAck, _) if crossed => self.crossing(n, step, side),
                (Label::Syn, Side::Server) if step.from == Side::Client && self.is_refused(n) => Some(State::Closed),
                (Label::Rst, Side::Server) if step.from == side && self.is_contradicted(n) => Some(State::SynReceived),
                (Label::SynAck, Side::Client) if lost => self.heard_synack(n),
                _ => None,
            };
            if let (Some(state), Some(wish)) = (shown, wishes.get_mut(n)) {
                *wish = Wish { state, weight: SHOWN };
            }
        }
    }

    /// The state of `side` after a SYN or SYN-ACK that crossed one of its kind.
    fn crossing(&self, n: usize, step: &Step, side: Side) -> Option<State> {
        let is_answer = |other: &Step| other.label == step.label && other.from != step.from;
        let answered = self.steps.iter().take(n).any(is_answer);
        let crossed = !answered && self.steps.iter().skip(n + 1).any(is_answer);
        let (sender, receiver) = match (step.label, answered, crossed) {
            (Label::Syn, false, _) => (State::SynSent, State::Closed),
            (Label::Syn, true, _) => (State::SynSent, State::SynReceived),
            (_, _, true) => (State::SynReceived, State::SynReceived),
            _ => (self.steps.get(n)?.client, self.steps.get(n)?.server),
        };
        if (step.label, crossed) == (Label::SynAck, false) {
            return Some(if side == Side::Client { sender } else { receiver });
        }
        Some(if side == step.from { sender } else { receiver })
    }

    /// Whether a RST is the server's first answer to the client's SYN at this index: nothing was listening.
    fn is_refused(&self, n: usize) -> bool {
        let answer = self.steps.iter().skip(n + 1).find(|step| step.from == Side::Server && step.label != Label::Icmp);
        self.steps.get(n).is_some_and(|step| step.label == Label::Syn)
            && answer.is_some_and(|step| step.label == Label::Rst)
            && !self.is_contradicted_after(n)
    }

    fn is_contradicted_after(&self, n: usize) -> bool {
        let rst = self.steps.iter().skip(n + 1).position(|step| step.from == Side::Server && step.label == Label::Rst);
        rst.is_some_and(|at| self.is_contradicted(n + 1 + at))
    }

    /// Whether a SYN-ACK came behind the refusal at this index although nobody had asked again: the refusal was not the
    /// server's.
    fn is_contradicted(&self, n: usize) -> bool {
        let mut later = self.steps.iter().skip(n + 1);
        let next = later.find(|step| matches!(step.label, Label::Syn | Label::SynAck));
        let opening = self.steps.iter().take(n).all(|step| step.label == Label::Syn);
        opening && next.is_some_and(|step| step.label == Label::SynAck && step.from == Side::Server)
    }

    /// The client's state after the SYN-ACK at this index, where SYN-ACKs were lost on the way to it: it has not got
    /// those behind which it repeats its SYN, nor any if it never acknowledges one.
    fn heard_synack(&self, n: usize) -> Option<State> {
        let asks = self.steps.iter().skip(n + 1).any(|step| step.label == Label::Syn && step.from == Side::Client);
        let lost = asks || !self.was_open();
        Some(if lost { State::SynSent } else { State::Established })
    }

    /// What went unanswered to the end moved nobody, as far as is known.
    fn hear_silence(&self, side: Side, wishes: &mut Wishes) {
        let last = self.steps.iter().rposition(|step| step.from == side);
        for n in last.map_or(0, |last| last + 1)..self.steps.len() {
            let before = n.checked_sub(1).and_then(|n| wishes.get(n)).map(|wish| wish.state);
            let before = before.or(self.state_before(side));
            if let (true, Some(state), Some(wish)) = (self.went_unanswered(n), before, wishes.get_mut(n)) {
                *wish = Wish { state, weight: SHOWN };
            }
        }
    }

    /// Whether the silence of the other end after a step means that the step has not reached it: for an opening always,
    /// for a FIN if it was repeated.
    pub fn went_unanswered(&self, n: usize) -> bool {
        let Some(step) = self.steps.get(n) else { return false };
        let answered = self.steps.iter().skip(n + 1).any(|later| later.from != step.from);
        let tells = match step.label {
            Label::Fin => !self.peer(step.from).fin_acknowledged && step.repeat > 1,
            // An ICMP error is an answer, and where the capture ended too early, one may still have come.
            Label::Syn | Label::SynAck => !matches!(self.opening(), Opening::Unreachable | Opening::Undecided),
            _ => false,
        };
        tells && !answered
    }

    /// FINs that crossed: who sent the second had not had the first (figure 13).
    fn hear_crossing_fins(&self, side: Side, wishes: &mut Wishes) {
        let fin_of = |side| self.steps.iter().position(|step| step.label == Label::Fin && step.from == side);
        let (Some(own), Some(other)) = (fin_of(side), fin_of(side.other())) else { return };
        let before = other.checked_sub(1).and_then(|n| wishes.get(n)).map_or(State::Established, |wish| wish.state);
        if other < own {
            for wish in wishes.iter_mut().take(own).skip(other) {
                *wish = Wish { state: before, weight: SHOWN };
            }
            if let Some(wish) = wishes.get_mut(own + 1).filter(|wish| wish.state != State::Closed) {
                *wish = Wish { state: State::Closing, weight: SHOWN };
            }
        }
    }

    /// A FIN repeated at the end of all: the acknowledgment that was on its way to its sender arrives as everything
    /// does, and no later step is there to show it.
    fn hear_last_fin(&self, side: Side, wishes: &mut Wishes) {
        let (Some(step), Some(wish)) = (self.steps.last(), wishes.last_mut()) else { return };
        let presumed = if side == Side::Client { step.client } else { step.server };
        if step.from == side && wish.state == State::Closing && presumed == State::TimeWait {
            wish.state = presumed;
        }
    }

    /// A reset that took no effect in the end moved nobody; one that did, ended it for both.
    fn hear_resets(&self, wishes: &mut Wishes) {
        if !self.was_open() {
            return;
        }
        let reset = self.teardown.reset.filter(|_| !self.teardown.reset_after_both).map(|reset| reset.frame);
        let renewed = |frame: u64| self.steps.iter().any(|step| step.frame > frame && step.label == Label::Syn);
        let mut alive = None;
        for (step, wish) in self.steps.iter().zip(wishes) {
            match reset {
                Some(frame) if step.frame >= frame && !renewed(frame) => {
                    *wish = Wish { state: State::Closed, weight: SHOWN }
                }
                None if wish.state == State::Closed && self.teardown.reset.is_none() => {
                    if let Some(state) = alive.filter(|state| !matches!(state, State::LastAck | State::TimeWait)) {
                        *wish = Wish { state, weight: SHOWN };
                    }
                }
                _ => {}
            }
            alive = Some(wish.state).filter(|state| state.is_synchronized());
        }
    }
}

fn wish(step: &Step, side: Side) -> Wish {
    let presumed = if side == Side::Client { step.client } else { step.server };
    if step.from != side {
        return Wish { state: presumed, weight: PRESUMED };
    }
    match step.label {
        Label::SynAck | Label::Fin => Wish { state: step.proved, weight: PROVED },
        Label::Rst => Wish { state: presumed, weight: PROVED },
        _ => Wish { state: presumed, weight: LIKELY },
    }
}

/// What it costs to say that `step` took `side` from one state to another; `None` where no edge leads there. More than
/// one edge at once costs something: a FIN that comes with the acknowledgment of the SYN opens and closes.
fn cost(from: State, to: State, step: &Step, side: Side) -> Option<u32> {
    use State::{CloseWait, Closed, FinWait1, Listen, SynReceived, SynSent, TimeWait};
    let fin_arrives = step.from != side && step.flags.has(crate::tcp::Flags::FIN);
    match (from, to) {
        _ if from == to => Some(0),
        (SynReceived, Listen) | (_, Closed) if step.label == Label::Rst => Some(0),
        (SynReceived, Listen) => None,
        // What it acknowledges itself had arrived, be it later than presumed: it had asked again meanwhile.
        (FinWait1, TimeWait) if !fin_arrives => (step.from == side).then_some(1),
        // A connection begins with a SYN, and ends with a RST at any time.
        (Closed, Listen | SynSent) | (Listen, SynReceived | SynSent)
            if step.label != Label::Rst && !step.flags.has(crate::tcp::Flags::SYN) =>
        {
            None
        }
        (SynSent | SynReceived, CloseWait) if fin_arrives => Some(3),
        _ => is_edge(from, to).then_some(0),
    }
}
