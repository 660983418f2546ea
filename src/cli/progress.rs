//! The progress bar on stderr while a file is read.

#[cfg(feature = "tui")]
pub(super) use bar::Bar;
#[cfg(not(feature = "tui"))]
pub(super) use nothing::Bar;

#[cfg(feature = "tui")]
mod bar {
    use std::io::IsTerminal;

    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

    use crate::capture::Progress;

    const KNOWN: &str = "{bar:30} {percent:>3}%  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
    const UNKNOWN: &str = "{spinner} {bytes}  {bytes_per_sec}";

    /// A progress bar, or nothing where stderr is not a terminal.
    pub(in crate::cli) struct Bar(Option<ProgressBar>);

    impl Bar {
        /// A bar, if `wanted` and stderr is a terminal.
        pub(in crate::cli) fn new(wanted: bool, progress: Progress) -> Self {
            if !wanted || !std::io::stderr().is_terminal() {
                return Self(None);
            }
            let bar = ProgressBar::with_draw_target(progress.total, ProgressDrawTarget::stderr_with_hz(5));
            let template = if progress.total.is_some() { KNOWN } else { UNKNOWN };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            Self(Some(bar))
        }

        /// Reading has come this far.
        pub(in crate::cli) fn update(&self, progress: Progress) {
            if let Some(bar) = &self.0 {
                bar.set_position(progress.read);
            }
        }

        /// Takes the bar away.
        pub(in crate::cli) fn finish(&self) {
            if let Some(bar) = &self.0 {
                bar.finish_and_clear();
            }
        }
    }
}

#[cfg(not(feature = "tui"))]
mod nothing {
    use crate::capture::Progress;

    /// No progress bar in this build.
    pub(in crate::cli) struct Bar;

    impl Bar {
        pub(in crate::cli) fn new(_: bool, _: Progress) -> Self {
            Self
        }
        pub(in crate::cli) fn update(&self, _: Progress) {}
        pub(in crate::cli) fn finish(&self) {}
    }
}
