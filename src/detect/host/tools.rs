//! Scanning tools by what their packets look like.

use super::input::{Attempt, Look};
use super::rules;
use super::sketch::fixed_hash_of;
use crate::detect::rule::Rule;
use crate::flow::features::initial_ttl;
use crate::tcp::options::Layout;
use core::net::IpAddr;

use strum::{IntoStaticStr, VariantArray};

/// Packets of one source that must match.
const ENOUGH: u16 = 3;
/// For the current zmap, whose packets are less peculiar.
const ENOUGH_ZMAP: u16 = 10;

const MSS_ONLY: Layout = Layout(0x3);
/// MSS, NOP, WS, NOP, NOP, SACK permitted: zmap's "windows" probes.
const WINDOWS: Layout = Layout(0x52_2423);

/// A tool that is known by its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Tool {
    /// nmap's raw scans.
    Nmap,
    /// nmap's operating-system detection.
    #[strum(serialize = "nmap -O")]
    NmapOs,
    /// zmap.
    Zmap,
    /// masscan.
    Masscan,
    /// The Mirai family.
    Mirai,
    /// hping3.
    #[strum(serialize = "hping3")]
    Hping,
    /// p0f's p0f-sendsyn.
    P0fSendsyn,
}

impl Tool {
    /// Every tool.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The rule that names it.
    pub(super) const fn rule(self) -> &'static Rule {
        match self {
            Self::Nmap => &rules::FP_NMAP,
            Self::NmapOs => &rules::FP_NMAP_OS,
            Self::Zmap => &rules::FP_ZMAP,
            Self::Masscan => &rules::FP_MASSCAN,
            Self::Mirai => &rules::FP_MIRAI,
            Self::Hping => &rules::FP_HPING,
            Self::P0fSendsyn => &rules::FP_P0FSENDSYN,
        }
    }
}

/// How many packets of one source matched each tool.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prints {
    matched: [u16; 7],
    new_zmap: u16,
    /// What the SYNs that look like nmap's went to: each target counts once.
    nmap_targets: [u32; 2],
    /// The six windows of nmap's sequence probes that were seen.
    os_windows: u8,
    reported: u8,
}

impl Prints {
    /// Looks at a SYN; the tool that is certain from now on, if one is.
    pub(super) fn see(&mut self, a: &Attempt) -> Option<Tool> {
        // What a kernel sends, and none of the prints below: most SYNs.
        let odd_stamps = a.look.timestamps.is_some_and(|(value, _)| value == u32::MAX);
        if a.look.is_of_a_stack() && !matches!(a.look.window, 65535 | 1337) && !odd_stamps {
            return None;
        }
        let nmap = is_nmap(a) && self.is_new_target(a);
        self.count(Tool::Nmap, nmap);
        let os_probe = self.is_new_os_probe(a);
        self.count(Tool::NmapOs, os_probe);
        self.count(Tool::Zmap, is_old_zmap(a));
        self.count(Tool::Masscan, is_masscan(a));
        self.count(Tool::Mirai, is_mirai(a));
        self.count(Tool::Hping, is_hping(a));
        self.count(Tool::P0fSendsyn, a.look.window == 1337 && a.look.mss == Some(1331));
        self.new_zmap = self.new_zmap.saturating_add(u16::from(is_new_zmap(a)));
        let tool = Tool::ALL.iter().copied().find(|tool| !self.is_reported(*tool) && self.is_certain(*tool))?;
        self.reported |= 1 << tool as u8;
        Some(tool)
    }

    /// The tool that is most certain.
    pub(super) fn tool(&self) -> Option<Tool> {
        let certain = |tool: &Tool| self.is_certain(*tool);
        // What matches by a number of 16 bits says more than a window.
        [Tool::Masscan, Tool::Mirai, Tool::NmapOs, Tool::Zmap, Tool::Nmap, Tool::P0fSendsyn, Tool::Hping]
            .into_iter()
            .find(certain)
    }

