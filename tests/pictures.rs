//! Every flow of the labelled captures as a picture, in words and as a diagram: well-formed, complete, the same every time.
//!
//! A bounded selection runs by default; `SYNSCOPE_CAPTURES=FOLDER` names a folder of captures to run in full.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::Written;
use synscope::engine::{Event, Totals};
use synscope::flow::Flow;
use synscope::output::{Locale, Out, Pictures, Scale, Settings, format};

/// Captures larger than this are left to `SYNSCOPE_CAPTURES`, octets.
const LARGE: u64 = 24 * 1024;

fn captures() -> Vec<PathBuf> {
    let folder = std::env::var_os("SYNSCOPE_CAPTURES").map(PathBuf::from);
    let all = folder.is_some();
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled"));
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("captures")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().contains(".pcap"))
        .filter(|path| all || path.metadata().is_ok_and(|m| m.len() <= LARGE))
        .collect();
    found.sort();
    assert!(found.len() > 50, "only {} captures", found.len());
    found
}

fn synscope(capture: &Path, arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_synscope"))
        .arg("-q")
        .arg("-r")
        .arg(capture)
        .args(arguments)
        .output()
        .expect("the program runs");
    // A damaged capture (4) is analysed as far as it goes.
    assert!(
        matches!(run.status.code(), Some(0 | 4)),
        "{}: {}",
        capture.display(),
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout).expect("output is UTF-8")
}

fn well_formed<'a>(capture: &Path, text: &'a str) -> roxmltree::Document<'a> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    roxmltree::Document::parse_with_options(text, options)
        .unwrap_or_else(|error| panic!("{}: {error}", capture.display()))
}

/// Slots that were left open, by what they look like.
fn check_words(capture: &Path, text: &str) {
    let text = &["close()", "accept()", "listen()"].iter().fold(text.to_owned(), |text, call| text.replace(call, ""));
    for hole in ["{}", "()", "( ", " )", " ,", ": .", ": \n", "  .", "NaN", "None", "Some("] {
        assert!(!text.contains(hole), "{}: an empty slot ({hole:?}) in:\n{text}", capture.display());
    }
}

#[test]
fn every_flow_is_a_well_formed_picture() {
    for capture in captures() {
        for arguments in [["--locale", "en", "--scale", "even"], ["--locale", "ko", "--scale", "time"]] {
            let mut all = vec!["-T", "svg"];
            all.extend(arguments);
            let svg = synscope(&capture, &all);
            let document = well_formed(&capture, &svg);
            let root = document.root_element();
            let child = |name: &str| root.children().find(|n| n.has_tag_name(("http://www.w3.org/2000/svg", name)));
            assert!(child("title").is_some() && child("desc").is_some(), "{}", capture.display());
            inside(&capture, &root);
        }
    }
}

/// No text begins or ends outside of the picture.
fn inside(capture: &Path, root: &roxmltree::Node<'_, '_>) {
    let number = |node: &roxmltree::Node<'_, '_>, name: &str| node.attribute(name).and_then(|v| v.parse::<f64>().ok());
    let (width, height) = (number(root, "width").expect("width"), number(root, "height").expect("height"));
    for text in root.descendants().filter(|node| node.tag_name().name() == "text") {
        let (x, y) = (number(&text, "x").expect("x"), number(&text, "y").expect("y"));
        let words = text.text().unwrap_or_default();
        let narrow = if matches!(text.attribute("class"), Some("h")) { 9.6 } else { 7.0 };
        let long = words.chars().map(|c| if (c as u32) < 0x1100 { narrow } else { 13.0 }).sum::<f64>();
        let (left, right) = match text.attribute("text-anchor") {
            Some("middle") => (x - long / 2.0, x + long / 2.0),
            Some("end") => (x - long, x),
            _ => (x, x + long),
        };
        let fits = left >= 0.0 && right <= width && y >= 0.0 && y <= height;
        assert!(fits, "{}: {words:?} at {x},{y} leaves {width}×{height}", capture.display());
    }
}

