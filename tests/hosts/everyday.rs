//! More of ordinary life: mail, clusters, monitoring, benchmarks, fleets of devices, and what fails among them.

use std::net::IpAddr;

use synscope::tcp::Endpoint;

use crate::ordinary::Fate::{Kept, Refused, Silent, Unused, Used};
use crate::ordinary::{DOWN, Kind, Life, NONE, far, rounds, v4};
use crate::traffic::{A, PA, R, S, SA};

/// Senders that a mail server puts off and that come again; it asks their own servers whether the address exists.
fn greylisting(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..120 {
        let at = f64::from(n) * 250.0;
        life.ask(at, far(n, 0).ip, v4(4, 2, 25), Used);
        life.ask(at + 60_000.0, far(n, 0).ip, v4(4, 2, 25), Used);
        let fate = match life.random(10) {
            0..3 => Silent(10_000),
            3 => Refused,
            _ => Used,
        };
        life.ask(at + 120.0, v4(4, 2, 0).ip, far(n + if v == 0 { 0 } else { 500 }, 25), fate);
    }
    life
}

/// Runners of builds pull layers from a few registries and their mirrors, one of which is gone.
fn runners(v: u64) -> Life {
    let mut life = Life::new(v);
    for job in 0..40 {
        let runner = v4(0, 10 + (job % 8) as u8, 0).ip;
        for n in 0..25 {
            let mirror = life.random(12);
            let fate = if mirror == 3 { [Refused, Silent(1_500)][v as usize % 2] } else { Used };
            life.ask(f64::from(job) * 900.0 + f64::from(n) * 6.0, runner, far(mirror, 443), fate);
        }
    }
    life
}

/// Pods are replaced one after the other: probes and clients meet the old address a while longer.
fn rolling_restart(v: u64) -> Life {
    let mut life = Life::new(v);
    let gone = [Refused, Silent(900)][v as usize % 2];
    for second in 0..120 {
        let replaced = second / 10;
        for pod in 0..12 {
            let old = pod < replaced;
            let to = v4(7, if old { 100 + pod } else { 2 + pod } as u8, 8080);
            life.ask(f64::from(second) * 1000.0 + f64::from(pod) * 30.0, v4(7, 1, 0).ip, to, Unused);
        }
        for n in 0..10 {
            let pod = life.random(12);
            let late = pod < replaced && life.random(12) == 0;
            let to = v4(7, if pod < replaced && !late { 100 + pod } else { 2 + pod } as u8, 8080);
            let fate = if late { gone } else { Used };
            life.ask(f64::from(second) * 1000.0 + f64::from(n) * 93.0, v4(0, 10 + n as u8, 0).ip, to, fate);
        }
    }
    life
}

/// The first of two databases dies, and all of its clients go to the second.
fn database_failover(v: u64) -> Life {
    let mut life = Life::new(v);
    for client in 0..30_u8 {
        let ip = v4(0, 10 + client, 0).ip;
        for n in 0..5 {
            life.ask(f64::from(n) * 2000.0 + f64::from(client) * 17.0, ip, v4(3, 1, 3306), Kept);
        }
        for n in 0..6 {
            let at = 12_000.0 + f64::from(n) * 900.0 + f64::from(client) * 23.0;
            life.ask(at, ip, v4(3, 1, 3306), [Silent(2_000), Refused][v as usize % 2]);
        }
        for n in 0..5 {
            life.ask(18_000.0 + f64::from(n) * 500.0 + f64::from(client) * 11.0, ip, v4(3, 2, 3306), Kept);
        }
    }
    life
}

/// A host that watches others without an agent: several ports of each, of which some are closed.
fn agentless(v: u64) -> Life {
    let mut life = Life::new(v);
    let period = [60.0, 300.0][v as usize % 2];
    let closed = [Refused, Silent(2_000)][v as usize / 2 % 2];
    rounds(&mut life, (160, 120.0), (period, 4), |k| {
        let port = [22, 135, 161, 443, 5985][k as usize % 5];
        (v4(5, 10 + (k / 5) as u8, port), if k % 5 == 2 || k % 17 == 0 { closed } else { Used })
    });
    life
}