    /// The source used a connection for data: a small device, whose stack sends such SYNs, if it is not known for a
    /// scanner.
    pub(super) const fn used(&mut self) {
        if !self.is_reported(Tool::Nmap) {
            self.matched[Tool::Nmap as usize] = 0;
            self.nmap_targets = [0; 2];
        }
    }

    /// Whether none of the last two SYNs that looked like this went there.
    fn is_new_target(&mut self, a: &Attempt) -> bool {
        let target = fixed_hash_of(&a.server) as u32 | 1;
        if self.nmap_targets.contains(&target) {
            return false;
        }
        self.nmap_targets = [self.nmap_targets[1], target];
        true
    }

    /// The probes of nmap -O differ in window and MSS; each counts once.
    fn is_new_os_probe(&mut self, a: &Attempt) -> bool {
        let Some(n) = os_probe(&a.look) else { return false };
        let new = self.os_windows >> n & 1 == 0;
        self.os_windows |= 1 << n;
        new
    }

    fn count(&mut self, tool: Tool, matches: bool) {
        let held = &mut self.matched[tool as usize];
        *held = held.saturating_add(u16::from(matches));
    }

    fn is_certain(&self, tool: Tool) -> bool {
        self.matched[tool as usize] >= ENOUGH || (tool == Tool::Zmap && self.new_zmap >= ENOUGH_ZMAP)
    }

    const fn is_reported(&self, tool: Tool) -> bool {
        self.reported >> tool as u8 & 1 == 1
    }
}

/// Which of the SYNs of nmap's operating-system detection this is: the first six are its sequence probes.
fn os_probe(look: &Look) -> Option<usize> {
    const PROBES: [(u16, Option<u16>); 7] = [
        (1, Some(1460)),
        (63, Some(1400)),
        (4, Some(640)),
        (4, None),
        (16, Some(536)),
        (512, Some(265)),
        (31337, Some(265)),
    ];
    let stamped = look.timestamps.is_some_and(|(value, echo)| value == u32::MAX && echo == 0);
    PROBES.iter().position(|p| stamped && *p == (look.window, look.mss))
}

/// Whether a SYN that looks like this is one of the six by which nmap samples initial sequence numbers.
pub(super) fn is_sequence_probe(look: &Look) -> bool {
    os_probe(look).is_some_and(|n| n < 6)
}

/// Window 1024 (older: 2048, 3072, 4096), MSS 1460 and nothing else, no DF where there is one. Over IPv6 no kernel has
/// this segment size on links as they are; versions that know have 1440.
fn is_nmap(a: &Attempt) -> bool {
    let (l, six) = (&a.look, a.server.ip.is_ipv6());
    matches!(l.window, 1024 | 2048 | 3072 | 4096)
        && l.layout == MSS_ONLY
        && (l.mss == Some(1460) || (six && l.mss == Some(1440)))
        && (six || !l.dont_fragment)
        && (six || l.ttl <= 64)
        && !is_masscan(a)
}

fn is_old_zmap(a: &Attempt) -> bool {
    a.look.ip_id == 54321 && a.look.window == 65535 && !a.look.dont_fragment && a.look.layout.0 & !0xf == 0
}

fn is_new_zmap(a: &Attempt) -> bool {
    let l = &a.look;
    a.client.ip.is_ipv4()
        && initial_ttl(l.ttl) == 64
        && !l.dont_fragment
        && l.window == 65535
        && a.client.port >= 32768
        && (l.layout == WINDOWS || l.layout == MSS_ONLY)
}

fn is_masscan(a: &Attempt) -> bool {
    let IpAddr::V4(to) = a.server.ip else { return false };
    let low = (u32::from(to) & 0xffff) as u16;
    a.look.ip_id == low ^ a.server.port ^ (a.isn.0 & 0xffff) as u16
        && a.look.ttl > 128
        && !a.look.dont_fragment
        && (a.look.options_len == 0 || a.look.layout == MSS_ONLY)
}

fn is_mirai(a: &Attempt) -> bool {
    matches!(a.server.ip, IpAddr::V4(to) if u32::from(to) == a.isn.0) && a.look.options_len == 0
}

