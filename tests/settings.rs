//! Settings from the command line, the environment and configurations; manual pages and completions against the help.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regex::Regex;

fn capture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled").join(name).to_str().expect("path").to_owned()
}

/// A folder of configurations of its own for each test.
struct Home(PathBuf);

impl Home {
    fn new(name: &str, config: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("settings-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("synscope")).expect("a folder");
        fs::write(folder.join("synscope/config.toml"), config).expect("a configuration");
        Self(folder)
    }

    fn run(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_synscope"));
        command.args(arguments).env("XDG_CONFIG_HOME", &self.0).envs(variables.iter().copied());
        command.stdin(Stdio::null()).output().expect("the program runs")
    }

    fn stdout(&self, variables: &[(&str, &str)], arguments: &[&str]) -> String {
        let output = self.run(variables, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    fn refusal(&self, variables: &[(&str, &str)], arguments: &[&str]) -> String {
        let output = self.run(variables, arguments);
        let message = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty());
        message
    }
}

/// The line of `--print-config` about a key, with single spaces.
fn line(printed: &str, key: &str) -> String {
    let line = printed.lines().find(|line| line.trim_start_matches("# ").starts_with(&format!("{key} ")));
    let line = line.unwrap_or_else(|| panic!("{key}: not in\n{printed}"));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_higher_place_wins() {
    let home = Home::new("order", "syn-timeout = '1s'\nidle = '1h'\nscan = '9/1m'\n[profile.edge]\nscan = '8/1m'\n");
    let file = home.0.join("synscope/config.toml").display().to_string();
    let variables = [("SYNSCOPE_SYN_TIMEOUT", "2s"), ("SYNSCOPE_IDLE", "2h")];
    let printed = home.stdout(&variables, &["--print-config", "--profile", "edge", "--syn-timeout", "3s"]);
    assert_eq!(line(&printed, "syn-timeout"), "syn-timeout = \"3s\" # command line");
    assert_eq!(line(&printed, "idle"), "idle = \"2h\" # environment SYNSCOPE_IDLE");
    assert_eq!(line(&printed, "scan"), format!("scan = \"8/1m\" # {file}:5 [profile.edge]"));
    assert_eq!(line(&printed, "time-wait"), "# time-wait = 240s # default");
    assert!(printed.contains(&format!("#   not \"1h\" of {file}:2: set elsewhere")), "{printed}");
    let without = home.stdout(&[], &["--print-config", "--no-config"]);
    assert_eq!(line(&without, "scan"), "# scan = 25 hosts or 15 ports in 5m # default");
    assert_eq!(
        line(&home.stdout(&[("SYNSCOPE_PROFILE", "edge")], &["--print-config"]), "scan"),
        line(&printed, "scan")
    );
    // What it prints is a configuration that says the same.
    let again = Home::new("again", &printed);
    assert!(line(&again.stdout(&[], &["--print-config"]), "scan").starts_with("scan = \"8/1m\""));
}

#[test]
fn a_setting_does_what_the_option_does() {
    let hello = capture("hs_hello_client.pcap");
    let home = Home::new("same", "format = 'csv'\nfields = ['source.ip', 'destination.port']\nquiet = true\n");
    let typed = home.stdout(&[], &["--no-config", "-q", "-r", &hello, "-T", "csv", "-e", "source.ip,destination.port"]);
    assert_eq!(home.stdout(&[], &["-r", &hello]), typed);
    // The input as well; words of a filter stand beside it.
    assert_eq!(home.stdout(&[("SYNSCOPE_READ", &hello)], &[]), typed);
    assert_eq!(home.stdout(&[("SYNSCOPE_READ", &hello)], &["tcp"]), typed);
    // Several values of a variable are lines.
    let variables = [("SYNSCOPE_FIELDS", "source.ip\ndestination.port")];
    assert_eq!(home.stdout(&variables, &["--no-config", "-q", "-r", &hello, "-T", "csv"]), typed);
}

#[test]
fn what_was_typed_is_never_in_the_way_of_what_was_configured() {
    let hello = capture("hs_hello_client.pcap");
    let config =
        "interface = 'eth9'\nsnaplen = 96\ntime = 'u'\nfps = 20\ntheme = 'cvd'\npreset = 'web'\nformat = 'text'\n";
    let home = Home::new("apart", config);
    let plain = home.stdout(&[], &["--no-config", "-q", "-r", &hello, "--json", "tcp"]);
    assert_eq!(home.stdout(&[], &["-q", "-r", &hello, "--json", "tcp"]), plain);
    // A picture has no such theme and no such times.
    assert!(home.stdout(&[], &["-q", "-r", &hello, "-T", "svg", "tcp"]).starts_with("<svg"));
    let printed = home.stdout(&[], &["--print-config", "-r", &hello, "--json", "tcp"]);
    assert!(printed.contains("not [\"eth9\"]") && printed.contains("excluded by --read"), "{printed}");
    assert!(printed.contains("excluded by the words of the command line"), "{printed}");
    assert!(printed.contains("has no effect with -T ndjson"), "{printed}");
    // Typed, it is an error as ever.
    assert!(home.refusal(&[], &["-r", &hello, "--json", "-t", "u", "tcp"]).contains("-t has no effect"));
}

#[test]
fn mistakes_are_pointed_at() {
    let cases = [
        ("idle = '1h'\nsyn-timout = '1s'\n", ":2: unknown key 'syn-timout'; did you mean 'syn-timeout'?"),
        ("[profile.edge]\nsyn_timeout = 1\n", ":2: unknown key 'syn_timeout'; did you mean 'syn-timeout'?"),
        ("syn-timeout = '5 weeks'\n", ":1: invalid value '5 weeks' for '--syn-timeout <TIME>'"),
        ("quiet = 'yes'\n", ":1: quiet: expected true or false"),
        ("idle = ['1h', '2h']\n", ":1: idle: expected one value"),
        ("profile = 'edge'\n", ":1: unknown key 'profile'"),
        ("config = 'x'\n", ":1: unknown key 'config'"),
        ("print-schema = true\n", ":1: unknown key 'print-schema'"),
        ("json = true\nformat = 'csv'\n", "exclude each other"),
        ("idle = \n", "config.toml: TOML parse error at line 1"),
        ("[keys]\nquti = 'Q'\n", "unknown action 'quti'"),
    ];
    for (n, (config, words)) in cases.iter().enumerate() {
        let home = Home::new(&format!("mistake-{n}"), config);
        let message = home.refusal(&[], &["--print-config"]);
        assert!(message.contains(words), "{config}: {message}");
    }
    let home = Home::new("mistakes", "preset = 'wbe'\n[profile.edge]\n[profile.core]\n");
    let message = home.refusal(&[], &["-r", &capture("hs_hello_client.pcap")]);
    assert!(message.contains("did you mean 'web'?") && message.contains("config.toml:1"), "{message}");
    assert!(home.refusal(&[], &["--print-config", "--profile", "egde"]).contains("did you mean 'edge'?"));
    assert!(home.refusal(&[("SYNSCOPE_QUIET", "perhaps")], &["--print-config"]).contains("SYNSCOPE_QUIET: expected"));
    let message = home.refusal(&[("SYNSCOPE_IDLE", "never")], &["--print-config"]);
    assert!(message.contains("environment SYNSCOPE_IDLE: invalid value 'never'"), "{message}");
    // What tells of the program needs no configuration.
    assert!(!home.stdout(&[], &["--print-config-template"]).is_empty());
    let missing = home.run(&[], &["--config", "/no/such/file", "--print-config"]);
    assert_eq!(missing.status.code(), Some(1));
}

#[test]
fn every_key_of_the_template_is_known() {
    let home = Home::new("template", "");
    let template = home.stdout(&[], &["--print-config-template"]);
    let before_sections = template.split("## Sections").next().expect("sections");
    let keys: Vec<&str> = before_sections
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once(" = "))
        .map(|(key, _)| key)
        .collect();
    let keys: Vec<&str> = keys.into_iter().filter(|key| !key.starts_with([' ', '#'])).collect();
    assert!(keys.len() > 40, "{keys:?}");
    let printed = home.stdout(&[], &["--print-config"]);
    for key in &keys {
        line(&printed.replace('=', " ="), key);
    }
    // As it is, it changes nothing.
    let other = Home::new("template-read", &template);
    assert!(other.stdout(&[], &["--print-config"]).lines().all(|line| line.starts_with('#')));
}

#[test]
fn the_version_names_its_build() {
    let home = Home::new("version", "");
    let text = home.stdout(&[], &["--version"]);
    for word in ["synscope ", "\ncommit ", "\ndate ", "\nlibpcap ", "\nfeatures kernel live sandbox tui"] {
        assert!(text.replace("  ", " ").replace("  ", " ").contains(word), "{word}: {text}");
    }
    assert_eq!(home.stdout(&[], &["-V"]).lines().count(), 1);
}

/// Long options that the help names at the head of an entry.
fn in_help(home: &Home) -> BTreeSet<String> {
    let help = home.stdout(&[], &["--help"]);
    let pattern = Regex::new(r"(?m)^ +(?:-\w, )?(--[a-z-]+)").expect("a pattern");
    pattern.captures_iter(&help).map(|found| found[1].to_owned()).collect()
}

#[test]
fn the_manual_has_what_the_help_has() {
    let home = Home::new("manual", "");
    let help = in_help(&home);
    assert!(help.len() > 50, "{help:?}");
    let page = home.stdout(&[], &["--generate", "man"]).replace("\\-", "-");
    let pattern = Regex::new(r"(?m)^(?:\\fB-\w\\fR, )?\\fB(--[a-z-]+)\\fR").expect("a pattern");
    let in_page: BTreeSet<String> = pattern.captures_iter(&page).map(|found| found[1].to_owned()).collect();
    assert_eq!(in_page, help);
    for word in [".SH \"EXIT STATUS\"", ".SH ENVIRONMENT", "SYNSCOPE_OPTION", ".SH FILES", "synscope-filter(7)"] {
        assert!(page.contains(word), "{word}");
    }
    let fields = home.stdout(&[], &["--generate", "man-filter"]);
    assert!(fields.contains("\\fBdport\\fR") && fields.contains(".TH SYNSCOPE-FILTER 7"));
    let events = home.stdout(&[], &["--generate", "man-events"]).replace("\\-", "-");
    assert!(events.contains("\\fBsynscope.opening\\fR") && events.contains("\\fBflow_end\\fR"));
    for page in ["man", "man-filter", "man-events"] {
        well_formed(&home, page);
    }
}

/// groff has no complaint about a page, where it is installed.
fn well_formed(home: &Home, page: &str) {
    let path = home.0.join(page);
    fs::write(&path, home.stdout(&[], &["--generate", page])).expect("a file");
    let groff = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&path).output();
    match groff {
        Ok(output) => {
            let complaints = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && complaints.is_empty(), "{page}: {complaints}");
        }
        Err(_) => println!("skipped: no groff"),
    }
}

