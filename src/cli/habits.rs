//! What people type who know tcpdump or tshark, and what it is called here.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Options of tcpdump and tshark that synscope does not have, and what to write instead.
const INSTEAD: &[(&str, &str)] = &[
    ("-A", "synscope shows no payload; --explain=header:FRAME explains a TCP header"),
    ("-X", "synscope shows no payload; --explain=header:FRAME explains a TCP header"),
    ("-x", "synscope shows no payload; --explain=header:FRAME explains a TCP header"),
    ("-K", "to accept bad checksums, write --ignore-checksums"),
    ("-S", "-T text shows sequence numbers as they are, and relative ones beside them"),
    ("-R", "for a filter of connections, write -Y FILTER; of packets, -f BPF"),
    ("-2", "one pass is enough; leave it out"),
    ("-z", "for statistics, write -T summary"),
    ("-d", "to see which packets a filter takes, write -f BPF -T text"),
    ("-j", "for the columns of csv, write -e FIELDS"),
    ("-J", "for the columns of csv, write -e FIELDS"),
    ("-I", "monitor mode is set by other programs; then write -i INTERFACE"),
    ("-b", "for several files, write -w FILE with -C SIZE, -G SECONDS and -W COUNT"),
    ("-g", "files that synscope makes are read by their group already; leave it out"),
    ("-L", "-y TYPE sets the link type; an unknown one lists those of the interface"),
    ("-E", "for the columns of csv or tsv, write -T csv or -T tsv with -e FIELDS"),
    ("-O", "for all steps of a connection, write -T text --steps all"),
    ("--color", "colours are chosen by --theme, and left out where NO_COLOR is set"),
    ("--print", "-T text prints while another format is written: run it beside"),
    ("--immediate-mode", "packets are shown as they come; leave it out"),
    ("--number", "every step names its frame; leave it out"),
];

/// What to say of an argument that is not known here, but elsewhere.
pub(super) fn answer(error: &clap::Error) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let typed = context(ContextKind::InvalidArg)?;
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let (_, instead) = INSTEAD.iter().find(|(option, _)| *option == typed)?;
            Some(format!("{typed}: {instead}"))
        }
        // -tt and so on: tcpdump's.
        ErrorKind::InvalidValue if typed.starts_with("--time") => {
            let style = match context(ContextKind::InvalidValue)? {
                "t" => "-t e (seconds since 1970)",
                "tt" => "-t d (since the line before)",
                "ttt" => "-t ad (date and time)",
                "tttt" => "-t r (since the start)",
                _ => return None,
            };
            Some(format!("for times like that, write {style}"))
        }
        _ => None,
    }
}
