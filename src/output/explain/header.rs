//! The TCP header as a field map (RFC 9293 figure 1), with the values of one segment in it.

use core::fmt::Write as _;

use super::locale::{Locale, Words, words};
use super::{Document, Level};
use crate::flow::Flow;
use crate::tcp::{Checksum, Endpoint, Flags, Headers, Options, Segment, SeqNumber};

/// Columns inside the box: 32 bits of two columns each, less the last line.
const INSIDE: usize = 63;
/// The control bits from left to right, each with its letter in the map.
const BITS: [(Flags, &str, &str); 9] = [
    (Flags::AE, "N", "AE"),
    (Flags::CWR, "C", "CWR"),
    (Flags::ECE, "E", "ECE"),
    (Flags::URG, "U", "URG"),
    (Flags::ACK, "A", "ACK"),
    (Flags::PSH, "P", "PSH"),
    (Flags::RST, "R", "RST"),
    (Flags::SYN, "S", "SYN"),
    (Flags::FIN, "F", "FIN"),
];

/// What is known of a segment's header.
#[derive(Clone, Copy)]
pub(super) struct Header {
    frame: u64,
    from: Endpoint,
    to: Endpoint,
    seq: SeqNumber,
    ack: Option<SeqNumber>,
    flags: Flags,
    payload: u32,
    /// Fields of the segment that a step of a flow does not keep.
    rest: Option<Rest>,
}

#[derive(Clone, Copy)]
struct Rest {
    ack_field: SeqNumber,
    window: u16,
    checksum: u16,
    verified: Checksum,
    urgent: u16,
    options: Options,
    headers: Headers,
}

impl Header {
    /// The header of the first step of `flow`, as far as a step keeps it.
    pub(super) fn of_flow(flow: &Flow) -> Option<Self> {
        let step = flow.steps.first()?;
        Some(Self {
            frame: step.frame,
            from: flow.peer(step.from).endpoint,
            to: flow.peer(step.from.other()).endpoint,
            seq: step.seq,
            ack: step.ack,
            flags: step.flags,
            payload: step.payload,
            rest: None,
        })
    }

    /// The whole header of `s`.
    pub(super) fn of_segment(s: &Segment) -> Self {
        Self {
            frame: s.frame,
            from: s.source,
            to: s.destination,
            seq: s.seq,
            ack: s.ack(),
            flags: s.flags,
            payload: s.payload,
            rest: Some(Rest {
                ack_field: s.ack_field,
                window: s.window,
                checksum: s.checksum_field,
                verified: s.checksum,
                urgent: s.urgent,
                options: s.options,
                headers: s.headers,
            }),
        }
    }

    /// Its frame number, from 1.
    pub(super) const fn frame(&self) -> u64 {
        self.frame
    }
}

/// The field map, with the values of `header` where there is one, and what the fields mean.
pub(super) fn explain(document: &mut Document, header: Option<&Header>, locale: Locale, level: Level) {
    document.heading(locale.pick("The TCP header", "TCP 헤더"));
    document.paragraph(locale.pick(
        "Every segment begins with these 20 octets, and up to 40 octets of options; the flags are bits in it, not \
         messages of their own (RFC 9293 section 3.1).",
        "모든 세그먼트는 이 20 옥텟과 최대 40 옥텟의 옵션으로 시작합니다. 플래그는 별도의 메시지가 아니라 그 안의 비트입니다 (RFC 9293 \
         3.1절).",
    ));
    if let Some(header) = header {
        document.paragraph(match locale {
            Locale::En => format!("Frame {}, from {} to {}:", header.frame, header.from, header.to),
            Locale::Ko => format!("프레임 {}, {} → {}:", header.frame, header.from, header.to),
        });
    }
    document.figure(figure(header));
    if level == Level::Full {
        for (name, value, meaning) in fields(header, locale) {
            let value = value.map(|value| format!(" = {value}")).unwrap_or_default();
            document.item(format!("{name}{value}: {}", meaning.get(locale)));
        }
    }
}

/// A name and, where it is known, what it is.
fn with(name: &str, value: Option<impl core::fmt::Display>) -> String {
    value.map_or_else(|| name.to_owned(), |value| format!("{name} {value}"))
}

/// A line of cells: how many bits each has, and what stands in it.
fn line(map: &mut String, cells: &[(usize, String)]) {
    let cells: Vec<String> = cells.iter().map(|(bits, text)| format!("{text:^width$}", width = bits * 2 - 1)).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(map, "|{}|", cells.join("|"));
}

fn rule(map: &mut String) {
    let _ = writeln!(map, "+{}", "-+".repeat(32));
}