/// A laptop changes its network: what was open is reset or silent, and everything is asked for again.
fn vpn_comes_back(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..40 {
        life.ask(f64::from(n) * 200.0, v4(0, 9, 0).ip, far(n, 443), Kept);
    }
    for n in 0..40 {
        let at = 20_000.0 + f64::from(n) * 25.0;
        life.ask(at, v4(0, 9, 0).ip, far(n, 443), [Silent(5_000), Refused][v as usize % 2]);
        life.ask(at + 9_000.0, v4(0, 9, 0).ip, far(n, 443), Kept);
    }
    life
}

/// Hundreds of subscribers behind one address.
fn carrier_nat(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..1200 {
        let fate = match life.random(40) {
            0 => Silent(7_000),
            1 => Refused,
            2 => Unused,
            _ => Used,
        };
        let (to, port) = (life.random(600), [443, 443, 443, 80, 5222, 993][life.random(6) as usize]);
        life.ask(f64::from(n) * [4.0, 20.0][v as usize % 2], v4(0, 1, 0).ip, far(to, port), fate);
    }
    life
}

fn resolver_by_tcp(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..400 {
        let fate = match life.random(12) {
            0 => Silent(3_000),
            1 => [Refused, Silent(1_500)][v as usize % 2],
            _ => Used,
        };
        life.ask(f64::from(n) * 60.0, v4(0, 3, 0).ip, far(n % 260, 53), fate);
    }
    life
}

/// A print server tries its printers, of which half are off, whenever somebody prints.
fn print_server(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..160 {
        let printer = life.random(40);
        let fate = if printer.is_multiple_of(2) { [Silent(3_000), Refused][v as usize % 2] } else { Used };
        let port = [9100, 515, 631][life.random(3) as usize];
        life.ask(
            f64::from(n) * [400.0, 3000.0][v as usize / 2 % 2],
            v4(0, 8, 0).ip,
            v4(9, 10 + printer as u8, port),
            fate,
        );
    }
    life
}

/// Every night a server asks all machines for what is new; those that are off are silent.
fn backup_window(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..200 {
        let fate = if n % 9 == 4 { Silent(10_000) } else { Used };
        life.ask(f64::from(n) * [30.0, 800.0][v as usize % 2], v4(0, 8, 0).ip, v4(11, n as u8, 10_000), fate);
    }
    life
}

/// A client of a file-sharing network with a full list of peers, which also ask it.
fn torrent(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..400 {
        let port = if n % 3 == 0 { 6881 } else { 10_000 + life.random(50_000) as u16 };
        let fate = match life.random(10) {
            0..2 => Kept,
            2 => Refused,
            _ => Silent(7_000),
        };
        let at = f64::from(n) * [25.0, 150.0][v as usize % 2];
        life.ask(at, v4(0, 9, 0).ip, far(n, port), fate);
        if n % 5 == 0 {
            life.ask(at + 40.0, far(n + 1000, 0).ip, v4(0, 9, 51_413), Kept);
        }
    }
    life
}

/// Devices that come back together after their power did: their service takes a while.
fn fleet(v: u64) -> Life {
    let mut life = Life::new(v);
    for device in 0..300 {
        let at = f64::from(life.random(3000));
        let ip = v4(20 + (device / 200) as u8, (device % 200) as u8, 0).ip;
        if device % 4 == 0 {
            life.ask(at, ip, far(7, 8883), [Silent(900), Refused][v as usize % 2]);
            let again = at + 2_000.0 + f64::from(life.random(3000));
            life.ask(again, ip, far(7, 8883), Kept);
        } else {
            life.ask(at, ip, far(7, 8883), Kept);
        }
    }
    life
}

/// A browser opens all of its tabs: several connections to each of many sites, some by both families.
fn sixty_tabs(v: u64) -> Life {
    let mut life = Life::new(v);
    for tab in 0..60 {
        let at = f64::from(tab) * [15.0, 90.0][v as usize % 2];
        for n in 0..4 {
            let fate = match life.random(25) {
                0 => Silent(8_000),
                1 => Refused,
                2..5 => Unused,
                _ => Kept,
            };
            life.ask(at + f64::from(n) * 7.0, v4(0, 9, 0).ip, far(tab * 5 + n, 443), fate);
        }
    }
    life
}

/// A benchmark makes a connection for each request, and may ask for more than the server takes.
fn benchmark(v: u64) -> Life {
    let mut life = Life::new(v);
    let gap = [0.4, 2.0][v as usize % 2];
    for n in 0..1500 {
        let lost = v >= 2 && n > 500 && n % 9 == 0;
        life.ask(f64::from(n) * gap, v4(0, 9, 0).ip, v4(6, 1, 8080), if lost { Refused } else { Used });
    }
    life
}

