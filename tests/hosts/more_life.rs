//! Ordinary life once more: what runs in data centres, offices and homes, and what fails there.

use std::net::IpAddr;

use synscope::tcp::Endpoint;

use crate::ordinary::Fate::{Kept, Refused, Reset, Silent, Unused, Used};
use crate::ordinary::{DOWN, Kind, Life, NONE, far, v4, v6};
use crate::traffic::{A, FA, PA, R, RA, S, SA};

/// A node's agent probes liveness and readiness of each container; some crash again and again.
fn probes_of_a_node(v: u64) -> Life {
    let mut life = Life::new(v);
    let crash = [Refused, Silent(1_000), Reset][v as usize % 3];
    for second in 0..180_u32 {
        for pod in 0..30_u32 {
            if (second + pod).is_multiple_of(10) {
                let looping = pod % 6 == 1 && (second / 40) % 2 == 0;
                let at = f64::from(second) * 1000.0 + f64::from(pod) * 21.0;
                for port in [8080, 9090] {
                    life.ask(at, v4(7, 1, 0).ip, v4(8, 2 + pod as u8, port), if looping { crash } else { Used });
                }
            }
        }
    }
    life
}

/// Runners of builds begin all at once, each with a service container that is not up yet: they try until it is.
fn waits_for_services(v: u64) -> Life {
    let mut life = Life::new(v);
    for job in 0..20_u32 {
        let (ip, port) = (v4(0, 10 + job as u8, 0).ip, [5432, 6379][v as usize % 2]);
        for n in 0..30 {
            let at = f64::from(job) * 400.0 + f64::from(n) * 250.0;
            life.ask(at, ip, v4(8, 10 + job as u8, port), if n < 26 { Refused } else { Kept });
        }
    }
    life
}

/// A database restarts under a pool that asks as fast as it can.
fn pool_in_a_hurry(v: u64) -> Life {
    let mut life = Life::new(v);
    let fate = [Refused, Silent(900)][v as usize % 2];
    for n in 0..600_u32 {
        let at = f64::from(n) * 10.0;
        let down = (2_000.0..3_500.0).contains(&at);
        life.ask(at, v4(0, 20 + (n % 4) as u8, 0).ip, v4(3, 1, 5432), if down { fate } else { Used });
    }
    life
}

/// A laptop goes from one network to another: all its connections begin anew by another address, the old ones are silent.
fn roams(v: u64) -> Life {
    let mut life = Life::new(v);
    for net in 0..4_u8 {
        let at = f64::from(net) * 30_000.0;
        for n in 0..45_u32 {
            let early = n < 12;
            let to = far(n, [443, 443, 993, 5228][n as usize % 4]);
            let fate = if early { [Silent(3_000), Reset][v as usize % 2] } else { Kept };
            life.ask(at + f64::from(n) * 30.0, v4(20 + net, 9, 0).ip, to, fate);
            if early {
                life.ask(at + 4_000.0 + f64::from(n) * 9.0, v4(20 + net, 9, 0).ip, to, Kept);
            }
        }
    }
    life
}

/// A backup server opens streams to all clients at once; those with a firewall refuse or are silent.
fn backup_fan_out(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..240_u32 {
        let at = f64::from(n) * [5.0, 100.0][v as usize % 2];
        let to = v4(21 + (n / 120) as u8, 5 + (n % 120) as u8, 1556);
        let fate = match life.random(14) {
            0 => Silent(20_000),
            1 => Refused,
            _ => Kept,
        };
        life.ask(at, v4(0, 8, 0).ip, to, fate);
    }
    life
}

/// An edge of a delivery network: thousands of clients, hundreds of origins of which some fail.
fn edge(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..3000_u32 {
        let at = f64::from(n) * 3.0;
        let fate = match life.random(30) {
            0 => Unused,
            1 => Reset,
            _ => Used,
        };
        life.ask(at, far(n, 0).ip, v4(4, 1 + (n % 3) as u8, 443), fate);
        if n % 10 == 0 {
            let origin = life.random(220);
            let fate = match origin % 11 {
                0 => [Silent(2_000), Refused][v as usize % 2],
                _ => Used,
            };
            life.ask(at + 1.0, v4(4, 1 + (n % 3) as u8, 0).ip, far(100_000 + origin, 443), fate);
        }
    }
    life
}

