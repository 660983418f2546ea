//! What this process has of the helper: what it said, and a way to ask.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::Event;
use crate::flow::Flow;
use crate::kernel::Known;

/// How long the end of a run waits for a last snapshot.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// What the helper is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// A snapshot when it has rested.
    Soon,
    /// A snapshot at once: it is the last one.
    Last,
}

/// The other end of a helper that is listened to.
pub(in crate::cli) struct Asking {
    known: Arc<Known>,
    ask: SyncSender<Question>,
}

impl Asking {
    /// Asks through `ask`, whose answers go to `known`.
    #[cfg_attr(
        not(all(target_os = "linux", feature = "kernel")),
        expect(dead_code, reason = "there is nobody to ask in this build")
    )]
    pub(super) const fn new(known: Arc<Known>, ask: SyncSender<Question>) -> Self {
        Self { known, ask }
    }

    /// What is known.
    pub(in crate::cli) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }

    /// Asks for a snapshot soon where a connection of this host has begun. Never waits.
    pub(in crate::cli) fn see(&self, event: &Event<'_>) {
        let is_here = |flow: &Flow| {
            let is_here = |peer: &crate::flow::Peer| self.known.is_here(peer.endpoint.ip.to_canonical());
            is_here(&flow.client) || is_here(&flow.server)
        };
        match event {
            Event::FlowStart(flow) | Event::HandshakeEnd(flow) if is_here(flow) => self.ask(),
            _ => {}
        }
    }

    /// Waits for a last snapshot, for a second at most.
    pub(in crate::cli) fn ask_last(&self) {
        let before = self.known.time();
        let begin = Instant::now();
        let mut asked = false;
        // A question that waits already is taken first; a helper that has ended, or stands still, answers none.
        while self.known.time() == before && !self.known.is_over() && begin.elapsed() < LAST_WAIT {
            asked = asked || self.ask.try_send(Question::Last).is_ok();
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn ask(&self) {
        let _ = self.ask.try_send(Question::Soon);
    }
}
