//! The edges between the modules: read from the sources, so that a shortcut fails here and not in a review.

mod graph;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use graph::Graph;
use regex::Regex;
use synscope::capture::preset::PRESETS;
use synscope::detect::registry::REGISTRY;
use synscope::output::FORMATS;

/// What each module may know of the others. `main` knows only `cli`; nothing else does.
const MAY_USE: &[(&str, &[&str])] = &[
    ("aborts", &[]),
    ("time", &[]),
    ("network", &[]),
    ("panics", &[]),
    ("seed", &[]),
    ("suggest", &[]),
    ("tcp", &["time"]),
    ("tls", &["tcp", "time"]),
    ("decode", &["tcp", "time", "tls"]),
    ("flow", &["seed", "tcp", "time", "tls"]),
    ("detect", &["flow", "network", "seed", "suggest", "tcp", "time", "tls"]),
    ("engine", &["decode", "flow", "detect", "tcp", "time", "tls"]),
    ("capture", &["decode", "panics", "time"]),
    ("compare", &["flow", "tcp", "time"]),
    ("kernel", &["tcp", "time"]),
    ("flow_filter", &["network", "suggest", "flow", "detect", "tcp", "time", "tls"]),
    (
        "output",
        &[
            "aborts",
            "compare",
            "engine",
            "kernel",
            "network",
            "flow_filter",
            "decode",
            "flow",
            "detect",
            "tcp",
            "time",
            "tls",
        ],
    ),
    (
        "cli",
        &[
            "aborts",
            "capture",
            "compare",
            "engine",
            "kernel",
            "network",
            "panics",
            "seed",
            "suggest",
            "flow_filter",
            "decode",
            "flow",
            "detect",
            "output",
            "tcp",
            "time",
            "tls",
        ],
    ),
    (
        "lib",
        &[
            "aborts",
            "capture",
            "cli",
            "compare",
            "engine",
            "kernel",
            "network",
            "panics",
            "seed",
            "suggest",
            "flow_filter",
            "decode",
            "flow",
            "detect",
            "output",
            "tcp",
            "time",
            "tls",
        ],
    ),
    ("main", &["cli"]),
];

/// Where a foreign crate, or a part of std that brings the outside in, may be named.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("pcap::", &["capture/"]),
    ("pcap_parser::", &["capture/"]),
    ("flate2::", &["capture/", "output/rotate.rs"]),
    ("zstd::", &["capture/", "output/rotate.rs"]),
    ("prometheus_client::", &["cli/metrics/"]),
    ("httparse::", &["cli/metrics/"]),
    ("libc::", &["capture/", "cli/sandbox/", "output/file.rs"]),
    ("nix::", &["cli/kernel/", "cli/sandbox/"]),
    ("netlink_sys::", &["cli/kernel/"]),
    ("netlink_packet_core::", &["cli/kernel/"]),
    ("netlink_packet_sock_diag::", &["cli/kernel/"]),
    ("procfs::", &["cli/kernel/"]),
    ("caps::", &["cli/sandbox/"]),
    ("landlock::", &["cli/sandbox/"]),
    ("seccompiler::", &["cli/sandbox/"]),
    ("etherparse::", &["decode/"]),
    ("ratatui::", &["output/tui/"]),
    ("crossterm::", &["output/tui/"]),
    ("indicatif::", &["cli/"]),
    ("clap::", &["cli/"]),
    ("signal_hook::", &["aborts.rs", "cli/", "output/tui/"]),
    ("serde::", &["kernel/snapshot.rs", "output/json.rs", "output/event.rs", "output/event/"]),
    ("toml::", &["cli/settings/"]),
    ("terminal_colorsaurus::", &["output/tui/"]),
    ("serde_json::", &["cli/kernel/", "output/"]),
    ("csv::", &["output/"]),
];

/// What the core never does: it is given time and octets, and gives back events.
const NEVER_IN_THE_CORE: &[&str] = &[
    "SystemTime",
    "Instant::now",
    "std::fs",
    "std::io",
    "std::net::Tcp",
    "std::env",
    "std::process",
    "std::thread",
    "println!",
    "print!",
    "eprintln!",
    "eprint!",
    "chrono::",
];

/// Files that may import each other. Link layers carry each other: Ethernet in MPLS in PPP in Ethernet.
const MAY_CIRCLE: &[&str] = &["decode/link/"];

/// Words of a private vocabulary that gave way to the field's own or to ordinary software's: as identifiers, and in comments.
const WORDS_GONE: &[&str] = &[
    "told",
    "bulletin",
    "bulletins",
    "witness",
    "outlet",
    "embryos",
    "tomb",
    "tombs",
    "foresee",
    "daggered",
    "oddities",
    "sighting",
    "news",
];

