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
    /// What the capture is made of; none where real stacks made it (`make.sh`).
    pub(crate) lines: Option<String>,
    /// Anomalies that the lesson is about, the first of them for certain; nothing else at `warn` or above is raised.
    pub(crate) teaches: &'static [&'static str],
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
    Lesson { name, title, intro, question, flow: 1, verdicts, lines: Some(lines), teaches: &[] }
}

/// A lesson whose capture `make.sh` makes.
fn real(
    name: &'static str,
    title: Text,
    intro: Text,
    question: &'static str,
    verdicts: [&'static str; 2],
    teaches: &'static [&'static str],
) -> Lesson {
    Lesson { name, title, intro, question, flow: 1, verdicts, lines: None, teaches }
}

/// Every lesson, in order.
pub(crate) fn lessons() -> Vec<Lesson> {
    let mut lessons = openings();
    lessons.extend(closes());
    lessons.extend(costs());
    lessons.extend(attacks());
    lessons
}

/// What opening costs, by version of TLS: OpenSSL on a path of 100 ms.
fn costs() -> Vec<Lesson> {
    vec![
        real(
            "tls13",
            ["TLS 1.3 over TCP: two round trips", "TCP 위의 TLS 1.3: 왕복 두 번"],
            [
                "A client opens a connection and a TLS 1.3 session: one round trip each. The request leaves after two, the answer \
                 comes after three.",
                "클라이언트가 연결을 열고 TLS 1.3 세션을 엽니다. 각각 왕복 한 번입니다. 요청은 두 번 뒤에 나가고 응답은 세 번 뒤에 옵니다.",
            ],
            "opening-cost",
            ["established", "fin"],
            &[],
        ),
        Lesson {
            flow: 2,
            ..real(
                "tls12-resumed",
                ["TLS 1.2: a session taken up again", "TLS 1.2: 세션 재개"],
                [
                    "The first connection does a full handshake of TLS 1.2: two round trips behind that of TCP. The second takes \
                     up its session, and needs one.",
                    "첫 연결은 TLS 1.2 전체 핸드셰이크를 합니다. TCP 뒤에 왕복 두 번입니다. 둘째 연결은 그 세션을 재개해 한 번이면 됩니다.",
                ],
                "opening-cost",
                ["established", "fin"],
                &[],
            )
        },
        Lesson {
            flow: 2,
            ..real(
                "zero-rtt",
                ["0-RTT: the request comes with the ClientHello", "0-RTT: ClientHello와 함께 가는 요청"],
                [
                    "The first connection gets a ticket. The second sends its request as early data, one round trip earlier; \
                     whoever records it can send it again.",
                    "첫 연결이 티켓을 받습니다. 둘째 연결은 요청을 early data로 왕복 한 번 먼저 보냅니다. 가로채 기록한 사람이 다시 보낼 수 \
                     있습니다.",
                ],
                "zero-rtt",
                ["established", "fin"],
                &["early-data-sent"],
            )
        },
        real(
            "hello-retry",
            ["A hello retry costs a round trip", "ClientHello 재요구: 왕복 한 번 추가"],
            [
                "The client sends a key share of X25519, the server has only P-384: it asks for another ClientHello.",
                "클라이언트는 X25519 키를 보냈지만 서버에는 P-384만 있어 ClientHello를 다시 요구합니다.",
            ],
            "opening-cost",
            ["established", "fin"],
            &["tls-hello-retry"],
        ),
    ]
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
        )
        .about(&["missing-ack"]),
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
        real(
            "fast-open",
            ["TCP Fast Open", "TCP Fast Open: SYN에 데이터 싣기"],
            [
                "A first connection asks for a cookie, which the server makes for the client's address (RFC 7413 section 4.1.2). Two \
                 seconds later the same client sends data with its SYN, and the SYN-ACK acknowledges it. Both ends are Linux.",
                "첫 연결이 쿠키를 요청하고 서버는 클라이언트의 주소로 쿠키를 만들어 줍니다(RFC 7413 4.1.2절). 2초 뒤 같은 클라이언트가 \
                 SYN에 데이터를 실어 보내고 SYN-ACK가 그것을 확인합니다. 양쪽 모두 Linux입니다.",
            ],
            "fast-open",
            ["fast-open", "fin"],
            &["tfo-accepted"],
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
        real(
            "syn-scan",
            ["SYN scan", "SYN 스캔 (nmap -sS)"],
            [
                "One host tries 21 ports of a server with nmap -sS. A closed one answers with RST, an open one with SYN-ACK, and the \
                 scanner sends RST instead of the third step.",
                "한 호스트가 nmap -sS로 서버의 포트 21개를 시도합니다. 닫힌 포트는 RST로, 열린 포트는 SYN-ACK로 응답하고, 스캐너는 세 \
                 번째 단계 대신 RST를 보냅니다.",
            ],
            "half-open",
            ["reset-after-synack", "none"],
            &["scan-vertical", "tech-syn", "fp-nmap"],
        )
        .of_flow(4),
        real(
            "connect-scan",
            ["Connect scan", "connect 스캔 (nmap -sT)"],
            [
                "The same ports with nmap -sT: the open ones are connected to in full and then reset. That one is in the server's logs.",
                "같은 포트를 nmap -sT로 시도합니다. 열린 포트와는 연결을 완성한 뒤 RST로 끊습니다. 이 스캔은 서버 로그에 남습니다.",
            ],
            "reliability",
            ["established", "reset-by-client"],
            &["scan-vertical", "tech-connect"],
        )
        .of_flow(2),
        real(
            "syn-flood",
            ["A small SYN flood", "작은 SYN flooding"],
            [
                "hping3 sends 720 SYNs from 120 forged addresses within a few seconds. Every SYN-ACK goes to somebody who did not ask: no \
                 third step, and every one leaves an embryonic connection behind.",
                "hping3이 몇 초 안에 위조한 주소 120개에서 SYN 720개를 보냅니다. 모든 SYN-ACK는 요청한 적 없는 곳으로 가므로 세 번째 \
                 단계가 없고, 하나하나가 미완성(embryonic) 연결을 남깁니다.",
            ],
            "syn-flood",
            ["missing-ack", "none"],
            &[
                "syn-flood",
                "syn-flood-cusum",
                "half-open-accumulation",
                "missing-ack",
                "fp-hping",
            ],
        ),
        real(
            "syn-cookies",
            ["SYN cookies", "SYN 쿠키"],
            [
                "A Linux server that always uses cookies (tcp_syncookies = 2), and a client without timestamps that comes six times from one \
                 port. The client offers window scaling and SACK, the server answers with an MSS only: it keeps no state to remember \
                 them with. Its initial sequence number moves exactly as the client's does.",
                "항상 쿠키를 쓰는 Linux 서버(tcp_syncookies = 2)에 타임스탬프 없는 클라이언트가 한 포트에서 여섯 번 연결합니다. \
                 클라이언트는 윈도 확대와 SACK을 제안하지만 서버는 MSS로만 응답합니다. 기억해 둘 상태를 저장하지 않기 때문입니다. \
                 서버의 초기 시퀀스 번호는 클라이언트의 번호와 똑같이 움직입니다.",
            ],
            "syn-cookies",
            ["established", "fin"],
            &["server-cookie-mode"],
        )
        .of_flow(6),
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
        )
        .about(&["rst-forged", "rst-inexact"]),
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
        )
        .about(&["isn-gcd"]),
    ]
}

impl Lesson {
    fn about(self, teaches: &'static [&'static str]) -> Self {
        Self { teaches, ..self }
    }

    fn of_flow(self, flow: u32) -> Self {
        Self { flow, ..self }
    }
}
