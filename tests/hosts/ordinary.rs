//! Ordinary life in many forms, of which none is an attack: each kind with several periods, sizes and ways to fail, moved by
//! fractions of a second and cut in the middle.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use synscope::detect::{Scope, Severity};
use synscope::tcp::Endpoint;

use crate::everyday;
use crate::more_life;
use crate::traffic::{A, FA, PA, R, RA, S, SA, Traffic, dice, scattered};

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A request, an answer, closed by the client.
    Used,
    /// A request and an answer, and it stays open.
    Kept,
    /// Opened and closed at once by the client.
    Unused,
    /// The client answers SYN-ACK by RST.
    Reset,
    Refused,
    /// Nothing answers; the SYN is repeated after 1, 3, 7 s, as long as its client waits.
    Silent(u32),
}

use Fate::{Kept, Refused, Reset, Silent, Unused, Used};

/// Traffic of kernels.
pub(crate) struct Life {
    pub(crate) t: Traffic,
    seed: u64,
    port: u16,
    /// Round trip, milliseconds.
    pub(crate) rtt: f64,
}

pub(crate) fn v4(net: u8, host: u8, port: u16) -> Endpoint {
    Endpoint { ip: Ipv4Addr::new(10, 7, net, host).into(), port }
}

/// A host of another network for each `n`.
pub(crate) fn far(n: u32, port: u16) -> Endpoint {
    scattered(n, port)
}

pub(crate) fn v6(net: u16, host: u16, port: u16) -> Endpoint {
    Endpoint { ip: Ipv6Addr::new(0x2001, 0xdb8, net, 0, 0, 0, 0, host).into(), port }
}

impl Life {
    pub(crate) fn new(seed: u64) -> Self {
        Self { t: Traffic::new(), seed, port: 0, rtt: 4.0 }
    }

