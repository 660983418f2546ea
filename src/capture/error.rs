//! Errors of capturing and reading, each with a one-line message.

use std::io;
use std::path::PathBuf;

use crate::panics::Panicked;

/// Why frames cannot be had, or no more of them.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// No such file.
    #[error("{input}: no such file")]
    NotFound {
        /// The file.
        input: String,
    },
    /// The operating system refused an operation.
    #[error("{input}: cannot {operation}: {cause}")]
    Io {
        /// What was tried: "open", "read".
        operation: &'static str,
        /// The file.
        input: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The content is none of the formats that are read.
    #[error("{input}: not a capture file (pcap, pcapng or snoop, plain, gzip or zstd): {found}")]
    UnknownFormat {
        /// The file.
        input: String,
        /// What it looks like, or how it begins.
        found: String,
    },
    /// The input is damaged or cut short. All frames before that place have been yielded.
    #[error("{input}: damaged or cut short{} after {packets} {}: {reason}", at_octet(*offset), noun(*packets))]
    Damaged {
        /// The file.
        input: String,
        /// Octets from the beginning to the record that cannot be read, after decompression; absent where libpcap
        /// reads.
        offset: Option<u64>,
        /// Frames read from this input before.
        packets: u64,
        /// The defect.
        reason: String,
    },
    /// An option or its value does not fit.
    #[error("{0}")]
    Usage(String),
    /// A capture filter does not compile.
    #[error("capture filter does not compile for link type {link}: {reason}{}", caret(expression, *place))]
    BadFilter {
        /// The filter as given.
        expression: String,
        /// The link type it was compiled for, by its name.
        link: String,
        /// What libpcap says.
        reason: String,
        /// Octets from the start of the expression to the place, where it could be found.
        place: Option<usize>,
    },
    /// Capturing needs a capability that this process lacks.
    #[error(
        "{interface}: no permission to capture (CAP_NET_RAW is required); run as root, or run once: \
         sudo setcap cap_net_raw=ep {}",
        program.display()
    )]
    Permission {
        /// The interface.
        interface: String,
        /// The path of this program, for the `setcap` line.
        program: PathBuf,
    },
    /// There is no interface of this name.
    #[error("{interface}: no such interface{}", available(known))]
    NoSuchInterface {
        /// The name as given.
        interface: String,
        /// Names that resemble it, or all there are if few.
        known: Vec<String>,
    },
    /// An interface cannot be captured on, or not in the way asked for.
    #[error("{interface}: cannot {operation}: {reason}")]
    Interface {
        /// What was tried.
        operation: &'static str,
        /// The interface.
        interface: String,
        /// What libpcap says.
        reason: String,
    },
    /// A thread that reads panicked, which is a mistake of this program.
    #[error("{0}")]
    Panicked(Panicked),
    /// An interface went away during the capture.
    #[error("{interface}: interface lost: {reason}")]
    InterfaceLost {
        /// The interface.
        interface: String,
        /// What libpcap says.
        reason: String,
    },
}

impl CaptureError {
    /// The exit code of the contract: 1 failed while running, 2 usage, 4 damaged input, 5 no permission.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound { .. }
            | Self::Io { .. }
            | Self::UnknownFormat { .. }
            | Self::NoSuchInterface { .. }
            | Self::Interface { .. }
            | Self::Panicked(_)
            | Self::InterfaceLost { .. } => 1,
            Self::Usage(_) | Self::BadFilter { .. } => 2,
            Self::Damaged { .. } => 4,
            Self::Permission { .. } => 5,
        }
    }

    /// From what opening or reading `input` gave.
    pub(super) fn io(operation: &'static str, input: &str, cause: io::Error) -> Self {
        if cause.kind() == io::ErrorKind::NotFound {
            Self::NotFound { input: input.to_owned() }
        } else {
            Self::Io { operation, input: input.to_owned(), cause }
        }
    }
}

/// Where the damage begins, if that is known.
fn at_octet(offset: Option<u64>) -> String {
    offset.map(|offset| format!(" at octet {offset}")).unwrap_or_default()
}

const fn noun(packets: u64) -> &'static str {
    if packets == 1 { "packet" } else { "packets" }
}

/// The interfaces to choose from, if there are any.
fn available(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; available: {}", known.join(", ")) }
}

/// The expression on a line of its own, and a caret under the place.
fn caret(expression: &str, place: Option<usize>) -> String {
    let flat: String = expression.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let Some(place) = place else { return format!("\n  {flat}") };
    let column = expression.get(..place).map_or(place, |before| before.chars().count());
    format!("\n  {flat}\n  {:column$}^", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_operation_object_and_cause() {
        let missing = CaptureError::io("open", "x.pcap", io::Error::from(io::ErrorKind::NotFound));
        assert_eq!((missing.to_string().as_str(), missing.exit_code()), ("x.pcap: no such file", 1));
        let refused = CaptureError::io("open", "x.pcap", io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(refused.to_string(), "x.pcap: cannot open: permission denied");
        assert_eq!(refused.exit_code(), 1);
    }

    #[test]
    fn puts_the_caret_under_the_place() {
        let error = CaptureError::BadFilter {
            expression: "tcp\nprot 80".into(),
            link: "EN10MB".into(),
            reason: "syntax error".into(),
            place: Some(4),
        };
        let text = error.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.get(1..), Some(&["  tcp prot 80", "      ^"][..]));
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn prints_the_setcap_line() {
        let error =
            CaptureError::Permission { interface: "eth0".into(), program: PathBuf::from("/usr/local/bin/synscope") };
        let text = error.to_string();
        assert!(text.contains("CAP_NET_RAW"), "{text}");
        assert!(text.ends_with("setcap cap_net_raw=ep /usr/local/bin/synscope"), "{text}");
        assert_eq!(error.exit_code(), 5);
    }
}
