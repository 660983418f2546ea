//! The helper as a child process, and the two pipes.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::asking::{Asking, Question};
use super::helper;
use crate::capture::CaptureError;
use crate::cli::messages::Failure;
use crate::kernel::{Known, Snapshot};

/// The first argument of the helper; not for users.
const HELPER: &str = "--kernel-helper";
/// How long the first snapshot is waited for: until then no address is known to be one of this host.
const FIRST: Duration = Duration::from_secs(2);

/// Whether this process was started as the helper; if so it has done its work when this returns.
pub(in crate::cli) fn is_helper() -> bool {
    let mut args = std::env::args_os().skip(1);
    let asked = args.next().is_some_and(|arg| arg == HELPER) && args.next().is_none();
    if asked {
        helper::run();
    }
    asked
}

/// A helper that was started, before rights are given up.
pub(in crate::cli) struct Helper {
    child: Child,
}

impl Helper {
    /// Starts the helper. Call it before rights are given up.
    ///
    /// # Errors
    ///
    /// Why it cannot be started.
    pub(in crate::cli) fn start() -> io::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .arg(HELPER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .current_dir("/")
            .spawn()?;
        Ok(Self { child })
    }

    /// Listens to it, on two threads. Call it after rights were given up.
    ///
    /// # Errors
    ///
    /// Where the system has no thread for it.
    pub(in crate::cli) fn listen(mut self) -> Result<Asking, Failure> {
        let known = Arc::new(Known::default());
        let (ask, asked) = sync_channel(1);
        let (first_in, first) = sync_channel(1);
        if let (Some(from), Some(to)) = (self.child.stdout.take(), self.child.stdin.take()) {
            let keeps = Arc::clone(&known);
            let reading = thread::Builder::new().name("kernel".to_owned());
            reading.spawn(move || read(BufReader::new(from), &keeps, &first_in)).map_err(no_thread)?;
            let writing = thread::Builder::new().name("kernel-ask".to_owned());
            writing.spawn(move || pass_on(&asked, to)).map_err(no_thread)?;
        }
        // It ends by itself when the pipe closes.
        drop(self.child);
        let _ = first.recv_timeout(FIRST);
        Ok(Asking::new(known, ask))
    }
}

/// Keeps what the helper says until it says no more.
fn read(from: impl BufRead, known: &Known, first: &SyncSender<()>) {
    for line in from.lines().map_while(Result::ok) {
        if let Ok(snapshot) = serde_json::from_str::<Snapshot>(&line) {
            known.take(&snapshot);
            let _ = first.try_send(());
        }
    }
    known.end_of_snapshots();
}

/// Passes questions on until nobody asks, or the helper has ended.
fn pass_on(asked: &Receiver<Question>, mut to: ChildStdin) {
    while let Ok(question) = asked.recv() {
        let octets: &[u8] = if question == Question::Last { helper::AT_ONCE } else { b"\n" };
        if to.write_all(octets).is_err() {
            return;
        }
    }
}

fn no_thread(cause: io::Error) -> Failure {
    CaptureError::Io { operation: "start a thread", input: "synscope".to_owned(), cause }.into()
}