/// A mail server delivers its queue again: the same dead servers each half hour, port 25 of three exchangers each.
fn queue_runs(v: u64) -> Life {
    let mut life = Life::new(v);
    for run in 0..4 {
        for n in 0..90_u32 {
            for exchanger in 0..3 {
                let dead = n % 3 == 0;
                let at = f64::from(run) * 1_800_000.0 + f64::from(n) * [40.0, 900.0][v as usize % 2];
                let at = at + f64::from(exchanger) * 3_100.0;
                if dead || exchanger == 0 {
                    let fate = if dead { [Silent(3_000), Refused][(v / 2) as usize % 2] } else { Used };
                    life.ask(at, v4(4, 2, 0).ip, far(3 * n + exchanger, 25), fate);
                }
            }
        }
    }
    life
}

/// A resolver asks authoritative servers by TCP after truncated answers; a zone's servers drop TCP.
fn truncated_answers(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..500_u32 {
        let fate = match n % 7 {
            0 | 1 => [Silent(1_500), Refused][v as usize % 2],
            _ => Used,
        };
        let from = if (v / 2).is_multiple_of(2) { v4(0, 3, 0).ip } else { v6(1, 3, 0).ip };
        let to = if (v / 2).is_multiple_of(2) { far(n % 180, 53) } else { v6(200 + (n % 180) as u16, 53, 53) };
        life.ask(f64::from(n) * 37.0, from, to, fate);
    }
    life
}

/// A farm of WebSocket servers restarts one by one: thousands of clients come back with a random pause.
fn websockets_come_back(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..1200_u32 {
        let server = v4(4, 10 + (n % 6) as u8, 443);
        let at = f64::from(n % 6) * 5_000.0;
        let again = at + f64::from(life.random([1_500, 4_000][v as usize % 2]));
        let fate = if again < at + 400.0 { Refused } else { Kept };
        life.ask(again, far(n, 0).ip, server, fate);
        if fate == Refused {
            let pause = 1_000.0 + f64::from(life.random(2_000));
            life.ask(again + pause, far(n, 0).ip, server, Kept);
        }
    }
    life
}

/// A tool measures one server with connections that stay, and closes all of them by RST.
fn measured(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..[200, 800][v as usize % 2] {
        let from = Endpoint { ip: v4(0, 9, 0).ip, port: life.port() };
        let (to, c, s) = (v4(6, 1, 8080), life.random(u32::MAX), life.random(u32::MAX));
        let (mut c1, mut s1, at) = (c.wrapping_add(1), s.wrapping_add(1), f64::from(n) * 0.2);
        life.t.send(at, from, to, S, c, 0);
        life.t.send(at + 0.2, to, from, SA, s, c1);
        life.t.send(at + 0.3, from, to, A, c1, s1);
        for turn in 0..4 {
            let at = at + 1.0 + f64::from(turn) * 400.0;
            life.t.send(at, from, to, PA, c1, s1).payload = 60;
            c1 = c1.wrapping_add(60);
            life.t.send(at + 2.0, to, from, PA, s1, c1).payload = 300;
            s1 = s1.wrapping_add(300);
        }
        life.t.send(at + 2_000.0, from, to, RA, c1, s1);
    }
    life
}

/// An office looks for its printers and scanners: each desk asks a few, on all the ports that printers know.
fn looks_for_printers(v: u64) -> Life {
    let mut life = Life::new(v);
    for desk in 0..12_u8 {
        for printer in 0..4_u8 {
            for (n, port) in [9100, 631, 515, 80, 443, 5357].into_iter().enumerate() {
                let at = f64::from(desk) * 5_000.0 + f64::from(printer) * 300.0 + n as f64 * 20.0;
                let fate = match (printer, n) {
                    (3, _) => [Silent(2_000), Refused][v as usize % 2],
                    (_, 2 | 5) => Refused,
                    _ => Unused,
                };
                life.ask(at, v4(0, 10 + desk, 0).ip, v4(9, 10 + printer, port), fate);
            }
        }
    }
    life
}

/// A launcher of games measures the way to its regions, several hosts each, some of which are closed.
fn regions(v: u64) -> Life {
    let mut life = Life::new(v);
    for round in 0..3 {
        for n in 0..28_u32 {
            let fate = match n % 9 {
                0 => Refused,
                1 => Silent(1_000),
                _ => [Unused, Reset][v as usize % 2],
            };
            let at = f64::from(round) * 5_000.0 + f64::from(n) * 35.0;
            life.ask(at, v4(0, 9, 0).ip, far(n, [443, 8443][v as usize / 2 % 2]), fate);
        }
    }
    life
}

