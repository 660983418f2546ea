//! Data connections that an FTP control connection announces (RFC 959 section 3.2), for the sake of Wireshark's
//! completeness.
//!
//! Wireshark begins the conversation of such a connection when it reads `PASV` or `PORT`, and does not count the SYN
//! that comes later as its beginning. No payload is read here, so who connects to whom shows what is announced: while a
//! control connection to port 21 is open on which both ends have spoken, a SYN between its two hosts to a port that is
//! nobody's is of its data. A fixed number of control connections is remembered.

use core::net::IpAddr;

use crate::flow::record::zeek::LIKELY_SERVER_PORTS;
use crate::tcp::{Flags, Segment};
use crate::time::Timestamp;

/// The port of control connections.
const CONTROL: u16 = 21;
/// The port from which a server opens data connections.
const DATA: u16 = 20;
/// Below are the ports of well-known services.
const FIRST_FREE: u16 = 1024;
/// Pairs of hosts that are remembered; the oldest is forgotten first.
const MAX_PAIRS: usize = 64;

/// Pairs of hosts between which there are, or were, control connections.
#[derive(Debug, Default)]
pub(in crate::flow) struct Announced {
    pairs: Vec<Pair>,
    oldest: usize,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    client: IpAddr,
    server: IpAddr,
    /// Whether client and server have spoken.
    spoke: [bool; 2],
    /// When both had, and when the first of them closed.
    open: Option<Timestamp>,
    closed: Option<Timestamp>,
}

impl Announced {
    /// Whether `s` may be of a control connection.
    #[inline]
    pub(in crate::flow) const fn concerns(s: &Segment) -> bool {
        s.source.port == CONTROL || s.destination.port == CONTROL
    }

    /// Takes a segment to or from the port of control connections.
    pub(in crate::flow) fn note(&mut self, s: &Segment) {
        let by_server = s.source.port == CONTROL;
        let (client, server) =
            if by_server { (s.destination.ip, s.source.ip) } else { (s.source.ip, s.destination.ip) };
        let ends = s.flags.any(Flags::FIN | Flags::RST);
        // What was not captured in full nobody can read.
        if !ends && (s.payload == 0 || s.truncated) {
            return;
        }
        let Some(pair) = self.pair(client, server, ends) else { return };
        if ends {
            (pair.spoke, pair.closed) = ([false; 2], pair.closed.or(Some(s.time)));
            return;
        }
        pair.spoke[usize::from(by_server)] = true;
        if pair.spoke == [true; 2] && (pair.open.is_none() || pair.closed.is_some()) {
            (pair.open, pair.closed) = (Some(s.time), None);
        }
    }

    /// Whether `s`, the first segment of a flow, begins a data connection.
    #[inline]
    pub(in crate::flow) fn begins(&self, s: &Segment) -> bool {
        !self.pairs.is_empty() && self.is_announced(s)
    }

    fn is_announced(&self, s: &Segment) -> bool {
        let port = s.destination.port;
        if !s.flags.is_syn() || port < FIRST_FREE || LIKELY_SERVER_PORTS.contains(&port) {
            return false;
        }
        self.pairs.iter().any(|pair| {
            let passive = (pair.client, pair.server) == (s.source.ip, s.destination.ip) && s.source.port >= FIRST_FREE;
            // One from another port Wireshark does not take for announced.
            let active = (pair.server, pair.client) == (s.source.ip, s.destination.ip) && s.source.port == DATA;
            let in_time = pair.open.is_some_and(|open| open <= s.time) && pair.closed.is_none_or(|end| s.time <= end);
            (passive || active) && in_time
        })
    }

    fn pair(&mut self, client: IpAddr, server: IpAddr, known: bool) -> Option<&mut Pair> {
        let found = self.pairs.iter().position(|pair| (pair.client, pair.server) == (client, server));
        let new = Pair { client, server, spoke: [false; 2], open: None, closed: None };
        let at = match found {
            Some(at) => at,
            None if known => return None,
            None if self.pairs.len() < MAX_PAIRS => {
                self.pairs.push(new);
                self.pairs.len() - 1
            }
            None => {
                let at = self.oldest;
                self.oldest = (at + 1) % MAX_PAIRS;
                self.pairs[at] = new;
                at
            }
        };
        self.pairs.get_mut(at)
    }
}
