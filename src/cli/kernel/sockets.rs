//! Which TCP sockets there are: sock_diag(7).

use core::net::{IpAddr, SocketAddr};
use std::io;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_SOCK_DIAG;

/// Octets of answers taken at a time; the kernel fills at most 32 KiB.
const BUFFER: usize = 1 << 16;

/// A socket as the kernel shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// The kernel's number of its state.
    pub(super) state: u8,
    /// Its inode; 0 where no process has it.
    pub(super) inode: u32,
    /// A listening socket: connections that wait to be accepted.
    pub(super) waiting: u32,
    /// A listening socket: how many may wait.
    pub(super) limit: u32,
}

/// The open connection to the kernel.
pub(super) struct Sockets {
    socket: Socket,
    buffer: Vec<u8>,
}

impl Sockets {
    /// Opens it; needs no right.
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        Ok(Self { socket, buffer: vec![0; BUFFER] })
    }

    /// Shows `each` every socket that is not in TIME-WAIT or CLOSED.
    ///
    /// # Errors
    ///
    /// What the kernel answers, where it is an error; what was seen before it counts.
    pub(super) fn each(&mut self, each: &mut dyn FnMut(&Seen)) -> io::Result<()> {
        for family in [AF_INET, AF_INET6] {
            self.ask(family)?;
            while self.answers(each)? {}
        }
        Ok(())
    }

    fn ask(&self, family: u8) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let request = InetRequest {
            family,
            protocol: IPPROTO_TCP,
            extensions: ExtensionFlags::empty(),
            states: StateFlags::all() - StateFlags::TIME_WAIT - StateFlags::CLOSE,
            socket_id: if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() },
        };
        let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
        message.finalize();
        let mut octets = vec![0; message.buffer_len()];
        message.serialize(&mut octets);
        self.socket.send(&octets, 0).map(drop)
    }

    /// Takes one datagram of answers; whether there are more.
    fn answers(&mut self, each: &mut dyn FnMut(&Seen)) -> io::Result<bool> {
        let length = self.socket.recv(&mut &mut self.buffer[..], 0)?;
        let mut rest = self.buffer.get(..length).unwrap_or_default();
        while !rest.is_empty() {
            let Ok(message) = NetlinkMessage::<SockDiagMessage>::deserialize(rest) else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "sock_diag: an answer that cannot be read"));
            };
            match &message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(answer)) => each(&seen(&answer.header)),
                NetlinkPayload::Done(_) => return Ok(false),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            // Messages are aligned to four octets.
            let taken = (message.header.length as usize).max(16).next_multiple_of(4);
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(true)
    }
}

fn seen(header: &InetResponseHeader) -> Seen {
    let id = &header.socket_id;
    let end = |ip: IpAddr, port| SocketAddr::new(ip.to_canonical(), port);
    Seen {
        local: end(id.source_address, id.source_port),
        remote: end(id.destination_address, id.destination_port),
        state: header.state,
        inode: header.inode,
        waiting: header.recv_queue,
        limit: header.send_queue,
    }
}