/// A download by many: peers dead, behind a NAT, or full; and the host's own listening port.
fn dead_peers(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..700_u32 {
        let at = f64::from(n) * [60.0, 400.0][v as usize % 2];
        let fate = match life.random(12) {
            0 => Kept,
            1 => Unused,
            2 | 3 => Refused,
            _ => Silent([3_000, 20_000][v as usize / 2 % 2]),
        };
        let port = [6881, 51_413, 0][n as usize % 3];
        let port = if port == 0 { 1_024 + life.random(60_000) as u16 } else { port };
        life.ask(at, v4(0, 9, 0).ip, far(n, port), fate);
        if n % 7 == 0 {
            life.ask(at + 20.0, far(5_000 + n, 0).ip, v4(0, 9, 6881), [Kept, Refused][(n / 7 % 2) as usize]);
        }
    }
    life
}

/// An operator knocks on each of a handful of servers before he logs in.
fn knocks_on_many(v: u64) -> Life {
    let mut life = Life::new(v);
    for server in 0..[3, 6][v as usize % 2] {
        for (n, port) in [7000, 8000, 9000].into_iter().enumerate() {
            let fate = [Silent(400), Refused][v as usize / 2 % 2];
            let at = f64::from(server) * 9_000.0 + n as f64 * 250.0;
            life.ask(at, v4(0, 9, 0).ip, v4(6, 1 + server as u8, port), fate);
        }
        life.ask(f64::from(server) * 9_000.0 + 900.0, v4(0, 9, 0).ip, v4(6, 1 + server as u8, 22), Kept);
    }
    life
}

/// Nine in the morning: everybody logs on to a domain, each with a dozen services of two controllers, one of which is down.
fn logs_on(v: u64) -> Life {
    let mut life = Life::new(v);
    for desk in 0..150_u32 {
        let ip: IpAddr = v4(0, 20 + desk as u8, 0).ip;
        for (n, port) in [88, 389, 445, 135, 49_664, 49_667, 88, 3268, 636, 464, 88, 389].into_iter().enumerate() {
            let at = f64::from(desk) * 120.0 + n as f64 * 15.0;
            life.ask(at, ip, v4(3, 10, port), Used);
            if n % 4 == 1 {
                life.ask(at + 3.0, ip, v4(3, 11, port), [Silent(2_000), Refused][v as usize % 2]);
            }
        }
    }
    life
}

/// A gateway with thousands of subscribers behind one address, to few destinations.
fn gateway(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..4000_u32 {
        let to = if n % 3 == 0 { far(1, 443) } else { far(life.random(90), 443) };
        let fate = match life.random(50) {
            0 => Silent(3_000),
            1 => Refused,
            2 => Reset,
            3 => Unused,
            _ => Used,
        };
        life.ask(f64::from(n) * [2.0, 9.0][v as usize % 2], v4(0, 1, 0).ip, to, fate);
    }
    life
}

/// What answers a search of the network is asked for its description, on whatever port it says.
fn described(v: u64) -> Life {
    let mut life = Life::new(v);
    for round in 0..5 {
        for n in 0..18_u32 {
            let port = [49_152, 8060, 1400, 8008, 5000, 2869][n as usize % 6];
            let fate = match n % 8 {
                3 => Refused,
                5 => [Silent(2_000), Refused][v as usize % 2],
                _ => Used,
            };
            let at = f64::from(round) * [30_000.0, 120_000.0][v as usize / 2 % 2] + f64::from(n) * 40.0;
            life.ask(at, v4(0, 9, 0).ip, v4(5, 10 + n as u8, port), fate);
        }
    }
    life
}

/// A collector of logs is down: each of its senders tries again every few seconds.
fn collector_down(v: u64) -> Life {
    let mut life = Life::new(v);
    let down = [Refused, Silent(900)][v as usize % 2];
    for sender in 0..60_u32 {
        for n in 0..20_u32 {
            let at = f64::from(n) * [5_000.0, 1_000.0][v as usize / 2 % 2] + f64::from(sender) * 31.0;
            life.ask(at, v4(22, 1 + sender as u8, 0).ip, v4(6, 1, 601), if n < 3 { Used } else { down });
        }
    }
    life
}