/// A benchmark that holds its connections, and one against a server that hangs for a while.
fn benchmark_that_holds(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..400_u32 {
        let at = f64::from(n) * 0.5;
        if v == 0 {
            life.ask(at, v4(0, 9, 0).ip, v4(6, 1, 8080), Kept);
            continue;
        }
        // The answer comes after 8 s.
        let (from, to) = (Endpoint { ip: v4(0, 9, 0).ip, port: life.port() }, v4(6, 1, 8080));
        let (c, s) = (life.random(u32::MAX), life.random(u32::MAX));
        let (c1, s1) = (c.wrapping_add(1), s.wrapping_add(1));
        life.t.send(at, from, to, S, c, 0);
        life.t.send(at + 1.0, to, from, SA, s, c1);
        life.t.send(at + 1.1, from, to, A, c1, s1);
        life.t.send(at + 1.2, from, to, PA, c1, s1).payload = 90;
        life.t.send(at + 8_000.0, to, from, PA, s1, c1.wrapping_add(90)).payload = 700;
    }
    life
}

/// A client knocks at a few ports before the one it wants opens.
fn knocking(v: u64) -> Life {
    let mut life = Life::new(v);
    for client in 0..[1, 12][v as usize % 2] {
        let (ip, at) = (v4(0, 9 + client, 0).ip, f64::from(client) * 7_000.0);
        for (n, port) in [7000, 8000, 9000, 7001].into_iter().enumerate() {
            life.ask(at + n as f64 * 300.0, ip, v4(6, 1, port), Silent(500));
        }
        life.ask(at + 2_000.0, ip, v4(6, 1, 22), Kept);
    }
    life
}

/// A whole office waits for mail on connections that stay open.
fn idle_mail(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..450 {
        let from = if v == 0 { v4(0, 1, 0).ip } else { v4(0, 10 + (n % 150) as u8, 0).ip };
        life.ask(f64::from(n) * 15.0, from, far(1, 993), Kept);
    }
    life
}

/// A node is asked for many ports again and again: a probe for each of its containers.
fn ports_of_a_node(v: u64) -> Life {
    let mut life = Life::new(v);
    let period = [5.0, 10.0, 30.0][v as usize % 3];
    let down = if (v / 3).is_multiple_of(2) { Refused } else { Silent(900) };
    rounds(&mut life, (40, period * 1000.0 / 45.0), (period, 10), |k| {
        (v4(7, 9, 30_000 + 7 * k as u16), if k % 8 == 0 { down } else { Unused })
    });
    life
}

/// Every member of a cluster checks every other, and two of them are gone.
fn members(v: u64) -> Life {
    let mut life = Life::new(v);
    for round in 0..10 {
        for from in 0..20_u8 {
            for to in 0..20_u8 {
                let gone = to < 2;
                if from == to || from < 2 {
                    continue;
                }
                let at = f64::from(round) * 10_000.0 + f64::from(from) * 400.0 + f64::from(to) * 18.0;
                let fate = if gone { [Silent(2_000), Refused][v as usize % 2] } else { Unused };
                life.ask(at, v4(12, 10 + from, 0).ip, v4(12, 10 + to, 8301), fate);
            }
        }
    }
    life
}

/// A tool runs the same on many machines, some of which are off.
fn orchestration(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..150 {
        let fate = if n % 10 == 6 { [Silent(10_000), Refused][v as usize % 2] } else { Used };
        life.ask(f64::from(n) * [20.0, 700.0][v as usize / 2 % 2], v4(0, 9, 0).ip, v4(13, n as u8, 22), fate);
    }
    life
}

/// Browsers connect ahead: one of two connections is not used, and is closed after a while.
fn ahead(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..700 {
        let at = f64::from(n) * 10.0;
        life.ask(at, far(n, 0).ip, v4(6, 1, 443), Used);
        let from = Endpoint { ip: far(n, 0).ip, port: life.port() };
        let (to, c, s) = (v4(6, 1, 443), life.random(u32::MAX), life.random(u32::MAX));
        life.t.send(at + 1.0, from, to, S, c, 0);
        life.t.send(at + 5.0, to, from, SA, s, c.wrapping_add(1));
        life.t.send(at + 5.1, from, to, A, c.wrapping_add(1), s.wrapping_add(1));
        if v == 0 {
            life.t.send(at + 25_000.0, from, to, R, c.wrapping_add(1), 0);
        }
    }
    life
}