const CORE: &[&str] = &["time", "tcp", "tls", "decode", "flow", "compare", "detect", "engine"];

/// A source file: its path below `src/`, and its code without comments and text.
struct Source {
    path: String,
    text: String,
    code: String,
}

impl Source {
    /// The module at the top of the crate that it belongs to.
    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// How many modules deep it is: 1 for `flow/mod.rs` and `engine.rs`, 2 for `flow/table.rs`.
    fn depth(&self) -> usize {
        self.path.matches('/').count() + usize::from(!self.path.ends_with("mod.rs"))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join("src"), &mut found);
    found.sort();
    assert!(found.len() > 40, "these are not the sources");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source file");
        let path = path.strip_prefix(root().join("src")).expect("below src").display().to_string();
        Source { code: bare(&text), path, text }
    };
    found.into_iter().map(read).collect()
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Rust without its line comments and string literals. Enough for this code base, which has no block comments.
fn bare(text: &str) -> String {
    text.lines().map(|line| bare_line(line) + "\n").collect()
}

fn bare_line(line: &str) -> String {
    let (mut out, mut quoted, mut chars) = (String::new(), false, line.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '"' => quoted = !quoted,
            '\'' if !quoted && chars.peek() == Some(&'"') => drop(chars.next()),
            '/' if !quoted && chars.peek() == Some(&'/') => break,
            _ if !quoted => out.push(c),
            _ => {}
        }
    }
    out
}

/// The modules at the top of the crate that this code names, by `crate::…` or by `super::` up to the root.
fn uses(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in source.code.match_indices("crate::") {
        let before = source.code[..at].chars().next_back();
        // `in crate::decode` of a visibility is no use of it.
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_') && !source.code[..at].ends_with("pub(in ") {
            found.extend(names_after(&source.code[at + "crate::".len()..]));
        }
    }
    let up = "super::".repeat(source.depth());
    for (at, _) in source.code.match_indices(&up) {
        found.extend(names_after(&source.code[at + up.len()..]));
    }
    found.retain(|name| MAY_USE.iter().any(|(module, _)| module == name));
    found
}

