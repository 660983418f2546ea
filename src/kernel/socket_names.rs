//! How the kernel names ends and states.

use core::net::{IpAddr, SocketAddr};

use crate::tcp::State;

/// An end of a connection as the kernel names it: an IPv4 address in an IPv6 one is an IPv4 address.
pub const fn end_of(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip.to_canonical(), port)
}

/// The state with this number in the kernel (`enum` in `include/net/tcp_states.h`).
pub const fn state(number: u8) -> Option<State> {
    Some(match number {
        1 => State::Established,
        2 => State::SynSent,
        // 12: SYN-RECEIVED without a socket of its own yet.
        3 | 12 => State::SynReceived,
        4 => State::FinWait1,
        5 => State::FinWait2,
        6 => State::TimeWait,
        7 => State::Closed,
        8 => State::CloseWait,
        9 => State::LastAck,
        10 => State::Listen,
        11 => State::Closing,
        _ => return None,
    })
}