/// Senders of logs say all, and their collector nothing.
fn logs(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..400_u32 {
        let host: IpAddr = if v == 0 { v4(14, (n % 250) as u8, 0).ip } else { far(n % 350, 0).ip };
        let (from, to, at) = (Endpoint { ip: host, port: life.port() }, v4(6, 1, 514), f64::from(n) * 30.0);
        let (c, s) = (life.random(u32::MAX), life.random(u32::MAX));
        let (mut c1, s1) = (c.wrapping_add(1), s.wrapping_add(1));
        life.t.send(at, from, to, S, c, 0);
        life.t.send(at + 1.0, to, from, SA, s, c1);
        life.t.send(at + 1.1, from, to, A, c1, s1);
        for line in 0..4 {
            life.t.send(at + 2.0 + f64::from(line) * 9_000.0, from, to, PA, c1, s1).payload = 120;
            c1 = c1.wrapping_add(120);
        }
    }
    life
}

/// A proxy whose way out is gone for a while: its own clients still get in.
fn proxy_without_uplink(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..600 {
        let at = f64::from(n) * 60.0;
        let gone = (12_000.0..24_000.0).contains(&at);
        life.ask(at, v4(0, 10 + life.seed() as u8 % 40, 0).ip, v4(4, 8, 3128), Kept);
        let to = far(life.random(200), 443);
        life.ask(at + 4.0, v4(4, 8, 0).ip, to, if gone { Silent([5_000, 900][v as usize % 2]) } else { Used });
    }
    life
}

/// Telephones register by TCP, and move to the second server when the first is restarted.
fn telephones(v: u64) -> Life {
    let mut life = Life::new(v);
    for phone in 0..80_u8 {
        let (ip, at) = (v4(15, 10 + phone, 0).ip, f64::from(phone) * 40.0);
        life.ask(at, ip, v4(3, 5, 5061), Kept);
        life.ask(at + 15_000.0, ip, v4(3, 5, 5061), [Refused, Silent(900)][v as usize % 2]);
        life.ask(at + 16_500.0, ip, v4(3, 6, 5061), Kept);
    }
    life
}

/// A player's client asks the servers of a list how far they are.
fn lobby(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..90 {
        let fate = match life.random(8) {
            0 => Silent(2_000),
            1 => Refused,
            _ => Unused,
        };
        life.ask(f64::from(n) * [10.0, 120.0][v as usize % 2], v4(0, 9, 0).ip, far(n, 25_565), fate);
    }
    life.ask(15_000.0, v4(0, 9, 0).ip, far(5, 25_565), Kept);
    life
}

pub(crate) const KINDS: &[Kind] = &[
    ("greylisting", 2, greylisting, NONE),
    ("runners", 2, runners, DOWN),
    ("rolling restart", 2, rolling_restart, DOWN),
    ("database fail-over", 2, database_failover, DOWN),
    ("agentless monitoring", 4, agentless, NONE),
    ("VPN comes back", 2, vpn_comes_back, NONE),
    ("carrier NAT", 2, carrier_nat, NONE),
    ("resolver by TCP", 2, resolver_by_tcp, NONE),
    ("print server", 4, print_server, NONE),
    ("backup window", 2, backup_window, NONE),
    ("torrent", 2, torrent, NONE),
    ("fleet", 2, fleet, DOWN),
    ("sixty tabs", 2, sixty_tabs, NONE),
    ("benchmark", 4, benchmark, NONE),
    ("benchmark that holds", 2, benchmark_that_holds, NONE),
    ("knocking", 2, knocking, NONE),
    ("idle mail", 2, idle_mail, NONE),
    ("ports of a node", 6, ports_of_a_node, NONE),
    ("members of a cluster", 2, members, DOWN),
    ("orchestration", 4, orchestration, NONE),
    ("connected ahead", 2, ahead, NONE),
    ("logs", 2, logs, NONE),
    ("proxy without uplink", 2, proxy_without_uplink, DOWN),
    ("telephones", 2, telephones, DOWN),
    ("lobby", 2, lobby, NONE),
];