#[test]
fn completions_have_what_the_help_has() {
    let home = Home::new("completions", "");
    let help = in_help(&home);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell", "nushell"] {
        let script = home.stdout(&[], &["--generate", shell]);
        assert!(!script.contains("SYNSCOPE-INTERFACES") || matches!(shell, "elvish" | "powershell"), "{shell}");
        for option in &help {
            let name = option.trim_start_matches('-');
            assert!(script.contains(option) || script.contains(&format!("-l {name}")), "{shell}: {option}");
        }
    }
    let checks = [("zsh", "zsh", vec!["-n"]), ("fish", "fish", vec!["-n"]), ("bash", "bash", vec!["-n"])];
    for (shell, program, arguments) in checks {
        let path = home.0.join(shell);
        fs::write(&path, home.stdout(&[], &["--generate", shell])).expect("a file");
        match Command::new(program).args(arguments).arg(&path).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => println!("skipped: no {program}"),
        }
    }
}

#[test]
fn bash_completes_values() {
    let home = Home::new("bash", "");
    let path = home.0.join("synscope.bash");
    fs::write(&path, home.stdout(&[], &["--generate", "bash"])).expect("a file");
    let complete = |words: &str| {
        let script = format!(
            "source {}; COMP_WORDS=(synscope {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             cur=${{COMP_WORDS[COMP_CWORD]}}; prev=${{COMP_WORDS[COMP_CWORD-1]}}; \
             _synscope synscope \"$cur\" \"$prev\"; echo \"${{COMPREPLY[*]}}\"",
            path.display()
        );
        let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    assert_eq!(complete("--syn-time"), "--syn-timeout");
    assert_eq!(complete("-T ladd"), "ladder");
    assert_eq!(complete("--preset hand"), "handshake");
    assert_eq!(complete("--enable syn-flood-o"), "syn-flood-outbound");
    assert_eq!(complete("--fields source.i"), "source.ip");
    assert_eq!(complete("--events flow_e"), "flow_end");
    if Path::new("/sys/class/net/lo").exists() {
        assert_eq!(complete("--interface lo"), "lo");
    }
}
