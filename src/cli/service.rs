//! What a service manager and an operator ask of a run that goes on for months: readiness and a watchdog
//! (sd_notify(3)), a summary on SIGUSR1, metrics that are renewed.

use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use signal_hook::consts::SIGUSR1;

use super::messages::{self, Failure};
use super::metrics::{Gauges, Metrics};
use super::sink::totals;
use crate::capture::Counts;
use crate::engine::{Engine, Totals};

/// How often it is looked at what is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Who asks something of a run, and what they are answered.
pub(super) struct Service {
    notify: Option<UnixDatagram>,
    metrics: Option<Metrics>,
    summary: Arc<AtomicBool>,
    looked: Instant,
    flows_limit: usize,
}

impl Service {
    /// Opens the socket of the service manager, where there is one, and takes SIGUSR1.
    ///
    /// # Errors
    ///
    /// [`Failure::Running`] where signals cannot be handled.
    pub(super) fn open(metrics: Option<Metrics>, flows_limit: usize) -> Result<Self, Failure> {
        let summary = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGUSR1, Arc::clone(&summary))
            .map_err(|error| Failure::Running(format!("cannot handle signals: {error}")))?;
        // A manager that cannot be reached is as good as none.
        let notify = socket().ok().flatten();
        Ok(Self { notify, metrics, summary, looked: Instant::now(), flows_limit })
    }

    /// Rights are given up and the capture begins.
    ///
    /// # Errors
    ///
    /// [`Failure::Running`] where metrics cannot be answered.
    pub(super) fn start(&mut self, quiet: bool, what: &str) -> Result<(), Failure> {
        if let Some(metrics) = &mut self.metrics {
            metrics.start(quiet)?;
        }
        let line = what.split('\n').next().unwrap_or_default();
        self.say(&format!("READY=1\nSTATUS={line}"));
        Ok(())
    }

    /// Looks now and then whether something is due; cheap enough for each idle tick.
    pub(super) fn tick(&mut self, engine: &Engine, counts: Counts, live: bool) {
        if self.looked.elapsed() < EVERY {
            return;
        }
        self.looked = Instant::now();
        self.say("WATCHDOG=1");
        let asked = self.summary.swap(false, Ordering::Relaxed);
        if !asked && self.metrics.is_none() {
            return;
        }
        let totals = totals(engine, counts, live);
        if asked {
            messages::say(&messages::closing_lines(&totals, counts, live));
        }
        if let Some(metrics) = &mut self.metrics {
            let gauges = Gauges {
                flows: engine.live_flows(),
                flows_limit: self.flows_limit,
                host_octets: engine.host_counters().octets,
                lag: lag(&totals),
            };
            metrics.shared().publish(totals, gauges);
            metrics.write(false);
        }
    }

    /// The run is over.
    pub(super) fn end(&mut self, totals: &Totals) {
        if let Some(metrics) = &mut self.metrics {
            metrics.write(true);
        }
        self.say(&format!("STOPPING=1\nSTATUS={} packets, {} flows", totals.packets, totals.flows));
    }

    fn say(&self, state: &str) {
        // A manager that does not listen is no reason to stop.
        let _ = self.notify.as_ref().map(|socket| socket.send(state.as_bytes()));
    }
}

/// Seconds between the newest packet and now; none where the clock is behind.
fn lag(totals: &Totals) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
    totals.last_time.map_or(0.0, |time| (now - time.0 as f64 / 1e9).max(0.0))
}

/// The socket that `NOTIFY_SOCKET` names, connected while sockets can still be made.
fn socket() -> io::Result<Option<UnixDatagram>> {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Ok(None) };
    let address = match name.as_encoded_bytes().strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(Some(socket))
}
