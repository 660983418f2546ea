//! The lessons: one topic each, with a capture as its proof.

/// A text in English and in Korean.
pub(crate) type Text = [&'static str; 2];

/// A lesson.
pub(crate) struct Lesson {
    pub(crate) name: &'static str,
    pub(crate) title: Text,
    /// What there is to see.
    pub(crate) intro: Text,
    /// The question that synscope answers with the capture, as `--explain` takes it.
    pub(crate) question: &'static str,
    /// Which flow is drawn and explained.
    pub(crate) flow: u32,
    /// What that flow's opening and closing have to be.
    pub(crate) verdicts: [&'static str; 2],
    pub(crate) lines: String,
}

const OPEN: &str = "
    0.000 > S 0 syn
    0.030 < SA 0 a1 syn
    0.031 > A 1 a1";

fn lesson(
    name: &'static str,
    title: Text,
    intro: Text,
    question: &'static str,
    verdicts: [&'static str; 2],
    lines: String,
) -> Lesson {
    Lesson { name, title, intro, question, flow: 1, verdicts, lines }
}

/// Every lesson, in order.
pub(crate) fn lessons() -> Vec<Lesson> {
    let mut lessons = openings();
    lessons.extend(closes());
    lessons.extend(attacks());
    lessons
}

// A list of lessons: data, however long.
#[allow(clippy::too_many_lines)]
fn openings() -> Vec<Lesson> {
    vec![
        lesson(
            "three-way",
            ["Three-way handshake", "3-way handshake: 연결 설정"],
            [
                "A client connects, sends fourteen octets (\"Hello, server!\") and closes.",
                "클라이언트가 연결하고 14 옥텟(\"Hello, server!\")을 보낸 뒤 닫습니다.",
            ],
            "why-three-way",
            ["established", "fin"],
            format!(
                "{OPEN}
                0.032 > PA 1 a1 d14
                0.062 < A 1 a15
                0.070 > FA 15 a1
                0.100 < A 1 a16
                0.101 < FA 1 a16
                0.102 > A 16 a2"
            ),
        ),
        lesson(
            "refused",
            ["Refused", "연결 거부"],
            ["Nothing listens on the port: RST answers the SYN.", "포트에서 대기 중인 프로그램이 없어 SYN에 RST로 응답합니다."],
            "RST",
            ["refused", "none"],
            "0.000 > S 0 syn port=81
             0.030 < RA 0 a1 isn=0"
                .to_owned(),
        ),
        lesson(
            "unanswered",
            ["Unanswered, with retries", "무응답과 재전송"],
            [
                "Nothing answers. The client repeats its SYN after 1, 2 and 4 seconds.",
                "아무 응답이 없어 클라이언트가 1, 2, 4초 뒤에 SYN을 재전송합니다.",
            ],
            "retries",
            ["unanswered", "none"],
            "0.000 > S 0 syn
             1.000 > S 0 syn
             3.000 > S 0 syn
             7.000 > S 0 syn
             60.000 tick"
                .to_owned(),
        ),
        lesson(
            "missing-ack",
            ["The third step is missing", "세 번째 단계(ACK) 누락"],
            [
                "The server answers and waits; no acknowledgment comes. It repeats its SYN-ACK and gives up.",
                "서버가 응답하고 기다리지만 확인 응답이 오지 않습니다. SYN-ACK를 재전송하다 포기합니다.",
            ],
            "two-way",
            ["missing-ack", "none"],
            "0.000 > S 0 syn
             0.010 < SA 0 a1 syn
             1.010 < SA 0 a1 syn
             3.010 < SA 0 a1 syn
             60.000 tick"
                .to_owned(),
        ),
        lesson(
            "simultaneous-open",
            ["Simultaneous open", "동시 연결"],
            ["Both ends send SYN before either sees the other's.", "양쪽이 상대의 SYN을 보기 전에 SYN을 보냅니다."],
            "SYN_RECEIVED",
            ["simultaneous-open", "open"],
            "0.000 > S 0 syn
             0.001 < S 0 syn
             0.030 > SA 0 a1 syn
             0.031 < SA 0 a1 syn
             0.060 > PA 1 a1 d14
             0.090 < A 1 a15"
                .to_owned(),
        ),
        lesson(
            "fast-open",
            ["TCP Fast Open", "TCP Fast Open: 0-RTT로 데이터 보내기"],
            [
                "A first connection asked for a cookie. The second one sends data with its SYN, and the SYN-ACK acknowledges it.",
                "첫 연결에서 쿠키를 받았습니다. 두 번째 연결은 SYN에 데이터를 실어 보내고 SYN-ACK가 그것을 확인합니다.",
            ],
            "fast-open",
            ["fast-open", "fin"],
            "0.000 > S 0 tfo
             0.030 < SA 0 a1 cookie
             0.031 > A 1 a1
             0.032 > FA 1 a1
             0.062 < FA 1 a2
             0.063 > A 2 a2
             1.000 >2 S 0 cookie d14
             1.030 <2 SA 0 a15 mss
             1.031 >2 A 15 a1
             1.040 <2 PA 1 a15 d200
             1.041 >2 A 15 a201
             1.042 >2 FA 15 a201
             1.072 <2 FA 201 a16
             1.073 >2 A 16 a202"
                .to_owned(),
        )
        .of_flow(2),
    ]
}

fn closes() -> Vec<Lesson> {
    vec![
        lesson(
            "four-way",
            ["Four-segment close", "4-way handshake: 연결 종료"],
            [
                "The client closes; the server acknowledges at once and closes a little later.",
                "클라이언트가 닫고, 서버는 바로 확인 응답한 뒤 조금 나중에 닫습니다.",
            ],
            "why-four-way",
            ["established", "fin"],
            format!(
                "{OPEN}
                0.040 > FA 1 a1
                0.070 < A 1 a2
                0.170 < FA 1 a2
                0.171 > A 2 a2"
            ),
        ),
        lesson(
            "three-segment-close",
            ["Three-segment close", "세그먼트 3개로 끝나는 종료"],
            [
                "The server closes first and the client closes at once: ACK and FIN share a segment.",
                "서버가 먼저 닫고 클라이언트도 바로 닫아, ACK와 FIN이 한 세그먼트로 갑니다.",
            ],
            "why-four-way",
            ["established", "fin"],
            format!(
                "{OPEN}
                0.040 > PA 1 a1 d14
                0.070 < FPA 1 a15 d100
                0.071 > FA 15 a102
                0.101 < A 102 a16"
            ),
        ),
        lesson(
            "simultaneous-close",
            ["Simultaneous close", "동시 종료"],
            ["Both ends send FIN before either sees the other's.", "양쪽이 상대의 FIN을 보기 전에 FIN을 보냅니다."],
            "CLOSING",
            ["established", "simultaneous-fin"],
            format!(
                "{OPEN}
                0.040 > FA 1 a1
                0.041 < FA 1 a1
                0.070 > A 2 a2
                0.071 < A 2 a2"
            ),
        ),
        lesson(
            "half-close",
            ["Half-close: data after FIN", "half-close: FIN 뒤의 데이터"],
            [
                "The client has nothing more to say and sends FIN; the server's answer comes afterwards.",
                "클라이언트는 더 보낼 것이 없어 FIN을 보내고, 서버의 응답은 그 뒤에 옵니다.",
            ],
            "data-after-fin",
            ["established", "fin"],
            format!(
                "{OPEN}
                0.032 > PA 1 a1 d14
                0.033 > FA 15 a1
                0.063 < A 1 a16
                2.063 < PA 1 a16 d1000
                2.064 > A 16 a1001
                2.100 < FA 1001 a16
                2.101 > A 16 a1002"
            ),
        ),
        lesson(
            "time-wait-reuse",
            ["TIME_WAIT, and the same ports again", "TIME_WAIT와 포트 재사용"],
            [
                "Two seconds after a close the same client port connects again. Its number is higher than any old one, so the server \
                 may take it.",
                "종료 2초 뒤 같은 클라이언트 포트로 다시 연결합니다. 번호가 이전의 어떤 번호보다 크므로 서버가 받아들일 수 있습니다.",
            ],
            "time-wait",
            ["established", "fin"],
            format!(
                "{OPEN}
                0.040 < FA 1 a1
                0.041 > A 1 a2
                0.042 > FA 1 a2
                0.072 < A 2 a2
                2.000 > S 0 syn isn=3141692653
                2.030 < SA 0 a1 syn isn=2719281828
                2.031 > A 1 a1
                2.040 > FA 1 a1
                2.070 < FA 1 a2
                2.071 > A 2 a2"
            ),
        )
        .of_flow(2),
    ]
}

// A list of lessons: data, however long.
#[allow(clippy::too_many_lines)]
fn attacks() -> Vec<Lesson> {
    let ports = [22, 23, 25, 53, 80, 110, 143, 443];
    let open = |port: u16| matches!(port, 22 | 80 | 443);
    let scan = |third: &dyn Fn(f64, usize) -> String| {
        let probes = ports.iter().enumerate().map(|(n, port)| {
            let (t, client) = (n as f64 * 0.1, n + 1);
            let answer = if open(*port) {
                format!("{:.3} <{client} SA 0 a1 mss\n{}", t + 0.02, third(t + 0.021, client))
            } else {
                format!("{:.3} <{client} RA 0 a1 isn=0", t + 0.02)
            };
            format!("{t:.3} >{client} S 0 mss port={port}\n{answer}")
        });
        probes.collect::<Vec<_>>().join("\n")
    };
    let flood = (1..=20).map(|n| {
        let t = f64::from(n) * 0.01;
        format!("{t:.3} >{n} S 0 mss\n{:.3} <{n} SA 0 a1 mss", t + 0.001)
    });
    let isns = (1..=6u32).map(|n| {
        let t = f64::from(n);
        let isn = 1_000_000 + n * 64_000;
        format!(
            "{t:.3} >{n} S 0 mss\n{:.3} <{n} SA 0 a1 mss isn={isn}\n{:.3} >{n} A 1 a1\n{:.3} >{n} FA 1 a1\n{:.3} <{n} FA 1 a2\n{:.3} >{n} A 2 a2",
            t + 0.02,
            t + 0.021,
            t + 0.03,
            t + 0.05,
            t + 0.051
        )
    });
    vec![
        lesson(
            "syn-scan",
            ["SYN scan", "SYN 스캔 (nmap -sS)"],
            [
                "Eight ports are tried. An open one answers with SYN-ACK, and the scanner sends RST instead of the third step.",
                "포트 여덟 개를 시도합니다. 열린 포트는 SYN-ACK로 응답하고, 스캐너는 세 번째 단계 대신 RST를 보냅니다.",
            ],
            "half-open",
            ["reset-after-synack", "none"],
            scan(&|t, client| format!("{t:.3} >{client} R 1")),
        ),
        lesson(
            "connect-scan",
            ["Connect scan", "connect 스캔 (nmap -sT)"],
            [
                "The same ports, but the open ones are connected to in full and then reset: that one is in the server's logs.",
                "같은 포트지만 열린 포트와는 연결을 완성한 뒤 끊습니다. 이 스캔은 서버 로그에 남습니다.",
            ],
            "reliability",
            ["established", "reset-by-client"],
            scan(&|t, client| format!("{t:.3} >{client} A 1 a1\n{:.3} >{client} RA 1 a1", t + 0.001)),
        ),
        lesson(
            "syn-flood",
            ["A SYN flood in miniature", "작은 SYN flooding"],
            [
                "Twenty clients, twenty SYN-ACKs, no third step: every one leaves an embryonic connection behind.",
                "클라이언트 20개, SYN-ACK 20개, 세 번째 단계는 없음: 하나하나가 미완성(embryonic) 연결을 남깁니다.",
            ],
            "syn-flood",
            ["missing-ack", "none"],
            flood.collect::<Vec<_>>().join("\n") + "\n60.000 tick",
        ),
        lesson(
            "syn-cookies",
            ["SYN cookies", "SYN 쿠키"],
            [
                "The client offers window scaling and SACK, the server answers with an MSS only: it keeps no state to remember them \
                 with.",
                "클라이언트는 윈도 확대와 SACK을 제안하지만 서버는 MSS로만 응답합니다. 기억해 둘 상태를 저장하지 않기 때문입니다.",
            ],
            "syn-cookies",
            ["established", "fin"],
            "0.000 > S 0 syn
             0.030 < SA 0 a1 mss
             0.031 > A 1 a1
             0.032 > PA 1 a1 d14
             0.062 < FA 1 a15
             0.063 > FA 15 a2
             0.093 < A 2 a16"
                .to_owned(),
        ),
        lesson(
            "forged-rst",
            ["A forged RST", "위조된 RST"],
            [
                "A RST in the server's name comes with another TTL and a number that is not exact; the real server goes on talking.",
                "서버 이름의 RST가 다른 TTL과 정확하지 않은 번호로 옵니다. 진짜 서버는 계속 말합니다.",
            ],
            "RST",
            ["established", "fin"],
            format!(
                "{OPEN}
                0.040 > PA 1 a1 d14
                0.070 < A 1 a15
                0.080 < R 900 ttl=200
                0.081 > A 15 a1
                0.110 < PA 1 a15 d100
                0.111 > A 15 a101
                0.120 < FA 101 a15
                0.121 > FA 15 a102
                0.151 < A 102 a16"
            ),
        ),
        lesson(
            "predictable-isn",
            ["Predictable initial sequence numbers", "예측할 수 있는 초기 시퀀스 번호"],
            [
                "Six connections to one server: its initial sequence numbers are 64000 apart. Compare flow 1 with flow 2.",
                "한 서버로 가는 연결 여섯: 초기 시퀀스 번호가 64000씩 늘어납니다. 연결 1과 2를 비교해 보십시오.",
            ],
            "why-random-isn",
            ["established", "fin"],
            isns.collect::<Vec<_>>().join("\n"),
        ),
    ]
}

impl Lesson {
    fn of_flow(self, flow: u32) -> Self {
        Self { flow, ..self }
    }
}
