//! The `synscope` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    synscope::cli::main()
}
