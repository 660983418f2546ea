//! What `--version` says of a build: commit, date, compiler, libpcap. Debug builds leave the commit out, so that a commit does
//! not build everything again.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for name in ["SOURCE_DATE_EPOCH", "SYNSCOPE_BUILD_COMMIT", "SYNSCOPE_BUILD_LIBPCAP"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let head = release.then(|| output("git", &["rev-parse", "HEAD"])).flatten();
    if let Some(log) = head.as_ref().and_then(|_| output("git", &["rev-parse", "--git-path", "logs/HEAD"])) {
        println!("cargo:rerun-if-changed={log}");
    }
    let commit = set("SYNSCOPE_BUILD_COMMIT").or(head).unwrap_or_default();
    // Never the time of the clock: two builds of one commit are equal.
    let committed = || release.then(|| output("git", &["log", "-1", "--format=%ct"])).flatten();
    let date = set("SOURCE_DATE_EPOCH").or_else(committed).and_then(|seconds| seconds.parse::<i64>().ok());
    let version = env::var("RUSTC").ok().and_then(|rustc| output(&rustc, &["-V"])).unwrap_or_default();
    let libpcap = set("SYNSCOPE_BUILD_LIBPCAP").unwrap_or_default();
    let mut features: Vec<String> = env::vars_os()
        .filter_map(|(name, _)| Some(name.to_str()?.strip_prefix("CARGO_FEATURE_")?.to_lowercase()))
        .filter(|feature| feature != "default")
        .collect();
    features.sort();
    let target = env::var("TARGET").unwrap_or_default();
    let profile = if release { "release" } else { "debug" };
    for (name, value) in [
        ("COMMIT", commit),
        ("DATE", date.map(day).unwrap_or_default()),
        ("RUSTC", version),
        ("LIBPCAP", libpcap),
        ("FEATURES", features.join(" ")),
        ("TARGET", target),
        ("PROFILE", profile.to_owned()),
    ] {
        println!("cargo:rustc-env=SYNSCOPE_BUILT_{name}={value}");
    }
}

fn set(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a program prints, where it is there and succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The day of seconds since 1970, in UTC (days to civil, Howard Hinnant's algorithm).
fn day(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