#[test]
fn the_longest_addresses_do_not_leave_the_picture() {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled/hs_http_ipv6.pcap");
    let mut octets = std::fs::read(&capture).expect("a capture");
    for (last, address) in [(1, "2001:db8:a1a7::6959"), (2, "2001:db8:b069::deba")] {
        let address = address.parse::<std::net::Ipv6Addr>().expect("an address").octets();
        let places: Vec<usize> = (0..octets.len() - 16).filter(|n| octets[*n..*n + 16] == address).collect();
        for place in places {
            octets[place..place + 15].fill(0xfd);
            octets[place + 15] = last;
        }
    }
    let long = std::env::temp_dir().join(format!("synscope-long-{}.pcap", std::process::id()));
    std::fs::write(&long, octets).expect("a file");
    let svg = synscope(&long, &["-T", "svg", "--ignore-checksums"]);
    std::fs::remove_file(&long).expect("the file goes");
    let document = well_formed(&capture, &svg);
    assert!(svg.contains("[fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fd01]"), "{svg}");
    assert_eq!(svg.matches("class=\"h\"").count(), 2);
    inside(&capture, &document.root_element());
}

#[test]
fn every_page_is_well_formed_and_explains_every_flow() {
    for capture in captures() {
        for locale in ["en", "ko"] {
            let page = synscope(&capture, &["-T", "html", "--locale", locale]);
            let document = well_formed(&capture, &page);
            let ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
            let targets = document.descendants().filter_map(|node| node.attribute("href"));
            for target in targets {
                let id =
                    target.strip_prefix('#').unwrap_or_else(|| panic!("{}: a link to {target}", capture.display()));
                assert!(ids.contains(&id), "{}: {target} leads nowhere", capture.display());
            }
            let sections = document.descendants().filter(|node| node.has_tag_name("section"));
            for section in sections {
                let words: Vec<&str> =
                    section.descendants().filter(roxmltree::Node::is_text).filter_map(|n| n.text()).collect();
                check_words(&capture, &words.join("\n"));
                assert!(section.descendants().any(|n| n.has_tag_name("li") || n.has_tag_name("p")));
            }
            for forbidden in ["<script", "http://", "https://", "url("] {
                let page = page.replace("http://www.w3.org/2000/svg", "");
                assert!(!page.contains(forbidden), "{}: {forbidden}", capture.display());
            }
        }
    }
}

#[test]
fn every_explanation_is_complete_and_every_diagram_parses() {
    for capture in captures() {
        for locale in ["en", "ko"] {
            let words = synscope(&capture, &["--explain=full", "--locale", locale]);
            check_words(&capture, &words);
            let report = synscope(&capture, &["-T", "markdown", "--locale", locale]);
            check_words(&capture, &report.replace("| | |", ""));
            diagrams(&capture, &report);
        }
    }
}

/// A page shows so many flows and a report fewer: each by itself, as `--flow` shows it. In this process, for there are thousands.
#[test]
fn every_flow_by_itself_is_drawn_and_reported() {
    let mut reported = 0;
    for capture in captures() {
        for flow in &common::analyse(&capture).flows {
            reported += 1;
            for (locale, scale) in [(Locale::En, Scale::Time), (Locale::Ko, Scale::Even)] {
                let of = |name: &str| by_itself(flow, name, locale, scale);
                let svg = of("svg");
                let document = well_formed(&capture, &svg);
                inside(&capture, &document.root_element());
                check_words(&capture, &of("explain"));
                let report = of("markdown");
                check_words(&capture, &report);
                diagrams(&capture, &report);
                assert!(report.contains("```mermaid"), "{}: no diagram of #{}", capture.display(), flow.id);
            }
        }
    }
    assert!(reported > 100, "only {reported} flows");
}