/// The map, drawn as in the RFC.
fn figure(header: Option<&Header>) -> String {
    let rest = header.and_then(|h| h.rest);
    let mut map = String::from(" 0                   1                   2                   3\n");
    map.push_str(" 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1\n");
    rule(&mut map);
    let (from, to) = (header.map(|h| h.from.port), header.map(|h| h.to.port));
    line(&mut map, &[(16, with("Source Port", from)), (16, with("Destination Port", to))]);
    rule(&mut map);
    line(&mut map, &[(32, with("Sequence Number", header.map(|h| h.seq)))]);
    rule(&mut map);
    line(&mut map, &[(32, with("Acknowledgment Number", header.and_then(acknowledgment)))]);
    rule(&mut map);
    bits(&mut map, header);
    rule(&mut map);
    let checksum = rest.map(|rest| format!("0x{:04x}", rest.checksum));
    line(&mut map, &[(16, with("Checksum", checksum)), (16, with("Urgent Pointer", rest.map(|rest| rest.urgent)))]);
    rule(&mut map);
    if let Some(options) = rest.map(|rest| rest.options).filter(|options| options.len > 0) {
        let names = options.layout.names().map(|name| option(name, &options)).collect::<Vec<_>>().join(", ");
        let cut = if rest.is_some_and(|rest| rest.headers == Headers::OptionsCut) { " (cut short)" } else { "" };
        for piece in pieces(&format!("Options, {} octets{cut}: {names}", options.len)) {
            line(&mut map, &[(32, piece)]);
        }
        rule(&mut map);
    }
    if let Some(payload) = header.map(|h| h.payload).filter(|payload| *payload > 0) {
        line(&mut map, &[(32, format!("Data, {payload} octets"))]);
        rule(&mut map);
    }
    map
}

/// The row that has the control bits: their names, and below them their values.
fn bits(map: &mut String, header: Option<&Header>) {
    let rest = header.and_then(|h| h.rest);
    let flags = header.map(|h| h.flags);
    let reserved = flags.map(|flags| format!("{:03b}", (flags.0 & Flags::RESERVED.0) >> 9));
    let bit = |flag| flags.map_or_else(String::new, |flags| u8::from(flags.has(flag)).to_string());
    let mut names = vec![(4, "Offset".to_owned()), (3, "Rsrv".to_owned())];
    let mut values = vec![(4, with("", rest.map(words_of_header))), (3, reserved.unwrap_or_default())];
    for (flag, letter, _) in BITS {
        names.push((1, letter.to_owned()));
        values.push((1, bit(flag)));
    }
    names.push((16, "Window".to_owned()));
    values.push((16, with("", rest.map(|rest| rest.window))));
    line(map, &names);
    line(map, &values);
}

/// The acknowledgment field: without the ACK bit it says nothing, whatever stands there.
fn acknowledgment(header: &Header) -> Option<String> {
    match (header.ack, header.rest) {
        (Some(ack), _) => Some(ack.to_string()),
        (None, Some(rest)) => Some(format!("{} (not valid: no ACK)", rest.ack_field)),
        (None, None) => None,
    }
}

/// The data offset: the length of the header in words of 32 bits.
fn words_of_header(rest: Rest) -> String {
    if rest.headers == Headers::BadOffset {
        "bad".to_owned()
    } else {
        (5 + u32::from(rest.options.len) / 4).to_string()
    }
}

/// An option by p0f's name of it, with its value.
fn option(name: &str, options: &Options) -> String {
    match name {
        "mss" => with("MSS", options.mss),
        "ws" => with("window scale", options.window_scale),
        "sok" => "SACK permitted".to_owned(),
        "sack" => format!("SACK, {} blocks", options.sack_blocks),
        "ts" => match options.timestamps {
            Some(times) => format!("timestamps {} {}", times.value, times.echo),
            None => "timestamps".to_owned(),
        },
        "tfo" => match options.fast_open {
            Some(cookie) if cookie.cookie_len > 0 => format!("Fast Open cookie of {} octets", cookie.cookie_len),
            _ => "Fast Open request".to_owned(),
        },
        "mptcp" => "Multipath TCP".to_owned(),
        "nop" => "NOP".to_owned(),
        "eol" => "end of list".to_owned(),
        other => other.to_owned(),
    }
}