/// `flow::Flow` names flow; `{decode, flow::{A, B}}` names both.
fn names_after(code: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = code.strip_prefix('{') else { return vec![word(code)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                names.push(word(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

/// Whether `code` names `what` as a path of its own: `pcap::` is not in `pcap_parser::pcap::` or `my_pcap::`.
fn names(code: &str, what: &str) -> bool {
    code.match_indices(what).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
    })
}

fn none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn modules_use_only_what_they_may() {
    let may_use: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let mut violations = Vec::new();
    for source in sources() {
        let module = source.module();
        let allowed = may_use.get(module).unwrap_or_else(|| panic!("{}: add it to MAY_USE", source.path));
        for used in uses(&source) {
            if used != module && !allowed.contains(&used.as_str()) {
                violations.push(format!("src/{}: {module} must not use crate::{used}", source.path));
            }
        }
    }
    none(&violations);
}

#[test]
fn foreign_crates_stay_where_they_belong() {
    let mut violations = Vec::new();
    for source in sources() {
        for (what, places) in ONLY_IN {
            let allowed = places.iter().any(|place| source.path.starts_with(place));
            if !allowed && names(&source.code, what) {
                violations.push(format!("src/{}: {what} belongs in {}", source.path, places.join(", ")));
            }
        }
    }
    none(&violations);
}

#[test]
fn the_core_asks_for_nothing() {
    let mut violations = Vec::new();
    for source in sources().iter().filter(|s| CORE.contains(&s.module())) {
        for what in NEVER_IN_THE_CORE {
            if names(&source.code, what) {
                violations.push(format!("src/{}: {what} in the core", source.path));
            }
        }
    }
    none(&violations);
}

#[test]
fn the_reader_of_sources_sees_what_it_should() {
    let source = |code: &str| Source { path: "flow/x.rs".into(), text: String::new(), code: bare(code) };
    let seen = |code: &str| uses(&source(code)).join(" ");
    assert_eq!(seen("use crate::decode::Frame;"), "decode");
    assert_eq!(seen("use crate::{tcp::{Flags, Segment}, output, time};"), "tcp output time");
    assert_eq!(seen("let x = super::super::capture::Files; // crate::cli"), "capture");
    assert_eq!(seen("use mycrate::decode; say(\"crate::cli\"); // crate::cli"), "");
    assert!(names("use pcap::Error;", "pcap::") && names("let e: (pcap::Error)", "pcap::"));
    assert!(!names("use pcap_parser::pcap::X; use super_pcap::Y;", "pcap::"));
    assert_eq!(bare_line(r#"a("\"//", '"', b) // c"#), "a(, ', b) ");
}

#[test]
fn main_is_thin_and_files_say_what_they_are_for() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "src/{}: begin with module documentation", source.path);
        if source.path == "main.rs" {
            assert!(source.text.lines().count() < 40, "main.rs grows");
        }
    }
}

#[test]
fn every_filter_is_embedded() {
    let mut files: Vec<String> = fs::read_dir(root().join("filters"))
        .expect("filters/")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    files.sort();
    let mut embedded: Vec<String> = PRESETS.iter().map(|preset| format!("{}.bpf", preset.name)).collect();
    embedded.sort();
    assert_eq!(files, embedded);
}

#[test]
fn names_for_users_are_in_kebab_case_and_unique() {
    let mut seen = std::collections::BTreeSet::new();
    let rules = REGISTRY.iter().flat_map(|rules| rules.iter()).map(|rule| ("anomaly", rule.id));
    let formats = FORMATS.iter().map(|format| ("format", format.name));
    let presets = PRESETS.iter().map(|preset| ("preset", preset.name));
    for (kind, name) in rules.chain(formats).chain(presets) {
        assert!(seen.insert((kind, name)), "{kind} {name} is there twice");
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(name.chars().all(fine) && !name.starts_with('-'), "{kind} {name}");
    }
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    let sources = sources();
    let graph = Graph::new(sources.iter().map(|s| (s.path.as_str(), s.text.as_str())));
    let mut violations = Vec::new();
    for circle in graph.cycles() {
        if !MAY_CIRCLE.iter().any(|folder| circle.iter().all(|path| path.starts_with(folder))) {
            violations.push(format!("these import each other: {}", circle.join(", ")));
        }
    }
    none(&violations);
}

/// Rooms of one module, and those of it that they must not know: data knows neither transitions nor storage.
const ROOMS: &[(&str, &[&str])] = &[("flow/record/", &["flow/state/", "flow/table/", "flow/tracker"])];

#[test]
fn data_knows_no_transition() {
    let sources = sources();
    let graph = Graph::new(sources.iter().map(|s| (s.path.as_str(), s.text.as_str())));
    let mut violations = Vec::new();
    for (from, to) in graph.edges() {
        for (room, others) in ROOMS {
            if from.starts_with(room) && others.iter().any(|other| to.starts_with(other)) {
                violations.push(format!("src/{from} must not use src/{to}"));
            }
        }
    }
    none(&violations);
}

#[test]
fn no_layer_has_a_type_name_twice() {
    let sources = sources();
    let graph = Graph::new(sources.iter().map(|s| (s.path.as_str(), s.text.as_str())));
    let twice = graph.types_defined_twice();
    none(&twice.iter().map(|(name, files)| format!("{name}: {}", files.join(", "))).collect::<Vec<_>>());
}

#[test]
fn words_that_are_gone_stay_gone() {
    let mut violations = Vec::new();
    for (path, text) in texts() {
        for (n, line) in text.lines().enumerate() {
            let words = line.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase);
            for word in words.filter(|word| WORDS_GONE.contains(&word.as_str())) {
                violations.push(format!("{path}:{}: {word}", n + 1));
            }
        }
    }
    none(&violations);
}

#[test]
fn citations_name_what_the_reader_can_find() {
    let citation = Regex::new(r"[Ff]indings? (section |[A-EQ][-.]|E-|[A-E]\.\d)").expect("a pattern");
    let mut violations = Vec::new();
    for (path, text) in texts() {
        for (n, line) in text.lines().enumerate().filter(|(_, line)| citation.is_match(line)) {
            violations.push(format!("{path}:{}: {}", n + 1, line.trim()));
        }
    }
    none(&violations);
}

#[test]
fn no_line_is_longer_than_120_columns() {
    let mut violations = Vec::new();
    for source in sources() {
        for (n, line) in source.text.lines().enumerate().filter(|(_, line)| line.chars().count() > 120) {
            violations.push(format!("src/{}:{}: {} columns", source.path, n + 1, line.chars().count()));
        }
    }
    none(&violations);
}

/// Sources and documents that people read, with their paths.
fn texts() -> Vec<(String, String)> {
    let mut texts: Vec<_> = sources().into_iter().map(|s| (format!("src/{}", s.path), s.text)).collect();
    for path in ["README.md", "CONTRIBUTING.md"] {
        texts.push((path.to_owned(), fs::read_to_string(root().join(path)).expect("a document")));
    }
    for entry in fs::read_dir(root().join("docs")).expect("docs/") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "md") && !path.display().to_string().contains(".ko.") {
            texts.push((
                format!("docs/{}", path.file_name().unwrap_or_default().display()),
                fs::read_to_string(&path).expect("text"),
            ));
        }
    }
    texts
}
