//! Manual pages and completions, from the definitions of the options.

mod complete;
mod page;

use super::args::Generated;

/// What `--generate` prints.
pub(super) fn generate(what: Generated) -> String {
    match what {
        Generated::Man => page::program(),
        Generated::ManFilter => page::filter(),
        Generated::ManEvents => page::events(),
        Generated::Bash => complete::bash(),
        Generated::Elvish => complete::elvish(),
        Generated::Fish => complete::fish(),
        Generated::Nushell => complete::nushell(),
        Generated::Powershell => complete::powershell(),
        Generated::Zsh => complete::zsh(),
    }
}
