//! What `--version` says: the build, and the libpcap that runs.

use std::sync::LazyLock;

/// The version, commit, date, compiler, libpcap and features, one a line.
pub(super) static LONG: LazyLock<String> = LazyLock::new(long);

/// The commit of this build; empty where it is not known.
pub(super) const COMMIT: &str = env!("SYNSCOPE_BUILT_COMMIT");
/// The features of this build, separated by spaces.
pub(super) const FEATURES: &str = env!("SYNSCOPE_BUILT_FEATURES");

fn long() -> String {
    let or = |text: &'static str, otherwise| if text.is_empty() { otherwise } else { text };
    let profile = env!("SYNSCOPE_BUILT_PROFILE");
    let lines = [
        ("commit", or(COMMIT, "unknown").to_owned()),
        ("date", or(env!("SYNSCOPE_BUILT_DATE"), "unknown").to_owned()),
        ("build", format!("{profile}, {}, {}", env!("SYNSCOPE_BUILT_TARGET"), env!("SYNSCOPE_BUILT_RUSTC"))),
        ("libpcap", libpcap()),
        ("features", or(FEATURES, "none").to_owned()),
    ];
    let mut text = env!("CARGO_PKG_VERSION").to_owned();
    for (name, value) in lines {
        text.push_str(&format!("\n{name:<9} {value}"));
    }
    text
}

/// The libpcap of this process: the name of the shared one, or the version of the one linked in.
fn libpcap() -> String {
    if cfg!(not(feature = "live")) {
        return "none".to_owned();
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let shared = maps.lines().find_map(|line| {
        let path = line.split_whitespace().last()?;
        let name = std::path::Path::new(path).file_name()?.to_str()?;
        name.strip_prefix("libpcap.so.").map(str::to_owned)
    });
    let built = env!("SYNSCOPE_BUILT_LIBPCAP");
    match shared {
        Some(version) => format!("{version} (shared)"),
        None if built.is_empty() => "of unknown version".to_owned(),
        None => format!("{built} (linked in)"),
    }
}