/// Text in lines that fit into the box.
fn pieces(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= INSIDE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Every field: its name, its value where it is known, and what it means.
fn fields(header: Option<&Header>, locale: Locale) -> Vec<(&'static str, Option<String>, Words)> {
    let rest = header.and_then(|h| h.rest);
    let flags = header.map(|h| {
        let set: Vec<&str> = BITS.iter().filter(|(flag, ..)| h.flags.has(*flag)).map(|(.., name)| *name).collect();
        if set.is_empty() { "0".to_owned() } else { set.join(" + ") }
    });
    let ports = header.map(|h| format!("{} → {}", h.from.port, h.to.port));
    let offset = rest.map(|rest| format!("{} × 4 {}", words_of_header(rest), locale.pick("octets", "옥텟")));
    let checksum = rest.map(|rest| {
        let verified = match rest.verified {
            Checksum::Good => locale.pick("good", "맞음"),
            Checksum::Offload => locale.pick("left to the network card", "네트워크 카드가 계산"),
            Checksum::Unverifiable => locale.pick("not verifiable", "확인할 수 없음"),
            Checksum::Bad => locale.pick("wrong", "틀림"),
        };
        format!("0x{:04x} ({verified})", rest.checksum)
    });
    vec![
        ("Source Port, Destination Port", ports, PORTS),
        ("Sequence Number", header.map(|h| h.seq.to_string()), SEQUENCE),
        ("Acknowledgment Number", header.and_then(|h| h.ack).map(|ack| ack.to_string()), ACKNOWLEDGMENT),
        ("Offset", offset, OFFSET),
        ("Control bits", flags, CONTROL),
        ("Window", rest.map(|rest| rest.window.to_string()), WINDOW),
        ("Checksum", checksum, CHECKSUM),
        ("Urgent Pointer", rest.map(|rest| rest.urgent.to_string()), URGENT),
        ("Options", rest.map(|rest| format!("{} {}", rest.options.len, locale.pick("octets", "옥텟"))), OPTIONS),
    ]
}

const PORTS: Words = words(
    "with the two addresses of the IP header they name the connection.",
    "IP 헤더의 두 주소와 함께 연결을 구별합니다.",
);
const SEQUENCE: Words = words(
    "the number of the first octet of data; in a SYN it is the initial sequence number, and data begins one after it.",
    "데이터 첫 옥텟의 번호입니다. SYN에서는 초기 시퀀스 번호이고, 데이터는 그다음 번호부터 시작합니다.",
);
const ACKNOWLEDGMENT: Words = words(
    "the next octet that is expected; only valid with ACK set.",
    "다음에 받을 옥텟의 번호이며 ACK 플래그가 있을 때만 유효합니다.",
);
const OFFSET: Words = words(
    "the length of the header in words of 32 bits, 5 without options.",
    "32비트 단위로 센 헤더의 길이로, 옵션이 없으면 5입니다.",
);
const CONTROL: Words = words(
    "what the segment does to the connection. RFC 793 had six of them, today they are nine.",
    "이 세그먼트가 연결에 하는 일을 나타냅니다. RFC 793에는 여섯 개였고 지금은 아홉 개입니다.",
);
const WINDOW: Words = words(
    "how many octets the sender can take, times the window scale outside of SYN segments.",
    "보낸 쪽이 더 받을 수 있는 옥텟 수입니다. SYN이 아닌 세그먼트에서는 윈도 확대 값을 곱합니다.",
);
const CHECKSUM: Words =
    words("covers the addresses, this header and the data.", "주소와 이 헤더와 데이터가 손상되지 않았는지 확인합니다.");
const URGENT: Words = words(
    "where urgent data ends; only valid with URG set.",
    "긴급 데이터의 끝이며 URG 플래그가 있을 때만 유효합니다.",
);
const OPTIONS: Words = words(
    "what the ends agree on; most of them stand in SYN segments only.",
    "양쪽이 합의하는 내용이며 대부분 SYN 세그먼트에만 있습니다.",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_map_is_as_wide_as_its_bits() {
        let endpoint = |port| Endpoint { ip: core::net::IpAddr::from([192, 0, 2, 1]), port };
        let rest = Rest {
            ack_field: SeqNumber(u32::MAX),
            window: u16::MAX,
            checksum: 0xab,
            verified: Checksum::Good,
            urgent: u16::MAX,
            // Three rounds of NOP NOP TS.
            options: Options::parse(&[1, 1, 8, 10, 255, 255, 255, 255, 255, 255, 255, 255].repeat(3), 36),
            headers: Headers::Whole,
        };
        let header = Header {
            frame: 1,
            from: endpoint(65_535),
            to: endpoint(65_534),
            seq: SeqNumber(u32::MAX),
            ack: None,
            flags: Flags(0xfff),
            payload: 65_495,
            rest: Some(rest),
        };
        for header in [None, Some(&header), Some(&Header { rest: None, ..header })] {
            let map = figure(header);
            assert!(map.lines().skip(2).all(|line| line.len() == 65), "{map}");
        }
        let map = figure(Some(&header));
        assert!(map.contains("|   14  | 111 |1|1|1|1|1|1|1|1|1|             65535             |"), "{map}");
        assert!(map.contains("0x00ab") && map.contains("Data, 65495 octets"), "{map}");
    }
}
