//! What a browser makes of pictures and pages: the page of a capture with more than five hundred flows is clicked through without
//! scripts, and no text of a picture lies over another, over an arrow or outside.
//!
//! Runs where Chromium, Node.js and playwright-core are present (`npm install --prefix tests/browser`), and says that it was
//! skipped elsewhere.

// The notation of the lessons makes pictures of any length.
#[allow(dead_code, unreachable_pub)]
#[path = "lessons/frames.rs"]
mod frames;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_flow_of_a_large_page_can_be_reached() {
    let Some((browser, script)) = present("click.mjs") else {
        println!("skipped: it takes Chromium, Node.js and `npm install --prefix tests/browser`");
        return;
    };
    let page = std::env::temp_dir().join(format!("synscope-page-{}.html", std::process::id()));
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled/fl_connections.pcap");
    let made = Command::new(env!("CARGO_BIN_EXE_synscope"))
        .args(["-q", "-T", "html", "-r"])
        .arg(capture)
        .arg("-o")
        .arg(&page)
        .status()
        .expect("the program runs");
    assert!(made.success());
    let mut node = Command::new("node");
    node.arg(script).arg(&page).arg(browser);
    if let Some(prefix) = std::env::var_os("SCREENSHOTS") {
        node.arg(prefix);
    }
    let run = node.output().expect("node runs");
    std::fs::remove_file(&page).expect("the page goes");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let seen: serde_json::Value = serde_json::from_slice(&run.stdout).expect("what was seen");
    let number = |name: &str| seen[name].as_u64().unwrap_or_default();
    assert!(number("flows") >= 500, "{seen}");
    assert_eq!((number("hidden"), number("from_timeline")), (0, 1), "{seen}");
    assert!(number("clicked") >= 10 && number("shown") == number("clicked"), "{seen}");
    assert!(number("bars") >= 100, "{seen}");
    assert_eq!((&seen["complaints"], &seen["requests"]), (&serde_json::json!([]), &serde_json::json!([])), "{seen}");
}

#[test]
fn no_text_of_a_picture_is_covered_or_cut() {
    let Some((browser, script)) = present("layout.mjs") else {
        println!("skipped: it takes Chromium, Node.js and `npm install --prefix tests/browser`");
        return;
    };
    let folder = std::env::temp_dir().join(format!("synscope-pictures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for steps in [1, 5, 40] {
        std::fs::write(folder.join(format!("steps-{steps}.pcap")), frames::capture(&quarrel(steps)))
            .expect("a capture");
    }
    let mut captures = captures();
    captures.extend([1, 5, 40].map(|steps| folder.join(format!("steps-{steps}.pcap"))));
    for capture in &captures {
        pictures(capture, &folder);
    }
    let run = Command::new("node").arg(script).arg(&folder).arg(browser).output().expect("node runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let seen: serde_json::Value = serde_json::from_slice(&run.stdout).expect("what was seen");
    assert_eq!(seen["pictures"].as_u64(), Some(captures.len() as u64 * 4));
    assert!(seen["arrows"].as_u64() > Some(4 * 46), "{seen}");
    assert_eq!(seen["complaints"], serde_json::json!([]), "pictures are in {}", folder.display());
    if std::env::var_os("SCREENSHOTS").is_some() {
        println!("pictures are in {}", folder.display());
    } else {
        std::fs::remove_dir_all(&folder).expect("the folder goes");
    }
}

#[test]
fn mermaid_reads_every_diagram() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/node_modules/mermaid");
    let Some((browser, script)) = present("mermaid.mjs").filter(|_| library.exists()) else {
        println!("skipped: it takes Chromium, Node.js and `npm install --prefix tests/browser`");
        return;
    };
    let mut diagrams = Vec::new();
    for capture in captures() {
        for locale in ["en", "ko"] {
            let run = Command::new(env!("CARGO_BIN_EXE_synscope"))
                .args(["-q", "-T", "markdown", "--steps", "all", "--locale", locale, "-r"])
                .arg(&capture)
                .output()
                .expect("the program runs");
            let report = String::from_utf8(run.stdout).expect("output is UTF-8");
            let blocks = report.split("```mermaid\n").skip(1).filter_map(|block| block.split("```").next());
            diagrams.extend(blocks.map(str::to_owned));
        }
    }
    let file = std::env::temp_dir().join(format!("synscope-diagrams-{}.json", std::process::id()));
    std::fs::write(&file, serde_json::to_vec(&diagrams).expect("JSON")).expect("a file");
    let run = Command::new("node").arg(script).arg(&file).arg(browser).output().expect("node runs");
    std::fs::remove_file(&file).expect("the file goes");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let seen: serde_json::Value = serde_json::from_slice(&run.stdout).expect("what was read");
    assert_eq!((&seen["taken"], &seen["complaints"]), (&serde_json::json!(diagrams.len()), &serde_json::json!([])));
    assert!(diagrams.len() > 100);
}

/// The labelled captures that have something of their own to draw, or all of the folder that `SYNSCOPE_CAPTURES` names.
fn captures() -> Vec<PathBuf> {
    let everything = std::env::var_os("SYNSCOPE_CAPTURES").map(PathBuf::from);
    let all = everything.is_some();
    let folder = everything.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled"));
    let chosen = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.contains(".pcap") && (all || name.starts_with("hs_") || name.starts_with("td_"))
    };
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("captures").flatten().map(|entry| entry.path()).filter(chosen).collect();
    found.sort();
    found
}

/// A connection of so many steps: an opening, then resets that miss and the answers to them, which are never folded.
fn quarrel(steps: usize) -> String {
    let opening =
        ["0.000 > S 0 syn", "0.030 < SA 0 a1 syn", "0.031 > A 1 a1", "0.050 > PA 1 a1 d14", "0.080 < PA 1 a15 d900"];
    let mut lines = String::new();
    for n in 0..steps {
        let time = 0.04 * n as f64;
        let _ = match (opening.get(n), n % 2) {
            (Some(line), _) => writeln!(lines, "{line}"),
            (None, 1) => writeln!(lines, "{time:.3} < R {} ttl=200", 901 + 100 * n),
            (None, _) => writeln!(lines, "{time:.3} > A 15 a901"),
        };
    }
    lines
}

/// All that is drawn of a capture: both languages, even and to scale, every step.
fn pictures(capture: &Path, folder: &Path) {
    let name = capture.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for locale in ["en", "ko"] {
        for scale in ["even", "time"] {
            let run = Command::new(env!("CARGO_BIN_EXE_synscope"))
                .args(["-q", "-T", "svg", "--steps", "all", "--locale", locale, "--scale", scale, "-r"])
                .arg(capture)
                .arg("-o")
                .arg(folder.join(format!("{name}.{locale}.{scale}.svg")))
                .status()
                .expect("the program runs");
            assert!(matches!(run.code(), Some(0 | 4)), "{}", capture.display());
        }
    }
}

/// The browser and the script, where everything that they need is there.
fn present(script: &str) -> Option<(PathBuf, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    let browser = browser.into_iter().find(|path| path.exists())?;
    let library = folder.join("node_modules/playwright-core").exists();
    let node = Command::new("node").arg("--version").output().is_ok_and(|run| run.status.success());
    (library && node).then(|| (browser, folder.join(script)))
}