    pub(crate) fn random(&mut self, below: u32) -> u32 {
        self.seed = self.seed.wrapping_add(1);
        dice(self.seed) % below.max(1)
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// A port as kernels choose one.
    pub(crate) fn port(&mut self) -> u16 {
        self.port = self.port.wrapping_add(7 + self.random(40) as u16);
        32_768 + self.port % 28_000
    }

    pub(crate) fn ask(&mut self, ms: f64, client: IpAddr, to: Endpoint, fate: Fate) {
        let from = Endpoint { ip: client, port: self.port() };
        self.ask_from(ms, from, to, fate);
    }

    pub(crate) fn ask_from(&mut self, ms: f64, from: Endpoint, to: Endpoint, fate: Fate) {
        let (c, s, rtt) = (self.random(u32::MAX), self.random(u32::MAX), self.rtt);
        let t = &mut self.t;
        t.send(ms, from, to, S, c, 0);
        let (c1, s1) = (c.wrapping_add(1), s.wrapping_add(1));
        match fate {
            Silent(patience) => {
                for again in [1_000.0, 3_000.0, 7_000.0, 15_000.0] {
                    if again < f64::from(patience) {
                        t.send(ms + again, from, to, S, c, 0);
                    }
                }
            }
            Refused => {
                t.send(ms + rtt, to, from, RA, 0, c1);
            }
            _ => {
                t.send(ms + rtt, to, from, SA, s, c1);
            }
        }
        let ms = ms + rtt + 0.1;
        match fate {
            Reset => {
                t.send(ms, from, to, R, c1, 0);
            }
            Unused => {
                t.send(ms, from, to, A, c1, s1);
                t.send(ms + 0.1, from, to, FA, c1, s1);
                t.send(ms + rtt, to, from, FA, s1, c1.wrapping_add(1));
                t.send(ms + rtt + 0.1, from, to, A, c1.wrapping_add(1), s1.wrapping_add(1));
            }
            Used | Kept => {
                t.send(ms, from, to, A, c1, s1);
                t.send(ms + 0.1, from, to, PA, c1, s1).payload = 90;
                t.send(ms + rtt, to, from, PA, s1, c1.wrapping_add(90)).payload = 700;
                let (c2, s2) = (c1.wrapping_add(90), s1.wrapping_add(700));
                t.send(ms + rtt + 0.1, from, to, A, c2, s2);
                if fate == Used {
                    t.send(ms + rtt + 1.0, from, to, FA, c2, s2);
                    t.send(ms + 2.0 * rtt + 1.0, to, from, FA, s2, c2.wrapping_add(1));
                    t.send(ms + 2.0 * rtt + 1.1, from, to, A, c2.wrapping_add(1), s2.wrapping_add(1));
                }
            }
            _ => {}
        }
    }
}

/// A kind of traffic: its name, variants of it, how they are made, and what may be said of it at warning or above.
pub(crate) type Kind = (&'static str, u64, fn(u64) -> Life, &'static [&'static str]);

pub(crate) const NONE: &[&str] = &[];
/// Where a service is down, that is so.
pub(crate) const DOWN: &[&str] = &["service-outage", "service-unreachable"];

const PERIODS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Rounds of checks: `n` targets asked one soon after the other, again after each period.
pub(crate) fn rounds(
    life: &mut Life,
    (n, gap): (u32, f64),
    (period, rounds): (f64, u32),
    fate: impl Fn(u32) -> (Endpoint, Fate),
) {
    for round in 0..rounds {
        for k in 0..n {
            let jitter = f64::from(life.random(10)) / 10.0;
            let (to, fate) = fate(k);
            life.ask(f64::from(round) * period * 1000.0 + f64::from(k) * gap + jitter, v4(0, 9, 0).ip, to, fate);
        }
    }
}

fn checks(v: u64) -> Life {
    let mut life = Life::new(v);
    let period = PERIODS[v as usize % 10];
    let healthy = [Reset, Unused, Used][v as usize % 3];
    let dead = [0, 4, 2][v as usize / 10 % 3];
    let fate = |k: u32| match dead {
        0 => healthy,
        share if k.is_multiple_of(share) => {
            if v.is_multiple_of(2) {
                Refused
            } else {
                Silent(3000)
            }
        }
        _ => healthy,
    };
    let n = (180.0 / period).clamp(3.0, 20.0) as u32;
    rounds(&mut life, (40, 20.0), (period, n), |k| (v4(1, 10 + k as u8, 8080), fate(k)));
    life
}

/// One round of checks and no more.
fn one_round(v: u64) -> Life {
    let mut life = Life::new(v);
    let healthy = [Reset, Unused, Used][v as usize % 3];
    let gap = [0.5, 5.0, 50.0, 400.0][v as usize / 3 % 4];
    let dead = if v.is_multiple_of(2) { 0 } else { 5 };
    rounds(&mut life, (40, gap), (1.0, 1), |k| {
        (v4(1, 10 + k as u8, 8080), if dead > 0 && k % dead == 0 { Refused } else { healthy })
    });
    life
}

fn prometheus(v: u64) -> Life {
    let mut life = Life::new(v);
    let period = [15.0, 60.0, 120.0][v as usize % 3];
    let down = if (v / 3).is_multiple_of(2) { Refused } else { Silent(10_000) };
    let (n, gap) = (50, period * 1000.0 / 50.0);
    rounds(&mut life, (n, gap), (period, 4), |k| (v4(2, 10 + k as u8, 9100), if k % 2 == 0 { down } else { Kept }));
    // Those that are up keep their connections.
    life
}

/// A browser whose IPv6 does not work: the twin by IPv4 wins.
fn happy(v: u64) -> Life {
    let mut life = Life::new(v);
    let sites = 32 + 8 * (v as u16 % 5);
    for site in 0..sites {
        let at = f64::from(site) * [300.0, 900.0, 2500.0][v as usize % 3];
        for c in 0..1 + life.random(3) {
            let at = at + f64::from(c) * 20.0;
            let (six, delay) = match v / 3 % 3 {
                0 => (Silent(20_000), 250.0),
                1 => (Refused, 6.0),
                _ => (Silent(2_000), 300.0),
            };
            let net = if v.is_multiple_of(2) { 100 + site } else { 100 };
            life.ask(at, v6(1, 9, 0).ip, v6(net, site, 443), six);
            life.ask(at + delay, v4(0, 9, 0).ip, far(site.into(), 443), Kept);
        }
    }
    life
}

/// IPv6 of all sites answers late: the twin won, and the late one is reset.
fn happy_slow(v: u64) -> Life {
    let mut life = Life::new(v);
    for site in 0..40 + 10 * (v as u16 % 3) {
        let at = f64::from(site) * 700.0;
        life.rtt = 420.0 + f64::from(v as u32 % 4) * 100.0;
        life.ask(at, v6(1, 9, 0).ip, v6(100 + site, site, 443), if v.is_multiple_of(2) { Reset } else { Unused });
        life.rtt = 12.0;
        life.ask(at + 250.0, v4(0, 9, 0).ip, far(site.into(), 443), Used);
    }
    life
}

/// An office whose way out is gone for a while.
fn dead_uplink(v: u64) -> Life {
    let mut life = Life::new(v);
    let (from, lasts) = (20.0, [10.0, 20.0, 30.0, 60.0][v as usize % 4]);
    let clients = [3, 12, 30, 1][v as usize / 4 % 4];
    for client in 0..clients {
        let mut at = f64::from(life.random(1000));
        while at < 100_000.0 {
            let gone = at / 1000.0 > from && at / 1000.0 < from + lasts;
            let to = far(life.random(300), if life.random(4) == 0 { 80 } else { 443 });
            life.ask(at, v4(0, 10 + client, 0).ip, to, if gone { Silent(12_000) } else { Used });
            at += 200.0 + f64::from(life.random(1200));
        }
    }
    life
}

/// A pool of connections comes back after its server was started anew.
fn pool(v: u64) -> Life {
    let mut life = Life::new(v);
    let down = [1.0, 4.0, 15.0][v as usize % 3];
    let app = |n: u32| v4(0, 20 + n as u8, 0).ip;
    for n in 0..8 {
        for c in 0..10 {
            life.ask(f64::from(n * 30 + c * 3), app(n), v4(3, 1, 5432), Kept);
        }
    }
    for n in 0..8 {
        let mut at = 10_000.0 + f64::from(n * 13);
        while at < 10_000.0 + down * 1000.0 {
            life.ask(at, app(n), v4(3, 1, 5432), Refused);
            at += 100.0 + f64::from(life.random(200));
        }
        for c in 0..10 {
            life.ask(at + f64::from(c * 4), app(n), v4(3, 1, 5432), Kept);
        }
    }
    life
}

fn crawler(v: u64) -> Life {
    let mut life = Life::new(v);
    let gap = [10.0, 60.0, 400.0][v as usize % 3];
    for n in 0..500 {
        let fate = match life.random(20) {
            0 => Refused,
            1 => Silent(10_000),
            _ => Used,
        };
        life.ask(f64::from(n) * gap, v4(0, 9, 0).ip, far(n, if n % 3 == 0 { 80 } else { 443 }), fate);
    }
    life
}

/// Fifty hosts behind one address, whose ports are taken again and again.
fn nat(v: u64) -> Life {
    let mut life = Life::new(v);
    let range = [200, 1000, 64_000][v as usize % 3];
    for n in 0..1500 {
        let from = Endpoint { ip: v4(0, 1, 0).ip, port: 1024 + life.random(range) as u16 };
        let fate = match life.random(60) {
            0 => Refused,
            1 => Silent(3_000),
            _ => Used,
        };
        let to = far(life.random(200), 443);
        life.ask_from(f64::from(n) * 25.0, from, to, fate);
    }
    life
}

/// Peers of which most are gone, on one port or on any.
fn peers(v: u64) -> Life {
    let mut life = Life::new(v);
    let gap = [50.0, 300.0, 2000.0][v as usize % 3];
    for n in 0..200 {
        let port = match v / 3 % 3 {
            0 => 6881,
            1 => 8333,
            _ => 10_000 + life.random(50_000) as u16,
        };
        let fate = match life.random(10) {
            0 | 1 => Kept,
            2 | 3 => Refused,
            _ => Silent(7_000),
        };
        life.ask(f64::from(n) * gap, v4(0, 9, 0).ip, far(n, port), fate);
    }
    life
}

/// A server asks each client who it is.
fn ident(v: u64) -> Life {
    let mut life = Life::new(v);
    let service = if v.is_multiple_of(2) { 6667 } else { 25 };
    for n in 0..100 {
        let at = f64::from(n) * [200.0, 1500.0][v as usize / 2 % 2];
        life.ask(at, far(n, 0).ip, v4(4, 1, service), Kept);
        let fate = if (v / 4).is_multiple_of(2) { Silent(10_000) } else { Refused };
        life.ask(at + 10.0, v4(4, 1, 0).ip, far(n, 113), fate);
    }
    life
}

fn mail(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..150 {
        let fate = match life.random(10) {
            0 => Silent(30_000),
            1 => Refused,
            _ => Used,
        };
        life.ask(f64::from(n) * [100.0, 2000.0][v as usize % 2], v4(4, 2, 0).ip, far(n, 25), fate);
    }
    life
}

fn resolver(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..200 {
        let fate = match life.random(10) {
            0 => Refused,
            1 | 2 => Silent(3_000),
            _ => Used,
        };
        life.ask(f64::from(n) * [80.0, 900.0][v as usize % 2], v4(4, 3, 0).ip, far(n % 120, 53), fate);
    }
    life
}

/// A monitor asks three ports of each of forty servers of its own.
fn monitor(v: u64) -> Life {
    let mut life = Life::new(v);
    let period = [30.0, 60.0, 300.0][v as usize % 3];
    let open = if (v / 3).is_multiple_of(2) { Unused } else { Used };
    let n = if period > 100.0 { 3 } else { 5 };
    rounds(&mut life, (120, 100.0), (period, n), |k| {
        let port = [22, 80, 443][k as usize % 3];
        (v4(5, 10 + (k / 3) as u8, port), if k % 7 == 0 { Refused } else { open })
    });
    life
}

fn vpn(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..40 {
        let fate = if n % 8 == 7 { Used } else { [Silent(5_000), Refused][v as usize % 2] };
        life.ask(f64::from(n) * 6_000.0, v4(0, 9, 0).ip, far(n % 3, [443, 1194, 1723][n as usize % 3]), fate);
    }
    life
}

fn bastion(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..100 {
        let fate = if n % 12 == 0 { [Silent(10_000), Refused][v as usize % 2] } else { Used };
        life.ask(f64::from(n) * [30.0, 500.0][v as usize / 2 % 2], v4(0, 9, 0).ip, v4(6, n as u8, 22), fate);
    }
    life
}

fn load_test(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..1500 {
        let client = v4(0, 9 + (n % [1, 4][v as usize % 2]) as u8, 0).ip;
        life.ask(f64::from(n) * 2.0, client, v4(6, 1, 8080), Used);
    }
    life
}

fn backup(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..80 {
        let fate = if n % 10 == 3 { [Silent(20_000), Refused][v as usize % 2] } else { Used };
        life.ask(f64::from(n) * [50.0, 3000.0][v as usize / 2 % 2], v4(0, 9, 0).ip, v4(6, n as u8, 9102), fate);
    }
    life
}

fn browsing(v: u64) -> Life {
    let mut life = Life::new(v);
    for page in 0..30 {
        for n in 0..12 {
            let fate = match life.random(15) {
                0 => Silent(8_000),
                1 => Refused,
                _ => Kept,
            };
            let site = life.random(150);
            life.ask(f64::from(page) * 4000.0 + f64::from(n) * 15.0, v4(0, 9, 0).ip, far(site, 443), fate);
        }
    }
    life
}

/// Clients try a directory server that is gone before they take the second.
fn failover(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..60 {
        let client = v4(0, 10 + (n % 20) as u8, 0).ip;
        let at = f64::from(n) * 700.0;
        life.ask(at, client, v4(3, 1, 389), [Refused, Silent(2_500)][v as usize % 2]);
        life.ask(at + 2_600.0, client, v4(3, 2, 389), Used);
    }
    life
}

fn probes_of_pods(v: u64) -> Life {
    let mut life = Life::new(v);
    let period = [2.0, 10.0, 30.0][v as usize % 3];
    rounds(&mut life, (30, period * 1000.0 / 30.0), (period, 12), |k| {
        let port = [8080, 9090, 3000, 5000, 8443][k as usize % 5];
        (v4(7, 2 + k as u8, port), if k % 6 == 0 { Refused } else { Unused })
    });
    life
}

/// Devices whose service is gone ask again, ever more seldom.
fn devices(v: u64) -> Life {
    let mut life = Life::new(v);
    for device in 0..20 {
        let mut at = f64::from(life.random(2000));
        let mut wait = 1000.0;
        while at < 200_000.0 {
            life.ask(at, v4(0, 40 + device, 0).ip, far(7, 8883), [Refused, Silent(900)][v as usize % 2]);
            at += wait;
            wait = (wait * 2.0_f64).min(60_000.0);
        }
    }
    life
}

fn passive_ftp(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..200 {
        life.ask(
            f64::from(n) * 100.0,
            v4(0, 9, 0).ip,
            v4(6, 1, 30_000 + 7 * n as u16),
            if v == 0 { Used } else { Kept },
        );
    }
    life
}

/// Windows asks a port that is closed three times.
fn asks_thrice(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..30 {
        let client = v4(0, 10 + (n % 6) as u8, 0).ip;
        let from = Endpoint { ip: client, port: life.port() };
        for again in 0..3 {
            life.ask_from(f64::from(n) * 900.0 + f64::from(again) * 500.0, from, far(n % 5, 445), Refused);
        }
    }
    life
}

fn proxy(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..900 {
        let fate = match life.random(25) {
            0 => Silent(15_000),
            1 => Refused,
            _ => Kept,
        };
        let client = v4(0, 10 + life.random(60) as u8, 0).ip;
        life.ask(f64::from(n) * 40.0, client, v4(4, 8, 3128), Kept);
        life.ask(f64::from(n) * 40.0 + 5.0, v4(4, 8, 0).ip, far(life.seed as u32 % (300 + 50 * v as u32), 443), fate);
    }
    life
}

fn directory(v: u64) -> Life {
    let mut life = Life::new(v);
    for (n, port) in [88, 389, 445, 135, 49_152, 49_155, 53, 464, 636, 3268, 3269, 139].into_iter().enumerate() {
        for dc in 0..3 {
            let fate = if v == 1 && n % 4 == 3 { Refused } else { Used };
            life.ask(n as f64 * 90.0 + f64::from(dc) * 3.0, v4(0, 9, 0).ip, v4(3, 1 + dc, port), fate);
        }
    }
    life
}

fn flash_crowd(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..800 {
        life.ask(f64::from(n) * 12.0, far(n, 0).ip, v4(6, 1, 443), Used);
    }
    life
}

/// A container waits for its database.
fn waits_for_it(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..[50, 200][v as usize % 2] {
        life.ask(f64::from(n) * 100.0, v4(0, 9, 0).ip, v4(3, 1, 5432), Refused);
    }
    life.ask(30_000.0, v4(0, 9, 0).ip, v4(3, 1, 5432), Kept);
    life
}

fn relay(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..300 {
        let fate = match life.random(10) {
            0 => [Silent(5_000), Refused][v as usize % 2],
            _ => Kept,
        };
        life.ask(f64::from(n) * 150.0, v4(0, 9, 0).ip, far(n, [9001, 443][n as usize % 2]), fate);
    }
    life
}

/// The farm of a service goes dark while its clients ask on.
fn farm_goes_dark(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..1800 {
        let at = f64::from(n) * 50.0;
        let dark = (20_000.0..50_000.0).contains(&at);
        let client = far(life.random(60), 0).ip;
        let to = v4(8, 10 + life.random(12) as u8, 443);
        life.ask(at, client, to, if dark { [Silent(4_000), Silent(900)][v as usize % 2] } else { Used });
    }
    life
}

/// Servers whose clients' connections are older than they are.
fn rebooted(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..60 {
        let from = Endpoint { ip: far(n, 0).ip, port: life.port() };
        let to = v4(6, 1, 443);
        let (c, s, at) = (life.random(u32::MAX), life.random(u32::MAX), f64::from(n) * 120.0);
        let data = if v == 0 { 0 } else { 30 };
        life.t.send(at, from, to, PA, c, s).payload = data;
        life.t.send(at + 4.0, to, from, R, s, 0);
        life.ask(at + 20.0, from.ip, to, Used);
    }
    life
}

/// A host that slept closes what it had open.
fn wakes_up(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..40 {
        let from = Endpoint { ip: v4(0, 9, 0).ip, port: life.port() };
        let (to, c, s, at) = (far(n, 443), life.random(u32::MAX), life.random(u32::MAX), f64::from(n) * 8.0);
        life.t.send(at, from, to, FA, c, s);
        if v == 0 {
            life.t.send(at + 30.0, to, from, R, s, 0);
        }
        life.ask(at + 300.0, from.ip, to, Kept);
    }
    life
}

fn keepalives_refused(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..50 {
        let from = Endpoint { ip: v4(0, 9, 0).ip, port: life.port() };
        let (to, c, s, at) = (far(n, 443), life.random(u32::MAX), life.random(u32::MAX), f64::from(n) * 30.0);
        life.t.send(at, from, to, A, c, s);
        life.t.send(at + 30.0, to, from, R, s, 0);
    }
    life
}

fn game_lobby(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..60 {
        let fate = if n % 7 == 0 { Refused } else { Unused };
        life.ask(f64::from(n) * [20.0, 200.0][v as usize % 2], v4(0, 9, 0).ip, far(n, 27_015), fate);
    }
    life.ask(20_000.0, v4(0, 9, 0).ip, far(3, 27_015), Kept);
    life
}

fn rsync(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..60 {
        life.ask(
            f64::from(n) * 60_000.0,
            v4(0, 9, 0).ip,
            v4(6, (n % 4) as u8, 873),
            if n % 4 == 0 { Refused } else { Used },
        );
    }
    let _ = v;
    life
}

/// All of a host's tabs load again at once after it found a network.
fn tabs(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..120 {
        let fate = if n < [10, 30][v as usize % 2] { Silent(3_000) } else { Used };
        life.ask(f64::from(n) * 12.0, v4(0, 9, 0).ip, far(n, 443), fate);
    }
    life
}

fn printers(v: u64) -> Life {
    let mut life = Life::new(v);
    rounds(&mut life, (30, 30.0), ([20.0, 45.0, 100.0][v as usize % 3], 5), |k| {
        (v4(9, 10 + k as u8, 9100), if k % 3 == 0 { Silent(2_000) } else { Unused })
    });
    life
}

fn database_opens_unused(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..60 {
        life.ask(f64::from(n) * [5.0, 400.0][v as usize % 2], v4(0, 9, 0).ip, v4(3, 1, 3306), Unused);
    }
    life
}

/// Copies of a service find each other: most of a list is gone.
fn gossip(v: u64) -> Life {
    let mut life = Life::new(v);
    for round in 0..12 {
        for n in 0..40 {
            let at = f64::from(round) * [10_000.0, 30_000.0][v as usize % 2] + f64::from(n) * 200.0;
            let fate = if n % 3 == 0 { Used } else { [Refused, Silent(2_000)][v as usize / 2 % 2] };
            life.ask(at, v4(0, 9, 0).ip, v4(10, 1 + n as u8, 7946), fate);
        }
    }
    life
}

/// A load balancer connects to its back ends for each of its clients, and one of them is down.
fn balancer(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..1500 {
        let at = f64::from(n) * 20.0;
        life.ask(at, far(n % 300, 0).ip, v4(4, 9, 443), Kept);
        let down = n % 8 == 3;
        let fate = if down { [Refused, Silent(900)][v as usize % 2] } else { Kept };
        life.ask(at + 2.0, v4(4, 9, 0).ip, v4(1, 10 + (n % 8) as u8, 8080), fate);
    }
    life
}

fn trackers(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..80 {
        let fate = if n % 3 == 0 { Used } else { [Silent(20_000), Refused][v as usize % 2] };
        life.ask(f64::from(n) * 3_000.0, v4(0, 9, 0).ip, far(n % 27, [80, 6969, 1337][n as usize % 3]), fate);
    }
    life
}

fn ftp_and_chat(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..30 {
        life.ask(f64::from(n) * 1000.0, far(n, 0).ip, v4(4, 1, 21), Kept);
        // Active FTP: the server connects to its client.
        let to = Endpoint { ip: far(n, 0).ip, port: 50_000 + n as u16 };
        life.ask(
            f64::from(n) * 1000.0 + 80.0,
            v4(4, 1, 0).ip,
            to,
            if v == 1 && n % 2 == 0 { Silent(8_000) } else { Used },
        );
    }
    life
}

fn updates(v: u64) -> Life {
    let mut life = Life::new(v);
    for client in 0..40 {
        for n in 0..6 {
            let fate = if n == 2 { [Refused, Silent(2_000)][v as usize % 2] } else { Used };
            life.ask(f64::from(client) * 150.0 + f64::from(n) * 60.0, v4(0, 10 + client, 0).ip, far(n, 80), fate);
        }
    }
    life
}

pub(crate) const KINDS: &[Kind] = &[
    ("health checks", 30, checks, NONE),
    ("one round of checks", 24, one_round, NONE),
    ("Prometheus", 6, prometheus, NONE),
    ("Happy Eyeballs", 18, happy, NONE),
    ("Happy Eyeballs, slow", 8, happy_slow, NONE),
    ("dead uplink", 16, dead_uplink, NONE),
    ("pool of connections", 3, pool, DOWN),
    ("crawler", 3, crawler, NONE),
    ("NAT", 3, nat, &["port-exhaustion"]),
    ("peers", 9, peers, NONE),
    ("ident", 8, ident, NONE),
    ("mail", 2, mail, NONE),
    ("resolver", 2, resolver, NONE),
    ("monitor", 6, monitor, NONE),
    ("VPN", 2, vpn, NONE),
    ("bastion", 4, bastion, NONE),
    ("load test", 2, load_test, NONE),
    ("backup", 4, backup, NONE),
    ("browsing", 3, browsing, NONE),
    ("failover", 2, failover, DOWN),
    ("probes of pods", 3, probes_of_pods, NONE),
    ("devices", 2, devices, DOWN),
    ("passive FTP", 2, passive_ftp, NONE),
    ("asks thrice", 1, asks_thrice, DOWN),
    ("proxy", 3, proxy, NONE),
    ("directory", 2, directory, NONE),
    ("flash crowd", 1, flash_crowd, NONE),
    ("waits for it", 2, waits_for_it, NONE),
    ("relay", 2, relay, NONE),
    ("farm goes dark", 2, farm_goes_dark, DOWN),
    ("rebooted server", 2, rebooted, NONE),
    ("wakes up", 2, wakes_up, NONE),
    ("keep-alives refused", 1, keepalives_refused, NONE),
    ("game lobby", 2, game_lobby, NONE),
    ("rsync", 1, rsync, NONE),
    ("tabs", 2, tabs, NONE),
    ("printers", 3, printers, NONE),
    ("database", 2, database_opens_unused, NONE),
    ("gossip", 4, gossip, NONE),
    ("balancer", 2, balancer, DOWN),
    ("trackers", 2, trackers, NONE),
    ("active FTP", 2, ftp_and_chat, NONE),
    ("updates", 2, updates, DOWN),
];

/// Ways to see the same: as it is, moved, from its middle on, up to its middle.
const VIEWS: [(&str, f64, (f64, f64)); 4] = [
    ("whole", 0.0, (0.0, 1.0)),
    ("moved", 437.3, (0.0, 1.0)),
    ("begins later", 0.0, (0.37, 1.0)),
    ("ends early", 0.0, (0.0, 0.43)),
];

/// What is said of a host at warning or above.
pub(crate) fn alarms(t: &mut Traffic) -> Vec<String> {
    let found = t.found();
    let mut said: Vec<String> = found
        .iter()
        .filter(|a| a.scope == Scope::Host && a.severity >= Severity::Warn)
        .map(|a| format!("{}: {}", a.id, a.reason))
        .collect();
    said.dedup();
    said
}

fn in_view(kind: fn(u64) -> Life, v: u64, (shift, (from, to)): (f64, (f64, f64))) -> Traffic {
    let mut t = kind(v).t;
    let end = t.last_at();
    t.between(from * end, to * end);
    t.moved(shift);
    t
}

/// Of what was asked before observation began, and gets no answer, only the repetitions are seen: whoever asked it is no
/// scanner, wherever the capture begins. Who scans a silent network at its beginning is.
#[test]
fn what_is_older_than_the_capture_is_no_scan() {
    let mut wrong = Vec::new();
    for (name, variants, make) in [("Happy Eyeballs", 18, happy as fn(u64) -> Life), ("ident", 8, ident)] {
        for (v, begin) in (0..variants).zip([0.2, 0.37, 0.5, 0.71].into_iter().cycle()) {
            let said = alarms(&mut in_view(make, v, (0.0, (begin, 1.0))));
            if !said.is_empty() {
                wrong.push(format!("{name} {v} from {begin} on: {}", said.join("; ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut life = Life::new(1);
    for n in 0..60 {
        life.ask(
            f64::from(n) * 200.0,
            v4(0, 9, 0).ip,
            v4(1, n as u8, 445),
            Silent([800, 2_500, 8_000][n as usize % 3]),
        );
    }
    let said = alarms(&mut life.t);
    assert!(said.iter().any(|text| text.starts_with("scan-horizontal")), "{said:?}");
}

/// Plays every kind: each variant in one view, and all views of each kind, by as many of its variants as there are.
fn are_no_attack(kinds: &[Kind]) {
    let (mut wrong, mut all) = (Vec::new(), 0);
    let only = std::env::var("ONLY").ok();
    for (name, variants, make, allowed) in kinds.iter().filter(|k| only.as_deref().is_none_or(|o| k.0.contains(o))) {
        for v in 0..*variants {
            for (n, (view, shift, part)) in VIEWS.into_iter().enumerate() {
                if !(n as u64 + v).is_multiple_of((*variants).min(4)) {
                    continue;
                }
                all += 1;
                let mut said = alarms(&mut in_view(*make, v, (shift, part)));
                said.retain(|text| !allowed.iter().any(|id| text.starts_with(id)));
                if !said.is_empty() {
                    said.truncate(3);
                    wrong.push(format!("{name} {v} {view}: {}", said.join("; ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {all} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn ordinary_life_is_no_attack() {
    are_no_attack(KINDS);
}

#[test]
fn everyday_life_is_no_attack() {
    are_no_attack(everyday::KINDS);
}

#[test]
fn more_of_ordinary_life_is_no_attack() {
    are_no_attack(more_life::KINDS);
}

/// Of which only one direction is captured, or only SYNs: ways to see less.
#[test]
fn ordinary_life_is_no_attack_where_less_of_it_is_seen() {
    let mut wrong = Vec::new();
    for (name, variants, make, _) in KINDS.iter().chain(everyday::KINDS).chain(more_life::KINDS) {
        for (n, part) in ["SYNs", "answers", "one way"].into_iter().enumerate() {
            let mut t = make(n as u64 % variants).t;
            t.only_seen(part);
            // What fails cannot be told from what is not seen to work, but nobody floods.
            let said = alarms(&mut t).into_iter().filter(|text| text.contains("flood")).collect::<Vec<_>>();
            if !said.is_empty() {
                wrong.push(format!("{name}, {part}: {}", said.join("; ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
