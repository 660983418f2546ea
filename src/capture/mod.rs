//! Where frames come from: files, pipes and interfaces, behind one trait.
//!
//! This is the only place that knows libpcap, file formats and compressors. It knows nothing of the content of a frame:
//! a [`Source`] hands out octets with a time, a link type and a number, in the order in which they came.
//!
//! * [`Files`]: pcap, pcapng and snoop, plain or compressed, from paths, fifos and standard input, merged by time;
//! * [`Live`]: interfaces, through libpcap (feature `live`);
//! * [`Filter`]: BPF capture filters on either, [`preset`]: those that come with the program.

#[cfg(feature = "live")]
mod bpf;
mod error;
mod file;
mod filter;
#[cfg(feature = "live")]
mod libpcap;
#[cfg(feature = "live")]
mod live;
pub mod preset;
mod source;

pub use error::CaptureError;
pub use file::follow::{Followed, Follower};
pub use file::{FileInput, FileOptions, Files, OpenFiles};
pub use filter::Filter;
#[cfg(feature = "live")]
pub use live::{Direction, InterfaceInfo, Live, LiveOptions, list_interfaces};
pub use source::{Counts, Next, Progress, Source};

pub use crate::decode::link::{from_file_field, link_description, link_name};