/// A proxy with half of its upstreams down tries the next one for each request.
fn upstreams(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..800_u32 {
        let at = f64::from(n) * [8.0, 60.0][v as usize % 2];
        life.ask(at, far(n % 200, 0).ip, v4(4, 9, 443), Used);
        let first = n % 8;
        if first % 2 == 1 {
            life.ask(
                at + 1.0,
                v4(4, 9, 0).ip,
                v4(1, 10 + first as u8, 8080),
                [Refused, Silent(900)][v as usize / 2 % 2],
            );
        }
        life.ask(at + 2.0, v4(4, 9, 0).ip, v4(1, 10 + (first & !1) as u8, 8080), Used);
    }
    life
}

/// A host that takes another temporary address every few minutes, and whose sites answer by IPv6, most of them.
fn temporary_addresses(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..400_u32 {
        let ip = v6(1, 1000 + (n / 40) as u16 * 37, 0).ip;
        let site = life.random(70) as u16;
        let fate = match site % 10 {
            0 => [Silent(2_000), Refused][v as usize % 2],
            1 => Unused,
            _ => Kept,
        };
        life.ask(f64::from(n) * 700.0, ip, v6(300 + site, site, 443), fate);
        if site.is_multiple_of(10) {
            life.ask(f64::from(n) * 700.0 + 250.0, v4(0, 9, 0).ip, far(site.into(), 443), Kept);
        }
    }
    life
}

/// Cameras that lost their recorder come back again and again, each by its own pace.
fn cameras(v: u64) -> Life {
    let mut life = Life::new(v);
    for camera in 0..64_u32 {
        for n in 0..12_u32 {
            let at = f64::from(camera) * 15.0 + f64::from(n) * (3_000.0 + f64::from(camera % 7) * 400.0);
            let fate = if n < 8 { [Silent(3_000), Refused][v as usize % 2] } else { Kept };
            life.ask(at, v4(23, 1 + camera as u8, 0).ip, v4(6, 7, 554), fate);
        }
    }
    life
}

/// Whoever checks the certificates of a company asks each of its hosts once, on two ports.
fn certificates(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..70_u32 {
        let at = f64::from(n) * [300.0, 5_000.0][v as usize % 2];
        life.ask(at, v4(0, 9, 0).ip, far(n, 443), if n % 12 == 5 { Silent(5_000) } else { Used });
        if n % 5 == 0 {
            life.ask(at + 90.0, v4(0, 9, 0).ip, far(n, 8443), Used);
        }
    }
    life
}

/// A firewall restarts and forgets: everything that was open goes on, is reset, and is opened anew.
fn state_lost(v: u64) -> Life {
    let mut life = Life::new(v);
    for n in 0..300_u32 {
        let from = Endpoint { ip: v4(0, 10 + (n % 100) as u8, 0).ip, port: life.port() };
        let (to, c, s) = (far(n % 60, 443), life.random(u32::MAX), life.random(u32::MAX));
        let at = f64::from(n) * 20.0;
        life.t.send(at, from, to, [PA, FA][v as usize % 2], c, s).payload = if v == 0 { 40 } else { 0 };
        life.t.send(at + 1.0, to, from, R, s, 0);
        life.ask(at + 40.0, from.ip, to, Kept);
    }
    life
}

pub(crate) const KINDS: &[Kind] = &[
    ("probes of a node", 3, probes_of_a_node, DOWN),
    ("waits for services", 2, waits_for_services, DOWN),
    ("pool in a hurry", 2, pool_in_a_hurry, DOWN),
    ("roams", 2, roams, NONE),
    ("backup fan-out", 2, backup_fan_out, NONE),
    ("edge", 2, edge, DOWN),
    ("queue runs", 4, queue_runs, NONE),
    ("truncated answers", 4, truncated_answers, NONE),
    ("WebSockets come back", 2, websockets_come_back, DOWN),
    ("measured", 2, measured, NONE),
    ("looks for printers", 2, looks_for_printers, NONE),
    ("regions", 4, regions, NONE),
    ("dead peers", 4, dead_peers, NONE),
    ("knocks on many", 4, knocks_on_many, NONE),
    ("logs on", 2, logs_on, DOWN),
    ("gateway", 2, gateway, NONE),
    ("described", 4, described, NONE),
    ("collector down", 4, collector_down, DOWN),
    ("upstreams", 4, upstreams, DOWN),
    ("temporary addresses", 2, temporary_addresses, NONE),
    ("cameras", 2, cameras, DOWN),
    ("certificates", 2, certificates, NONE),
    ("state lost", 2, state_lost, NONE),
];
