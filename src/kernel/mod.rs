//! What the kernel of this host knows of its own connections (Linux): which process has each end, how full the queues
//! of its listening sockets are, what it counted.
//!
//! A capture shows what hosts say to each other; of its own host synscope can ask the kernel as well. A helper process
//! (`cli/kernel`) asks and sends a [`Snapshot`] each time; [`Known`] keeps what they said, within limits. Nothing here
//! asks for a clock, a file or a socket.

mod known;
mod listeners;
mod snapshot;
mod socket_names;

pub use self::known::{KernelEnd, Known, Match};
pub use self::listeners::{Alarm, ListenerRow};
pub use self::snapshot::{Listener, Process, Snapshot, Socket};
pub use self::socket_names::{end_of, state};
