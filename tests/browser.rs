//! The page of a capture with more than five hundred flows, clicked through in a browser without scripts.
//!
//! Runs where Chromium, Node.js and playwright-core are present (`npm install --prefix tests/browser`), and says that it was
//! skipped elsewhere.

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_flow_of_a_large_page_can_be_reached() {
    let Some((browser, script)) = present() else {
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

/// The browser and the script, where everything that they need is there.
fn present() -> Option<(PathBuf, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    let browser = browser.into_iter().find(|path| path.exists())?;
    let library = folder.join("node_modules/playwright-core").exists();
    let node = Command::new("node").arg("--version").output().is_ok_and(|run| run.status.success());
    (library && node).then(|| (browser, folder.join("click.mjs")))
}
