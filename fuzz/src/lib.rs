//! What the fuzz targets share: an engine with small tables, and conversations made of arbitrary octets.

#[path = "../../tests/common/frames.rs"]
#[allow(dead_code, unreachable_pub)]
pub mod frames;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use arbitrary::{Result, Unstructured};
use synscope::decode::{Frame, LinkType};
use synscope::engine::{Engine, Settings, Sink};
use synscope::flow::Limits;
use synscope::time::Timestamp;

use frames::SYN_OPTIONS;

/// Packets of a conversation at most.
const MOST: usize = 200;
/// How far one packet is from the one before, nanoseconds: crossing, ordinary, late, backwards, and at the ends of time.
const STEPS: [i64; 10] =
    [0, 1, 1_000_000, 50_000_000, 1_000_000_000, 6_000_000_000, 300_000_000_000, -1_000_000_000, i64::MAX, i64::MIN];
/// Places of sequence numbers relative to the first: those at which something changes.
const PLACES: [u32; 10] = [0, 1, 2, 101, 1461, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

/// A packet and its time.
pub struct Packet {
    pub time: Timestamp,
    pub octets: Vec<u8>,
    /// Octets on the wire.
    pub wire_len: u32,
}

/// An engine whose tables fill soon.
pub fn engine(flows: usize) -> Engine {
    let limits = Limits::default().for_flows(flows.max(1));
    Engine::new(&Settings { limits, ..Settings::default() }).expect("settings")
}

/// A packet with this number, as Ethernet.
pub fn frame<'a>(packet: &'a Packet, number: u64) -> Frame<'a> {
    Frame {
        number,
        time: packet.time,
        link: LinkType(1),
        interface: 0,
        wire_len: packet.wire_len,
        data: &packet.octets,
    }
}

/// Shows packets to an engine, whole ones and its end.
pub fn run(engine: &mut Engine, packets: &[Packet], sink: &mut dyn Sink) {
    for (n, packet) in packets.iter().enumerate() {
        engine.frame(&frame(packet, n as u64 + 1), sink);
    }
    engine.finish(sink);
}

/// A conversation: few endpoints, flags of any kind, numbers near those that matter, times in no order.
pub fn conversation(u: &mut Unstructured<'_>) -> Result<Vec<Packet>> {
    let mut packets: Vec<Packet> = Vec::new();
    let mut time = 1_700_000_000_000_000_000i64;
    while !u.is_empty() && packets.len() < MOST {
        time = time.wrapping_add(*u.choose(&STEPS)?);
        if u.ratio(1, 16)?
            && let Some(last) = packets.last()
        {
            let octets = last.octets.clone();
            packets.push(Packet { time: Timestamp(time), wire_len: last.wire_len, octets });
            continue;
        }
        let octets = packet(u)?;
        let wire_len = octets.len() as u32;
        let kept = if u.ratio(1, 16)? { u.int_in_range(0..=octets.len())? } else { octets.len() };
        packets.push(Packet { time: Timestamp(time), octets: octets[..kept].to_vec(), wire_len });
    }
    Ok(packets)
}

fn packet(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let v6 = u.ratio(1, 4)?;
    let host = |n: u8| -> IpAddr {
        if v6 {
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()).into()
        } else {
            Ipv4Addr::new(192, 0, 2, n).into()
        }
    };
    let (client, server) = (u.int_in_range(1..=3u8)?, u.int_in_range(4..=5u8)?);
    let ends = [SocketAddr::new(host(client), 40_000 + u16::from(client)), SocketAddr::new(host(server), 443)];
    let back: bool = u.arbitrary()?;
    let base = |client: bool| if client { 0xffff_ff00u32 } else { 1_000_000 };
    let place = |u: &mut Unstructured<'_>| u.choose(&PLACES).copied();
    let (seq, ack) = (base(!back).wrapping_add(place(u)?), base(back).wrapping_add(place(u)?));
    let any = u.arbitrary()?;
    let flags: u8 = *u.choose(&[0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14, 0xc2, 0x52, any])?;
    let options: &[u8] = match u.int_in_range(0..=3u8)? {
        0 => SYN_OPTIONS,
        1 => u.bytes(u.len().min(12))?,
        _ => &[],
    };
    let payload: &[u8] = if u.ratio(1, 2)? { &[7; 100] } else { &[] };
    let mut frame = frames::Frame::new(ends[usize::from(back)], ends[usize::from(!back)])
        .with(flags, seq, ack)
        .options(&options[..options.len() / 4 * 4])
        .payload(payload);
    frame.window = *u.choose(&[0, 1, 1460, 64_240, 65_535])?;
    frame.id = u.arbitrary()?;
    frame.ttl = *u.choose(&[1, 57, 64, 128])?;
    frame.vlan = u.ratio(1, 8)?.then_some(7);
    Ok(frame.bytes())
}