/// What a format makes of one flow.
fn by_itself(flow: &Flow, name: &str, locale: Locale, scale: Scale) -> String {
    let written = Written::default();
    let settings = Settings {
        locale,
        flow: Some(flow.id),
        pictures: Pictures { scale, ..Pictures::default() },
        ..Settings::default()
    };
    let open = format(name).expect("a format").open;
    let mut writer = open(Out::new(Box::new(written.clone()), false), &settings);
    writer.event(&Event::FlowEnd { flow, time: flow.last_time });
    writer.event(&Event::SessionEnd { totals: &Totals::default() });
    writer.out().finish().expect("memory takes everything");
    String::from_utf8(written.0.take()).expect("output is UTF-8")
}

/// Mermaid's sequence diagrams, as far as the report uses them.
fn diagrams(capture: &Path, report: &str) {
    let mut inside = false;
    for line in report.lines() {
        match line {
            "```mermaid" => {
                assert!(!inside);
                inside = true;
                continue;
            }
            "```" => {
                assert!(inside, "{}: a fence without a diagram", capture.display());
                inside = false;
            }
            _ => {}
        }
        if !inside {
            continue;
        }
        let line = line.trim();
        let arrow = ["C->>S: ", "S->>C: ", "C-xS: ", "S-xC: "].iter().any(|arrow| line.starts_with(arrow));
        let known = arrow
            || line == "sequenceDiagram"
            || line.starts_with("participant C as ")
            || line.starts_with("participant S as ")
            || line.starts_with("Note over C,S: ");
        assert!(known && !line.contains([';', '#']), "{}: {line}", capture.display());
        assert!(!line.ends_with(':') && !line.ends_with(": "), "{}: {line}", capture.display());
    }
    assert!(!inside, "{}: an open fence", capture.display());
}

#[test]
fn the_same_capture_gives_the_same_bytes() {
    for capture in captures().iter().step_by(9) {
        for format in ["svg", "html", "markdown", "explain"] {
            let once = synscope(capture, &["-T", format]);
            assert_eq!(once, synscope(capture, &["-T", format]), "{} {format}", capture.display());
            assert!(once.ends_with('\n'));
        }
    }
}

#[test]
fn nothing_is_injected_by_the_name_of_a_capture() {
    let folder = std::env::temp_dir().join(format!("synscope-names-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let evil = folder.join("<script>alert(1)<&\"'`[x](y)|.pcap");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/lessons/three-way.pcap"), &evil)
        .expect("a copy");
    let page = synscope(&evil, &["-T", "html"]);
    well_formed(&evil, &page);
    let report = synscope(&evil, &["-T", "markdown"]);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    assert!(report.contains("\\<script\\>") && !report.contains("[x](y)"));
}

#[test]
fn a_filter_chooses_the_first_flow_that_matches() {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/lessons/fast-open.pcap");
    let filter = ["-Y", "outcome:fast-open"];
    let svg = synscope(&capture, &[&["-T", "svg"], &filter[..]].concat());
    let titles = |text: &str| text.matches("class=\"h\"").count();
    assert!(titles(&svg) == 1 && svg.contains(">#2 198.51.100.1:34048"), "{svg}");
    let both = synscope(&capture, &["-T", "svg", "-Y", "outcome:fast-open or outcome:established"]);
    assert!(titles(&both) == 1 && both.contains(">#1 ") && both.contains("1 more connections match"), "{both}");
    assert_eq!(titles(&synscope(&capture, &["-T", "svg"])), 2);
    let page = synscope(&capture, &[&["-T", "html"], &filter[..]].concat());
    well_formed(&capture, &page);
    assert!(page.contains("<section class=\"flow first\" id=\"flow-2\">") && !page.contains("id=\"flow-1\""));
    assert!(page.contains("<code>outcome:fast-open</code>"));
}

#[test]
fn an_empty_capture_has_a_page_too() {
    let empty = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/formats/fmt.empty.pcap");
    for format in ["svg", "html"] {
        well_formed(&empty, &synscope(&empty, &["-T", format]));
    }
}
