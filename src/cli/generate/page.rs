//! Manual pages: synscope(1), synscope-filter(7), synscope-events(5).

use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::super::settings;
use crate::flow_filter;
use crate::output::schema;

const MANUAL: &str = "synscope manual";

/// How filters are written.
const SYNTAX: &str = "\
expression := all {(\"or\" | \"||\") all}
all        := not {[\"and\" | \"&&\"] not}
not        := {\"not\" | \"!\" | \"-\"} ( \"(\" expression \")\" | term )
term       := field operator value | /regex/ | \"text\" | word
operator   := \":\" | \"=\" | \"!=\" | \">\" | \">=\" | \"<\" | \"<=\" | \"~\"
value      := number | number+unit | address[/length] | a..b
            | {v1,v2} | word | \"text\" | /regex/";

const FILTER_EXAMPLES: &[(&str, &str)] = &[
    ("outcome:refused dport:443", "connections to port 443 that were refused"),
    ("client:10.0.0.0/8 and rtt>200ms", "clients of one network with a long round trip"),
    ("not opening:established", "whatever did not open"),
    ("severity>=warn or /timeout/", "anomalies of some weight, or any field that matches a pattern"),
];

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "Success, including Ctrl-C, -c, -a and a closed pipe."),
    ("1", "Failure while running."),
    ("2", "Usage error, in the options, the environment or a configuration."),
    ("3", "--fail-on matched, or --expect did not."),
    ("4", "Input damaged or cut short; packets before the damage are analyzed."),
    ("5", "No permission to capture."),
];

const FILES: &[(&str, &str)] = &[
    ("~/.config/synscope/config.toml", "Settings of the user ($XDG_CONFIG_HOME where it is set)."),
    ("/etc/synscope/config.toml", "Settings of the system. --print-config-template prints a commented one."),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "SYNSCOPE_OPTION",
        "A value for any option that takes part in an analysis, by its long name: SYNSCOPE_SYN_TIMEOUT=2s. Flags are \
         true or false; of options that are repeatable each line is one value. The command line goes before.",
    ),
    ("NO_COLOR", "No colours, unless --color always asks for them."),
    ("LC_ALL, LC_CTYPE, LANG", "The language of the terminal view."),
    ("TZ", "The time zone of -t a and -t ad."),
];

/// synscope(1).
pub(super) fn program() -> String {
    let command = settings::command().after_help("").version(env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).title("SYNSCOPE").date(date()).manual(MANUAL).source(source());
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = man.render_title(&mut page);
    let _ = man.render_name_section(&mut page);
    let mut synopsis = Roff::new();
    synopsis.control("SH", ["SYNOPSIS"]);
    synopsis.text([bold("synscope"), roman(" [options] [BPF expression]")]);
    page.extend(body(&synopsis).into_bytes());
    let _ = man.render_description_section(&mut page);
    let _ = man.render_options_section(&mut page);
    let mut rest = Roff::new();
    list(&mut rest, "EXIT STATUS", EXIT_STATUS.iter().map(|(name, about)| (bold(*name), (*about).to_owned())));
    list(&mut rest, "ENVIRONMENT", ENVIRONMENT.iter().map(|(name, about)| (bold(*name), (*about).to_owned())));
    list(&mut rest, "FILES", FILES.iter().map(|(name, about)| (italic(*name), (*about).to_owned())));
    rest.control("SH", ["EXAMPLES"]);
    literal(&mut rest, super::super::args::EXAMPLES.split("\n\n").next().unwrap_or_default());
    see_also(&mut rest, "synscope-filter(7), synscope-events(5), pcap-filter(7), tcpdump(1), jq(1)");
    String::from_utf8_lossy(&page).into_owned() + &body(&rest)
}

/// synscope-filter(7).
pub(super) fn filter() -> String {
    let mut page =
        head("SYNSCOPE-FILTER", "7", "synscope-filter - the language of -Y, --fail-on, --expect and the view");
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(
        "A filter chooses connections and anomalies. Terms side by side must all match. A word alone matches as part \
         of any field that is shown; an address or a network alone matches either end. A field that is not known of a \
         connection matches no comparison. A mistake is pointed at, with a suggestion.",
    )]);
    page.control("SH", ["SYNTAX"]);
    literal(&mut page, SYNTAX);
    page.control("PP", []);
    page.text([roman(
        "Times take us, ms, s, m, h and d; sizes B, K, M and G. ~ takes a regular expression. {a,b} matches any of \
         several values, a..b what lies between two.",
    )]);
    list(&mut page, "FIELDS", flow_filter::fields().map(|(name, about)| (bold(name), sentence(about))));
    list(&mut page, "EXAMPLES", FILTER_EXAMPLES.iter().map(|(text, about)| (bold(*text), sentence(about))));
    see_also(&mut page, "synscope(1), synscope-events(5)");
    page.to_roff()
}

/// synscope-events(5).
pub(super) fn events() -> String {
    let mut page = head("SYNSCOPE-EVENTS", "5", "synscope-events - the NDJSON that synscope writes");
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(
        "Each line is one JSON object with the field names of the Elastic Common Schema, and what belongs to synscope \
         alone below \"synscope\". What is absent is unknown or implied by other fields; there is no null. Times are \
         those of packets. synscope.v is the version of the layout: fields are added to it, not changed. \
         --print-schema prints the JSON Schema of all events.",
    )]);
    list(&mut page, "EVENTS", schema::described_actions().into_iter().map(|(name, about)| (bold(name), about)));
    let fields = schema::described_fields().into_iter().map(|(name, about)| (bold(name), about));
    list(&mut page, "FIELDS OF A CONNECTION", fields);
    see_also(&mut page, "synscope(1), synscope-filter(7), jq(1)");
    page.to_roff()
}

fn source() -> String {
    format!("synscope {}", env!("CARGO_PKG_VERSION"))
}

fn date() -> &'static str {
    env!("SYNSCOPE_BUILT_DATE")
}

fn head(title: &str, section: &str, name: &str) -> Roff {
    let mut page = Roff::new();
    page.control("TH", [title, section, date(), source().as_str(), MANUAL]);
    page.control("SH", ["NAME"]);
    page.text([roman(name)]);
    page
}

/// A section of names and what they mean.
fn list(page: &mut Roff, heading: &str, entries: impl Iterator<Item = (Inline, String)>) {
    page.control("SH", [heading]);
    for (name, about) in entries {
        page.control("TP", []);
        page.text([name]);
        page.text([roman(about)]);
    }
}

/// Lines as they are.
fn literal(page: &mut Roff, text: &str) {
    page.control("nf", []);
    for line in text.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}

fn see_also(page: &mut Roff, pages: &str) {
    page.control("SH", ["SEE ALSO"]);
    page.text([roman(pages)]);
}

/// A page without the definitions that every page begins with: for what follows another one.
fn body(page: &Roff) -> String {
    page.render()
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
