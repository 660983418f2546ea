//! What the process still does when it is aborted, as the standard library does where memory is refused: the terminal
//! is given back, and one line says which limit to lower.
//!
//! Whoever aborts may hold any lock, and there is no memory: only calls are made that are safe in a signal handler
//! (signal-safety(7)), on a descriptor and with settings that were kept before.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::write;
use rustix::stdio::stderr;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::SIGABRT;
use signal_hook::low_level;

/// No mouse, no bracketed paste, plain text, the other screen, a cursor.
const LEAVE: &[u8] = b"\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[0m\x1b[?1049l\x1b[?25h";
const WORD: &[u8] = b"synscope: aborted; if memory was refused: --max-memory keeps less, ulimit -v allows more\n";
/// Exit code of a run that failed.
const FAILED: i32 = 1;

/// The terminal, and how it was before the view took it.
static TERMINAL: OnceLock<(OwnedFd, Termios)> = OnceLock::new();
/// Whether the view has it now.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// From now on an abort ends the process with a word and exit code 1.
///
/// # Errors
///
/// What the system refuses.
pub fn explain() -> io::Result<()> {
    // SAFETY: `last_words` neither allocates, locks nor panics.
    #[allow(unsafe_code)]
    unsafe { low_level::register(SIGABRT, last_words) }.map(drop)
}

/// The view is about to change the settings of `terminal`: they are kept.
pub fn terminal_is_taken(terminal: impl AsFd) {
    if TERMINAL.get().is_none()
        && let Ok(settings) = tcgetattr(&terminal)
        && let Ok(terminal) = terminal.as_fd().try_clone_to_owned()
    {
        let _ = TERMINAL.set((terminal, settings));
    }
    TAKEN.store(true, Ordering::SeqCst);
}

/// The terminal is as it was.
pub fn terminal_is_given_back() {
    TAKEN.store(false, Ordering::SeqCst);
}

/// In the handler of SIGABRT.
fn last_words() {
    if TAKEN.load(Ordering::SeqCst)
        && let Some((terminal, settings)) = TERMINAL.get()
    {
        let _ = write(terminal, LEAVE);
        let _ = tcsetattr(terminal, OptionalActions::Now, settings);
    }
    let _ = write(stderr(), WORD);
    low_level::exit(FAILED);
}
