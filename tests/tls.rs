//! TLS of real stacks. OpenSSL speaks with itself through a relay that keeps the octets; these come before synscope in
//! segments of any size and order, and what is said must be what OpenSSL said. And every capture of TLS: what is said must be
//! what tshark says.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use synscope::engine::{Engine, Event, Settings};
use synscope::flow::{Flow, OpeningCost};
use synscope::tcp::{Endpoint, Flags, Segment, SeqNumber};
use synscope::time::{MILLISECOND, Timestamp};
use synscope::tls::{EarlyData, Resumption, TlsOpening, TlsVersion};

use common::{analyse, script::blank, testdata};

/// A folder of its own with a key and a certificate.
struct Place(PathBuf);

impl Place {
    /// `None`, and a word on why, where there is no OpenSSL.
    fn new(name: &str) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "openssl is missing");
            println!("skipped: needs openssl");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("synscope-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let place = Self(folder);
        let arguments =
            "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=example.test";
        let made = place.openssl(arguments).stderr(Stdio::null()).status().expect("openssl runs");
        assert!(made.success());
        Some(place)
    }

    fn openssl(&self, arguments: &str) -> Command {
        let mut command = Command::new("openssl");
        command.args(arguments.split_whitespace()).current_dir(&self.0);
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What one end sent, in order.
type Chunk = (bool, Vec<u8>);

/// Carries octets from one end to the other until that closes, and keeps them.
fn carry(mut from: TcpStream, mut to: TcpStream, of_client: bool, keep: &Sender<Chunk>) {
    let mut buffer = [0; 16_384];
    while let Ok(read) = from.read(&mut buffer)
        && read > 0
    {
        let _ = keep.send((of_client, buffer[..read].to_vec()));
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// One connection from a client with these arguments to a server with those, and what the client said.
fn speak(place: &Place, server: &str, client: &str) -> (Vec<Chunk>, String) {
    let (mut server, port) = serve(place, server);
    let relay = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = relay.local_addr().expect("an address");
    let arguments = format!("s_client -connect {address} -servername example.test {client}");
    let mut client = place.openssl(&arguments);
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut client = client.spawn().expect("the client runs");
    let (near, _) = relay.accept().expect("the client connects");
    let far = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    let (keep, kept) = channel();
    let upward = {
        let (near, far, keep) = (near.try_clone().expect("a socket"), far.try_clone().expect("a socket"), keep.clone());
        thread::spawn(move || carry(near, far, true, &keep))
    };
    let downward = thread::spawn(move || carry(far, near, false, &keep));
    let said = converse(&mut client);
    upward.join().expect("the relay ends");
    downward.join().expect("the relay ends");
    let _ = server.kill();
    let _ = server.wait();
    (kept.iter().collect(), said)
}

/// Starts a server and waits until it listens.
fn serve(place: &Place, arguments: &str) -> (Child, u16) {
    let arguments = format!("s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -naccept 1 {arguments}");
    let mut server = place.openssl(&arguments);
    server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = server.spawn().expect("the server runs");
    let mut said = String::new();
    let out = server.stdout.as_mut().expect("a pipe");
    let mut octet = [0];
    // "ACCEPT 127.0.0.1:39251"
    while !(said.contains("ACCEPT ") && said.ends_with('\n')) {
        assert_eq!(out.read(&mut octet).expect("the server speaks"), 1, "the server ended: {said}");
        said.push(char::from(octet[0]));
    }
    let port = said.trim_end().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    // What else it says is read, so that it never waits.
    let mut rest = server.stdout.take().expect("a pipe");
    thread::spawn(move || rest.read_to_end(&mut Vec::new()));
    (server, port)
}

/// Sends a line, ends the connection once it was answered, and returns what the client said.
fn converse(client: &mut Child) -> String {
    let mut out = client.stdout.take().expect("a pipe");
    let mut errors = client.stderr.take().expect("a pipe");
    let errors = thread::spawn(move || {
        let mut text = String::new();
        let _ = errors.read_to_string(&mut text);
        text
    });
    let mut input = client.stdin.take();
    if let Some(input) = &mut input {
        // It is sent once the handshake is done; where that fails, the client is gone.
        let _ = input.write_all(b"hello\n");
    }
    let (mut said, mut octets) = (String::new(), [0; 512]);
    while let Ok(read) = out.read(&mut octets)
        && read > 0
    {
        said.push_str(&String::from_utf8_lossy(&octets[..read]));
        // The server turns each line round.
        if said.contains("olleh") {
            input.take();
        }
    }
    client.wait().expect("the client ends");
    said + &errors.join().expect("its errors are read")
}

/// In which order segments come.
#[derive(Clone, Copy, Debug)]
enum Order {
    Sent,
    /// Each two change places.
    Swapped,
    /// Each comes twice.
    Twice,
}

fn segment(of_client: bool, seq: SeqNumber, ack: SeqNumber, flags: Flags) -> Segment {
    let mut segment = blank(0);
    let end = |host: u8, port: u16| Endpoint { ip: [192, 0, 2, host].into(), port };
    let (client, server) = (end(1, 40_000), end(2, 443));
    (segment.source, segment.destination) = if of_client { (client, server) } else { (server, client) };
    (segment.seq, segment.ack_field, segment.flags, segment.window) = (seq, ack, flags, 65_000);
    segment
}

/// The connection in segments of so many octets, ten milliseconds apart.
fn play(chunks: &[Chunk], size: usize, order: Order) -> TlsOpening {
    let mut engine = Engine::new(&Settings::default()).expect("settings");
    let mut flows: Vec<Flow> = Vec::new();
    let mut sink = |event: &Event<'_>| {
        if let Event::FlowEnd { flow, .. } = event {
            flows.push((*flow).clone());
        }
    };
    let (mut time, mut frame) = (Timestamp::new(1_700_000_000, 0), 0);
    let mut show = |mut s: Segment, payload: &[u8]| {
        (time, frame) = (time.after(10 * MILLISECOND), frame + 1);
        (s.time, s.frame, s.payload) = (time, frame, payload.len() as u32);
        engine.segment_with(&s, payload, &mut sink);
    };
    let mut next = [SeqNumber(u32::MAX - 300), SeqNumber(5000)];
    show(segment(true, next[0].minus(1), SeqNumber(0), Flags::SYN), &[]);
    show(segment(false, next[1].minus(1), next[0], Flags::SYN | Flags::ACK), &[]);
    show(segment(true, next[0], next[1], Flags::ACK), &[]);
    for (of_client, octets) in chunks {
        let (own, other) = (usize::from(!of_client), usize::from(*of_client));
        let mut parts: Vec<(SeqNumber, &[u8])> =
            octets.chunks(size).enumerate().map(|(n, part)| (next[own].plus((n * size) as u32), part)).collect();
        match order {
            Order::Sent => {}
            Order::Swapped => parts.chunks_mut(2).for_each(<[_]>::reverse),
            Order::Twice => parts = parts.into_iter().flat_map(|part| [part, part]).collect(),
        }
        for (seq, part) in parts {
            show(segment(*of_client, seq, next[other], Flags::ACK), part);
        }
        next[own] = next[own].plus(octets.len() as u32);
    }
    show(segment(true, next[0], next[1], Flags::FIN | Flags::ACK), &[]);
    show(segment(false, next[1], next[0].plus(1), Flags::FIN | Flags::ACK), &[]);
    show(segment(true, next[0].plus(1), next[1].plus(1), Flags::ACK), &[]);
    engine.finish(&mut sink);
    *flows.last().and_then(Flow::tls).expect("TLS was seen")
}

/// Plays the connection every way; all must say the same but for times.
fn play_every_way(chunks: &[Chunk]) -> TlsOpening {
    let first = play(chunks, 1460, Order::Sent);
    for size in [1, 7, 100, 536, 16_000] {
        for order in [Order::Sent, Order::Swapped, Order::Twice] {
            let other = play(chunks, size, order);
            let said = |tls: &TlsOpening| {
                (
                    (tls.version, tls.kind, tls.offered, tls.early_data, tls.early_octets),
                    (tls.retry.is_some(), tls.established.is_some(), tls.request.is_some(), tls.response.is_some()),
                    (tls.failure.map(|failure| (failure.by, failure.alert, failure.after)), tls.partial),
                )
            };
            assert_eq!(said(&other), said(&first), "{size} {order:?}");
        }
    }
    first
}

/// Server, client, and what must come of it.
fn check(place: &Place, server: &str, client: &str, says: &str) -> TlsOpening {
    let (chunks, said) = speak(place, server, client);
    assert!(said.contains(says), "{server} | {client}: no {says:?} in {said}");
    play_every_way(&chunks)
}

#[test]
fn versions_and_resumption_are_what_openssl_says() {
    let Some(place) = Place::new("versions") else { return };
    let tls = check(&place, "-rev", "-tls1_3 -sess_out s13", "New, TLSv1.3");
    assert_eq!((tls.version, tls.kind), (Some(TlsVersion::Tls13), Some(Resumption::Full)));
    assert!(tls.established.is_some() && tls.request.is_some() && tls.response.is_some() && !tls.partial);
    let tls = check(&place, "-rev", "-tls1_2 -sess_out s12", "New, TLSv1.2");
    assert_eq!((tls.version, tls.kind), (Some(TlsVersion::Tls12), Some(Resumption::Full)));
    assert!(tls.established.is_some() && tls.request.is_some() && tls.response.is_some() && !tls.partial);
}

#[test]
fn a_hello_retry_is_seen() {
    let Some(place) = Place::new("retry") else { return };
    let tls = check(&place, "-rev -groups P-384", "-groups X25519:P-384", "New, TLSv1.3");
    assert!(tls.retry.is_some() && tls.established.is_some() && tls.failure.is_none());
    assert_eq!((tls.kind, tls.round_trips()), (Some(Resumption::Full), Some(2)));
}

#[test]
fn a_version_that_the_server_does_not_have_fails_with_its_alert() {
    let Some(place) = Place::new("failed") else { return };
    let (chunks, said) = speak(&place, "-tls1_3", "-tls1_2");
    assert!(said.contains("protocol version"), "{said}");
    let failure = play_every_way(&chunks).failure.expect("a failure");
    assert_eq!((failure.alert, failure.description()), (Some((2, 70)), Some("protocol_version")));
}

/// Round trips as the design of each version has them: the path of these captures is long, so that computing does not count.
#[test]
fn captures_of_real_stacks_are_what_they_are() {
    let of = |name: &str| -> Vec<Flow> { analyse(&testdata("lessons").join(name)).flows };
    let trips = |flow: &Flow| {
        let cost = OpeningCost::of(flow).expect("TLS was seen");
        cost.in_round_trips(cost.tls.expect("a whole handshake")).expect("a round trip").round()
    };
    let flows = of("tls13.pcap");
    assert_eq!(flows.iter().map(trips).collect::<Vec<_>>(), [1.0]);
    let flows = of("tls12-resumed.pcap");
    assert_eq!(flows.iter().map(trips).collect::<Vec<_>>(), [2.0, 1.0]);
    let kinds: Vec<_> = flows.iter().filter_map(|flow| flow.tls()?.kind).collect();
    assert_eq!(kinds, [Resumption::Full, Resumption::Resumed]);
    let flows = of("zero-rtt.pcap");
    let early: Vec<_> = flows.iter().filter_map(Flow::tls).map(|tls| (tls.kind, tls.early_data)).collect();
    assert_eq!(early, [(Some(Resumption::Full), None), (Some(Resumption::Psk), Some(EarlyData::Sent))]);
    let cost = OpeningCost::of(&flows[1]).expect("TLS was seen");
    let request = cost.in_round_trips(cost.to_first_request.expect("a request")).expect("a round trip");
    assert!(request < 1.5, "{request}");
    let flows = of("hello-retry.pcap");
    assert_eq!(flows.iter().map(trips).collect::<Vec<_>>(), [2.0]);
    assert!(flows[0].tls().is_some_and(|tls| tls.retry.is_some()));
}

/// What tshark has of the hellos in a capture: frame, type and version of each, by connection.
fn hellos_of_tshark(path: &Path) -> Option<Vec<(u64, String, String)>> {
    let ports = ["-d", "tcp.port==443,tls", "-o", "tcp.desegment_tcp_streams:TRUE"];
    let fields = ["frame.number", "tls.handshake.type", "tls.handshake.extensions.supported_version"];
    let run = Command::new("tshark")
        .arg("-r")
        .arg(path)
        .args(ports)
        .args(["-Y", "tls.handshake.type==2", "-T", "fields"])
        .args(fields.iter().flat_map(|field| ["-e", field]))
        .output();
    let Ok(run) = run else {
        println!("skipped: needs tshark");
        return None;
    };
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let row = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some((fields.next()?.parse().ok()?, fields.next()?, fields.next().unwrap_or_default()))
    };
    Some(text.lines().filter_map(row).collect())
}

#[test]
fn answers_are_in_the_frames_that_tshark_says() {
    for name in ["tls13", "tls12-resumed", "zero-rtt", "hello-retry"] {
        let path = testdata("lessons").join(format!("{name}.pcap"));
        let Some(theirs) = hellos_of_tshark(&path) else { return };
        let flows = analyse(&path).flows;
        let mut ours: Vec<u64> = Vec::new();
        for tls in flows.iter().filter_map(Flow::tls) {
            ours.extend([tls.retry, tls.server_hello].into_iter().flatten().map(|at| at.frame));
        }
        ours.sort_unstable();
        let frames: Vec<u64> = theirs.iter().map(|(frame, ..)| *frame).collect();
        assert_eq!(ours, frames, "{name}");
        let is_13 = flows.iter().filter_map(Flow::tls).any(|tls| tls.version == Some(TlsVersion::Tls13));
        assert!(theirs.iter().all(|(.., version)| version.contains("0x0304") == is_13), "{name}: {theirs:?}");
    }
}