fn is_hping(a: &Attempt) -> bool {
    a.client.ip.is_ipv4()
        && a.look.window == 512
        && a.look.options_len == 0
        && !a.look.dont_fragment
        && a.look.ttl <= 64
}

#[cfg(test)]
mod tests {
    use super::super::testing::{attempt, tool_look};
    use super::*;
    use crate::tcp::SeqNumber;

    fn masscan(n: u16) -> Attempt {
        let mut a = attempt(i64::from(n), "192.0.2.9", 40000, "198.51.100.7", 1000 + n);
        a.isn = SeqNumber(0x1234_5678 ^ u32::from(n));
        a.look = tool_look(1024, 250, 0x6407 ^ (1000 + n) ^ (a.isn.0 & 0xffff) as u16);
        a
    }

    #[test]
    fn masscan_is_reported_at_the_third_packet() {
        let mut prints = Prints::default();
        assert_eq!((1..3).find_map(|n| prints.see(&masscan(n))), None);
        assert_eq!(prints.see(&masscan(3)), Some(Tool::Masscan));
        assert_eq!(prints.see(&masscan(4)), None, "said once");
        assert_eq!(prints.tool(), Some(Tool::Masscan));
    }

    #[test]
    fn an_operating_system_is_no_tool() {
        let mut prints = Prints::default();
        for n in 0..100 {
            assert_eq!(prints.see(&attempt(n, "192.0.2.9", 40000 + n as u16, "198.51.100.7", 443)), None);
        }
    }

    fn nmap(n: i64, port: u16) -> Attempt {
        let mut a = attempt(n, "192.0.2.9", 40000, "198.51.100.7", port);
        a.look = tool_look(3072, 64, n as u16);
        (a.look.layout, a.look.mss, a.look.options_len) = (MSS_ONLY, Some(1460), 4);
        a
    }

    #[test]
    fn nmap_is_reported_at_the_third_target() {
        let mut prints = Prints::default();
        assert_eq!((1..3).find_map(|n| prints.see(&nmap(n, 1000 + n as u16))), None);
        assert_eq!(prints.see(&nmap(3, 1003)), Some(Tool::Nmap));
    }

    #[test]
    fn nmap_over_ipv6_has_any_hop_limit() {
        let probe = |n: u16, mss: u16| {
            let mut a = nmap(i64::from(n), 1000 + n);
            (a.client.ip, a.server.ip) = ("2001:db8:1::9".parse().unwrap(), "2001:db8:2::7".parse().unwrap());
            (a.look.ttl, a.look.dont_fragment, a.look.mss) = (254, true, Some(mss));
            a
        };
        let reported = |mss| {
            let mut prints = Prints::default();
            (1..=3).filter_map(|n| prints.see(&probe(n, mss))).collect::<Vec<_>>()
        };
        assert_eq!(reported(1460), [Tool::Nmap]);
        assert_eq!(reported(1440), [Tool::Nmap]);
        assert_eq!(reported(1220), []);
    }

    #[test]
    fn a_small_device_is_no_nmap() {
        let mut prints = Prints::default();
        assert_eq!((1..20).find_map(|n| prints.see(&nmap(n, 5000))), None, "one target again and again");
        for n in 0..20 {
            assert_eq!(prints.see(&nmap(n, 1000 + n as u16)), None, "each connection carries data");
            prints.used();
        }
    }

    #[test]
    fn mirai_sends_the_address_as_sequence_number() {
        let mut prints = Prints::default();
        let reported: Vec<_> = (1..=3)
            .filter_map(|n| {
                let mut a = attempt(n, "192.0.2.9", 40000, &format!("198.51.100.{n}"), 23);
                let IpAddr::V4(to) = a.server.ip else { unreachable!() };
                a.isn = SeqNumber(u32::from(to));
                a.look = tool_look(5840, 60, n as u16);
                prints.see(&a)
            })
            .collect();
        assert_eq!(reported, [Tool::Mirai]);
    }
}
