//! Metrics for Prometheus: what is counted ([`Shared`]), as text ([`exposition`]), over HTTP ([`serve`]) and in a file.
//!
//! The listener is bound before rights are given up; the thread that answers starts afterwards. It reads a snapshot
//! that the analysis renews about once a second, so that a scrape never waits for packets nor packets for a scrape.

mod exposition;
mod serve;
mod shared;

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

pub(super) use self::shared::{Gauges, Shared};
use super::messages::{self, Failure};

/// How often the file is written, while the capture goes on.
const FILE_EVERY: Duration = Duration::from_secs(10);

/// What is asked of metrics.
#[derive(Clone, Debug, Default)]
pub(super) struct MetricsChoice {
    /// Where to listen, as typed.
    pub(super) listen: Option<String>,
    /// Where to write.
    pub(super) file: Option<PathBuf>,
    /// Whether servers have series of their own.
    pub(super) by_server: bool,
}

impl MetricsChoice {
    /// Whether any are wanted.
    pub(super) const fn is_some(&self) -> bool {
        self.listen.is_some() || self.file.is_some()
    }
}

/// The metrics of a run, open: nothing is answered yet.
pub(super) struct Metrics {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
    file: Option<PathBuf>,
    written: Option<Instant>,
    /// Whether a failure to write has been said.
    said: bool,
}

impl Metrics {
    /// Opens what metrics need, where any are wanted.
    ///
    /// # Errors
    ///
    /// [`Failure::Usage`] for an address that is none, [`Failure::Running`] for one that cannot be had.
    pub(super) fn open(choice: &MetricsChoice) -> Result<Option<Self>, Failure> {
        if !choice.is_some() {
            return Ok(None);
        }
        let listener = choice.listen.as_deref().map(listen).transpose()?;
        let shared = Arc::new(Shared::new(choice.by_server));
        Ok(Some(Self { shared, listener, file: choice.file.clone(), written: None, said: false }))
    }

    /// Starts to answer; call it when rights have been given up.
    ///
    /// # Errors
    ///
    /// [`Failure::Running`] where there is no thread.
    pub(super) fn start(&mut self, quiet: bool) -> Result<(), Failure> {
        let Some(listener) = self.listener.take() else { return Ok(()) };
        if let Ok(address) = listener.local_addr()
            && !quiet
        {
            messages::say(&format!("metrics: http://{address}/metrics"));
        }
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("metrics".to_owned());
        let started = thread.spawn(move || serve::answer(&listener, &shared));
        started.map(drop).map_err(|error| Failure::Running(format!("cannot start a thread: {error}")))
    }

    /// What is counted.
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Writes the file, if it is time to, or if the run is over.
    pub(super) fn write(&mut self, over: bool) {
        let Some(file) = &self.file else { return };
        if !over && self.written.is_some_and(|written| written.elapsed() < FILE_EVERY) {
            return;
        }
        self.written = Some(Instant::now());
        if let Err(error) = replace(file, &exposition::prometheus(&self.shared))
            && !self.said
        {
            // Once: whoever captures goes on capturing.
            self.said = true;
            messages::say(&format!("synscope: warning: --metrics-file {}: {error}", file.display()));
        }
    }
}

/// Puts a file in its place whole: node_exporter may read it at any time.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}", std::process::id()));
    let beside = file.with_file_name(beside);
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, file)
}

/// Listens at `HOST:PORT`, `:PORT` or `PORT`; on the loopback interface where no host is named.
fn listen(typed: &str) -> Result<TcpListener, Failure> {
    let wrong = |problem: &str| Failure::Usage(format!("--metrics: {problem}, like 127.0.0.1:9820\n  {typed}"));
    let (host, port) = typed.rsplit_once(':').unwrap_or(("", typed));
    let port: u16 = port.parse().map_err(|_| wrong("expected HOST:PORT"))?;
    let host = if host.is_empty() { "127.0.0.1" } else { host.trim_start_matches('[').trim_end_matches(']') };
    let addresses: Vec<SocketAddr> = match host.parse() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) if host == "localhost" => (host, port).to_socket_addrs().map_err(|_| wrong("no such host"))?.collect(),
        // Names are not looked up: DNS is not asked, here as elsewhere.
        Err(_) => return Err(wrong("expected an address of this machine")),
    };
    TcpListener::bind(&addresses[..]).map_err(|error| Failure::Running(format!("--metrics {typed}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for typed in ["127.0.0.1:0", ":0", "0", "localhost:0"] {
            let address = listen(typed).unwrap().local_addr().unwrap();
            assert!(address.ip().is_loopback(), "{typed}");
        }
        for typed in ["", "127.0.0.1", "example.com:9820", "127.0.0.1:99999", "here:x"] {
            assert!(matches!(listen(typed), Err(Failure::Usage(_))), "{typed}");
        }
    }
}
