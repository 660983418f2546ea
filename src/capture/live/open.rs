//! Opening interfaces, and what to say when that fails.

use std::net::IpAddr;
use std::time::Duration;

use pcap::{Active, Capture, Device, Linktype};

use super::options::{Direction, LiveOptions, snaplen};
use crate::capture::libpcap::{Tick, from_dlt, message};
use crate::capture::{CaptureError, Filter};
use crate::decode::LinkType;

/// The kernel hands over a block of frames after this long, full or not.
const BLOCK_TIMEOUT: Duration = Duration::from_millis(100);
/// The same with several interfaces, whose frames wait for each other.
const SHORT_TIMEOUT: Duration = Duration::from_millis(20);
/// The loopback interface of Linux.
const LOOPBACK: &str = "lo";
/// Linux cooked v2, which names the interface of each frame.
const LINUX_SLL2: Linktype = Linktype(276);

/// An interface that is being captured on.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) capture: Capture<Active>,
    pub(super) link: LinkType,
    pub(super) tick: Tick,
    /// How long the kernel keeps a frame back at most.
    pub(super) block: Duration,
    /// Whether libpcap passes on all that the kernel counts.
    pub(super) counts_are_exact: bool,
}

/// An interface that could be captured on.
#[derive(Clone, Debug)]
pub struct InterfaceInfo {
    /// What `-i` takes.
    pub name: String,
    /// What libpcap says of it.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is up.
    pub up: bool,
    /// Whether it is up and connected.
    pub running: bool,
    /// Whether it is the loopback interface.
    pub loopback: bool,
    /// Whether it is wireless.
    pub wireless: bool,
}

/// All interfaces that libpcap knows of, in its order.
///
/// # Errors
///
/// [`CaptureError::Interface`] when libpcap does not know.
pub fn list_interfaces() -> Result<Vec<InterfaceInfo>, CaptureError> {
    let devices = Device::list().map_err(|error| CaptureError::Interface {
        operation: "list them",
        interface: "interfaces".to_owned(),
        reason: message(error),
    })?;
    Ok(devices.into_iter().map(describe).collect())
}

fn describe(device: Device) -> InterfaceInfo {
    InterfaceInfo {
        addresses: device.addresses.iter().map(|address| address.addr).collect(),
        up: device.flags.is_up(),
        running: device.flags.is_running(),
        loopback: device.flags.is_loopback(),
        wireless: device.flags.is_wireless(),
        name: device.name,
        description: device.desc,
    }
}

/// Opens one interface as the options say.
pub(super) fn open(name: &str, options: &LiveOptions) -> Result<Opened, CaptureError> {
    let any = name == "any";
    let refused = |operation| move |error| refusal(name, operation, message(error));
    let mut capture = activate(name, options, options.promiscuous && !any)?;
    match &options.link_type {
        Some(wanted) => set_link_type(&mut capture, name, wanted)?,
        None if any => prefer_cooked_v2(&mut capture),
        None => {}
    }
    if options.direction != Direction::Both {
        let direction = match options.direction {
            Direction::In => pcap::Direction::In,
            Direction::Out => pcap::Direction::Out,
            Direction::Both => pcap::Direction::InOut,
        };
        capture.direction(direction).map_err(refused("take one direction only"))?;
    }
    let link = from_dlt(capture.get_datalink().0);
    if let Some(filter) = &options.filter {
        set_filter(&mut capture, filter, link)?;
    }
    let capture = capture.setnonblock().map_err(refused("read without blocking"))?;
    Ok(Opened {
        name: name.to_owned(),
        capture,
        link,
        tick: TICK,
        block: block_timeout(options),
        counts_are_exact: counts_are_exact(name, options),
    })
}

/// The kernel's resolution where every interface offers it.
const TICK: Tick = if cfg!(target_os = "linux") { Tick::Nanosecond } else { Tick::Microsecond };

const fn block_timeout(options: &LiveOptions) -> Duration {
    if options.interfaces.len() > 1 { SHORT_TIMEOUT } else { BLOCK_TIMEOUT }
}

fn activate(name: &str, options: &LiveOptions, promiscuous: bool) -> Result<Capture<Active>, CaptureError> {
    let precision = match TICK {
        Tick::Nanosecond => pcap::Precision::Nano,
        Tick::Microsecond => pcap::Precision::Micro,
    };
    let prepared = Capture::from_device(name).map(|capture| {
        capture
            .snaplen(i32::try_from(snaplen(options)).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(options.ring()).unwrap_or(i32::MAX))
            .timeout(i32::try_from(block_timeout(options).as_millis()).unwrap_or(i32::MAX))
            .immediate_mode(false)
            .promisc(promiscuous)
            .precision(precision)
    });
    match prepared.and_then(Capture::open).map_err(message) {
        Ok(capture) => Ok(capture),
        // Some interfaces cannot be promiscuous, which is no reason not to listen.
        Err(reason) if promiscuous && reason.to_lowercase().contains("promisc") => activate(name, options, false),
        Err(reason) => Err(refusal(name, "capture", reason)),
    }
}

fn set_link_type(capture: &mut Capture<Active>, name: &str, wanted: &str) -> Result<(), CaptureError> {
    let chosen = Linktype::from_name(wanted).is_ok_and(|link| capture.set_datalink(link).is_ok());
    if chosen {
        return Ok(());
    }
    let links = capture.list_datalinks().unwrap_or_default();
    let offered: Vec<_> = links.iter().filter_map(|link| link.get_name().ok()).collect();
    Err(CaptureError::Usage(format!("{name} does not offer link type {wanted}; it offers {}", offered.join(", "))))
}

/// On `any`, frames name their interface in the newer of the two cooked formats; an older libpcap has the other only.
fn prefer_cooked_v2(capture: &mut Capture<Active>) {
    if capture.list_datalinks().is_ok_and(|links| links.contains(&LINUX_SLL2)) {
        // If it does not work the older format is as good for everything else.
        let _ = capture.set_datalink(LINUX_SLL2);
    }
}

/// Whether libpcap passes on all that the kernel counts: not what goes the other way, nor the first of the two times
/// that a frame passes a loopback interface.
fn counts_are_exact(name: &str, options: &LiveOptions) -> bool {
    options.direction == Direction::Both && name != LOOPBACK && name != "any"
}

fn set_filter(capture: &mut Capture<Active>, filter: &Filter, link: LinkType) -> Result<(), CaptureError> {
    let expression = filter.for_link(link)?;
    capture.filter(expression, true).map_err(|error| CaptureError::BadFilter {
        expression: expression.to_owned(),
        link: crate::capture::link_name(link),
        reason: message(error),
        place: None,
    })
}

/// What libpcap's message means. libpcap does not report cause or code otherwise.
fn refusal(name: &str, operation: &'static str, reason: String) -> CaptureError {
    let interface = name.to_owned();
    let lower = reason.to_lowercase();
    if ["permission", "not permitted", "cap_net_raw"].iter().any(|word| lower.contains(word)) {
        let program = std::env::current_exe().unwrap_or_else(|_| "synscope".into());
        return CaptureError::Permission { interface, program };
    }
    if lower.contains("no such device") {
        return CaptureError::NoSuchInterface { interface, known: usable() };
    }
    CaptureError::Interface { operation, interface, reason }
}

/// Names of interfaces that one would want to capture on.
fn usable() -> Vec<String> {
    let all = list_interfaces().unwrap_or_default();
    all.into_iter().filter(|i| i.up && (i.running || !i.addresses.is_empty())).map(|i| i.name).take(12).collect()
}
