//! ICMP errors that quote a segment of some flow.

use super::Tracker;
use super::notify::announce;
use crate::flow::observer::{Notice, Observer};
use crate::flow::record::flow::Unreachable;
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::FlowKey;
use crate::flow::record::verdict::Opening;
use crate::tcp::{IcmpKind, IcmpQuote};

impl Tracker {
    /// Takes an ICMP error about a segment of some flow.
    pub fn quote(&mut self, q: &IcmpQuote, observer: &mut impl Observer) {
        self.advance(q.time, observer);
        let (key, _) = FlowKey::between(q.source, q.destination);
        let hash = self.table.hash(&key);
        let Some(slot) = self.table.find(&key, hash) else { return };
        let slot = self.whole(slot, Some(hash), observer);
        self.release(slot, observer);
        let Some(flow) = self.table.flushed(slot) else { return };
        let from_client = q.source == flow.client.endpoint;
        let quotes_syn = from_client && flow.handshake.syns.iter().any(|t| t.seq == q.seq);
        if !matches!(q.kind, IcmpKind::Unreachable(_)) || !quotes_syn || flow.tracking.phase != Phase::SynSent {
            return;
        }
        flow.unreachable.get_or_insert_with(|| {
            Box::new(Unreachable { time: q.time, frame: q.frame, kind: q.kind, reporter: q.reporter })
        });
        flow.reach(Opening::Unreachable, q.time);
        let recorded = flow.add_quote(q);
        observer.notice(flow, q.time, &Notice::Quoted { recorded });
        announce(flow, q.time, observer);
    }
}
