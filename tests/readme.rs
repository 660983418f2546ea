//! What the README shows is what the program prints: every `console` block is run, and its output compared to the letter.
//! `SYNSCOPE_BLESS=1` writes what it prints now into the README.

use std::path::Path;
use std::process::{Command, Stdio};

const README: &str = include_str!("../README.md");

/// A command of the README, and what it prints according to it.
#[derive(Debug)]
struct Example {
    command: String,
    output: String,
}

fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    for block in README.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines() {
            match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => {
                    examples.push(Example { command: command.to_owned(), output: String::new() });
                }
                (None, Some(Example { output, .. })) => {
                    output.push_str(line);
                    output.push('\n');
                }
                (None, None) => panic!("output without a command: {line}"),
            }
        }
    }
    examples
}

/// Runs a command as a reader would, in the package's folder.
fn run(command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_synscope")).parent().expect("a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", path)
        .output()
        .expect("sh runs");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn examples_print_what_they_show() {
    let examples = examples();
    assert!(examples.len() >= 3, "{examples:?}");
    let jq = Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_ok();
    assert!(jq || std::env::var_os("CI").is_none(), "jq is missing");
    let mut blessed = README.to_owned();
    for example in examples {
        if example.command.contains("jq") && !jq {
            println!("skipped: needs jq");
            continue;
        }
        let printed = run(&example.command);
        if std::env::var_os("SYNSCOPE_BLESS").is_some() {
            let shown = |output: &str| format!("$ {}\n{}\n```", example.command, output.trim_end());
            blessed = blessed.replace(&shown(&example.output), &shown(&printed));
            continue;
        }
        assert_eq!(printed.trim_end(), example.output.trim_end(), "\n$ {}", example.command);
    }
    if blessed != README {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), blessed).expect("README.md");
    }
}

#[test]
fn files_and_options_it_names_exist() {
    let help = run("synscope --help");
    for word in README.split(|c: char| c.is_whitespace() || "`()[]'\",;".contains(c)) {
        if word.starts_with("testdata/") {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(word).exists(), "{word}");
        }
        if word.len() > 3 && word.starts_with("--") {
            let word = word.split('=').next().unwrap_or(word);
            let known = help.contains(word) || word.starts_with("--path");
            assert!(known, "{word} is no option of synscope");
        }
    }
}
