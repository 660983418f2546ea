//! Every script below `testdata/scripts/`, at several sequence offsets.

mod common;

use common::{script, testdata};

#[test]
fn every_script_holds() {
    let mut paths: Vec<_> = walk(&testdata("scripts"));
    paths.sort();
    assert!(paths.len() >= 20, "only {} scripts", paths.len());
    let failures: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            std::panic::catch_unwind(|| script::check(path))
                .err()
                .map(|e| e.downcast_ref::<String>().cloned().unwrap_or_else(|| format!("{}: panicked", path.display())))
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} scripts fail:\n\n{}", failures.len(), paths.len(), failures.join("\n\n"));
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("scripts").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else if path.extension().is_some_and(|e| e == "script") {
            found.push(path);
        }
    }
    found
}
