//! Panics, which are mistakes of the program: one line says so, whatever thread it was, and the rest goes on to its
//! end.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;

/// The first panic of the process.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Keeps the first panic for [`first`], instead of printing it at once. With `RUST_BACKTRACE` it is printed as well.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let thread = thread::current();
            let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
            let what = text(info.payload());
            let line = format!("internal error: thread '{}' panicked{place}: {what}", thread.name().unwrap_or("?"));
            FIRST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(line);
            if std::env::var_os("RUST_BACKTRACE").is_some_and(|wanted| wanted != "0") {
                previous(info);
            }
        }));
    });
}

/// The first panic on one line, if there was one.
pub(crate) fn first() -> Option<String> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Does `work`; what it panicked with is the error.
///
/// What `work` changed may be half changed then: only what ends a run looks at it afterwards.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Panicked(text(&*payload)))
}

/// A thread panicked: what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked(pub(crate) String);

impl core::fmt::Display for Panicked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "internal error: {}", self.0)
    }
}

impl core::error::Error for Panicked {}

/// The message of a panic, on one line.
fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("unknown").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a test asks for a panic in this part of the program. Release builds do not listen.
pub(crate) fn is_asked_for(part: &str) -> bool {
    cfg!(debug_assertions) && std::env::var_os("SYNSCOPE_TEST_PANIC").is_some_and(|wanted| wanted == part)
}

/// Panics where a test asks for it.
pub(crate) fn on_request(part: &str) {
    assert!(!is_asked_for(part), "a panic was asked for");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_one_line() {
        assert_eq!(guarded(|| 7), Ok(7));
        let error = guarded(|| panic!("two\nlines {}", 7)).unwrap_err();
        assert_eq!(error.to_string(), "internal error: two lines 7");
    }
}
