//! Completions of shells, with the values that options take: names of formats, anomalies, fields and events are written
//! into them; interfaces are looked up when the key is pressed.

use clap::Command;
use clap::builder::PossibleValuesParser;
use clap_complete::{Generator, Shell, generate};

use super::super::args::event_names;
use super::super::settings;
use crate::capture::preset::PRESETS;
use crate::detect::registry::rules;
use crate::output::schema::flow_end_fields;

/// Stands for the interfaces of the machine until a shell's own way to list them takes its place.
const INTERFACES: &str = "SYNSCOPE-INTERFACES";
const NAME: &str = "synscope";

pub(super) fn bash() -> String {
    written(Shell::Bash).replace(INTERFACES, "any $(cd /sys/class/net 2>/dev/null && echo *)")
}

pub(super) fn zsh() -> String {
    written(Shell::Zsh).replace(&format!("({INTERFACES})"), "_net_interfaces")
}

pub(super) fn fish() -> String {
    written(Shell::Fish).replace(INTERFACES, "(command ls /sys/class/net 2>/dev/null)")
}

pub(super) fn nushell() -> String {
    let list = "(ls /sys/class/net | get name | path basename)";
    written(clap_complete_nushell::Nushell).replace(&format!("[ \"{INTERFACES}\" ]"), list)
}

pub(super) fn elvish() -> String {
    written(Shell::Elvish)
}

pub(super) fn powershell() -> String {
    written(Shell::PowerShell)
}

fn written(shell: impl Generator) -> String {
    let mut octets = Vec::new();
    generate(shell, &mut command(), NAME, &mut octets);
    String::from_utf8_lossy(&octets).into_owned()
}

/// The options, with the values that only a run looks up.
fn command() -> Command {
    let ids = || rules().map(|rule| rule.id);
    let values: [(&str, Vec<String>); 7] = [
        ("interface", vec![INTERFACES.to_owned()]),
        ("preset", PRESETS.iter().map(|preset| preset.name.to_owned()).collect()),
        ("enable", ids().map(str::to_owned).collect()),
        ("disable", ids().chain(["all"]).map(str::to_owned).collect()),
        ("list_anomalies", ids().map(str::to_owned).collect()),
        ("fields", flow_end_fields()),
        ("events", event_names().map(str::to_owned).collect()),
    ];
    let mut command = settings::command();
    for (id, words) in values {
        command = command.mut_arg(id, |arg| arg.value_parser(PossibleValuesParser::new(words)));
    }
    command
}
