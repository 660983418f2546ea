//! The questions people ask about TCP connections, with an answer and, where there is a flow, the proof from its
//! numbers.

use super::locale::{Locale, Particle, Words, with_particle, words};
use super::{Document, Level, flow as flows, terms};
use crate::flow::features::{FastOpenUse, fast_open};
use crate::flow::{Flow, Label, Opening, Shape};
use crate::output::duration::human;
use crate::output::ladder::octets;
use crate::tcp::State;

/// A question that `--explain` answers.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Kebab-case, for ever.
    pub id: &'static str,
    /// The question.
    pub question: Words,
    /// The answer in a sentence or two.
    pub short: Words,
    /// What else there is to know.
    pub full: Words,
    /// What a flow shows of it.
    proof: fn(&Flow, Locale) -> Option<String>,
}

impl Question {
    /// Adds the answer to `document`.
    pub(super) fn answer(&self, document: &mut Document, locale: Locale, level: Level, flow: Option<&Flow>) {
        document.heading(self.question.get(locale));
        document.paragraph(self.short.get(locale));
        if level == Level::Full {
            document.paragraph(self.full.get(locale));
        }
        let Some(flow) = flow else { return };
        if let Some(proof) = (self.proof)(flow, locale) {
            document.item(match locale {
                Locale::En => format!("In flow #{}: {proof}", flow.id),
                Locale::Ko => format!("연결 #{}: {proof}", flow.id),
            });
        }
        if self.id == "time-wait" {
            flows::state_in(document, flow, State::TimeWait, locale);
        }
    }
}

/// Every question.
pub const QUESTIONS: &[Question] = &[
    Question {
        id: "why-three-way",
        question: words("Why three steps to open, and not two?", "연결 설정은 왜 2단계가 아니라 3단계인가?"),
        short: words(
            "Each end has to send its initial sequence number and to learn that it arrived: that is two numbers and \
             two acknowledgments. The server's number and its acknowledgment travel in one segment, so four messages \
             make three steps.",
            "양쪽이 각자 초기 시퀀스 번호를 보내고 그것이 도착했음을 알아야 하므로 번호 둘, 확인 응답 둘이 필요합니다. 서버의 \
             번호와 확인 응답은 한 세그먼트로 가므로 메시지 넷이 세 단계가 됩니다.",
        ),
        full: words(
            "With two steps the server would never learn whether its number arrived. It would keep buffers for \
             connections that nobody wants, wait for data that never comes, and could not tell an old SYN that was \
             late on the way from a new one: the third step is where a client refuses such a connection with RST (RFC \
             9293 section 3.5, figure 8).",
            "2단계라면 서버는 자기 번호가 도착했는지 알 수 없습니다. 아무도 원하지 않는 연결을 위해 버퍼를 잡아 두고, 오지 않을 \
             데이터를 기다리며, 늦게 도착한 옛 SYN과 새 SYN을 구별하지 못합니다. 세 번째 단계에서 클라이언트가 그런 연결을 \
             RST로 거절합니다 (RFC 9293 3.5절, 그림 8).",
        ),
        proof: three_way,
    },
    Question {
        id: "two-way",
        question: words("What would break with two steps?", "2-way handshake라면 무엇이 잘못되는가?"),
        short: words(
            "The server would call a connection open that the client may know nothing of: memory wasted, time-outs, \
             states that do not match.",
            "클라이언트가 모르는 연결을 서버는 열렸다고 여깁니다. 자원 낭비, 대기와 시간 초과, 서로 다른 상태가 생깁니다.",
        ),
        full: words(
            "A missing third step shows it today: the server sends its SYN-ACK again and again, holds the \
             half-finished connection and gives up at last. With two steps it would not even notice.",
            "세 번째 단계가 없을 때를 보면 알 수 있습니다. 서버는 SYN-ACK를 거듭 보내며 미완성 연결을 붙들고 있다가 결국 \
             포기합니다. 2단계라면 그 사실조차 알 수 없습니다.",
        ),
        proof: three_way,
    },
    Question {
        id: "why-four-way",
        question: words("Why three steps to open but four to close?", "연결은 3단계인데 종료는 왜 4단계인가?"),
        short: words(
            "The two directions are closed one by one. When the first FIN comes, the receiver's system acknowledges it \
             at once, but its program may have more to send and closes later: ACK and FIN are two decisions, while SYN \
             and ACK are one.",
            "두 방향을 하나씩 닫기 때문입니다. FIN이 오면 받은 쪽 시스템은 바로 확인 응답하지만 프로그램은 아직 보낼 것이 있어 \
             나중에 닫을 수 있습니다. ACK와 FIN은 서로 다른 결정이고, SYN과 ACK는 하나의 결정입니다.",
        ),
        full: words(
            "If the program closes at once, ACK and FIN share a segment and three are seen: in practice that is more \
             common than four. If both close at the same time the FINs cross, and both ends pass through CLOSING (RFC \
             9293 section 3.6).",
            "프로그램이 곧바로 닫으면 ACK와 FIN이 한 세그먼트에 실려 셋만 보이며, 실제로는 넷보다 더 흔합니다. 양쪽이 동시에 \
             닫으면 FIN이 엇갈리고 양쪽 모두 CLOSING을 거칩니다 (RFC 9293 3.6절).",
        ),
        proof: four_way,
    },
    Question {
        id: "data-after-fin",
        question: words("What if data arrives after FIN?", "FIN 뒤에 데이터가 오면?"),
        short: words(
            "FIN closes only the direction of its sender; the other end may go on sending, and that is permitted \
             (half-close). An end must not send data beyond its own FIN: no number is left for it.",
            "FIN은 보낸 쪽의 방향만 닫습니다. 반대쪽은 계속 보낼 수 있고 그것은 허용됩니다 (half-close). 자기 FIN 뒤의 번호로 \
             데이터를 보내면 안 됩니다. 남은 번호가 없기 때문입니다.",
        ),
        full: words(
            "Data with numbers before the FIN that merely comes late is put in its place: FIN has a sequence number, \
             so order is decided by number, not by time. If the program that closed has gone, its system answers data \
             with RST.",
            "FIN보다 앞선 번호의 데이터가 늦게 도착하면 제자리에 들어갑니다. FIN에도 시퀀스 번호가 있으므로 순서는 시간이 아니라 \
             번호로 정해집니다. 닫은 프로그램이 이미 끝났다면 시스템은 데이터에 RST로 응답합니다.",
        ),
        proof: data_after_fin,
    },
    Question {
        id: "why-random-isn",
        question: words("Why are initial sequence numbers random?", "초기 시퀀스 번호는 왜 무작위인가?"),
        short: words(
            "So that nobody can guess them: who knows the number can forge segments without seeing the connection. And \
             so that segments of an earlier connection with the same ports do not fit into the new one.",
            "추측할 수 없게 하기 위해서입니다. 번호를 알면 연결을 보지 않고도 세그먼트를 위조할 수 있습니다. 또한 같은 포트를 쓰던 \
             이전 연결의 세그먼트가 새 연결에 섞이지 않게 합니다.",
        ),
        full: words(
            "RFC 6528 adds a secret hash of addresses and ports to a clock, so numbers of one pair of ports still grow \
             while others cannot be predicted. One flow proves nothing about a host: it takes many samples to tell \
             random from regular.",
            "RFC 6528은 시계 값에 주소와 포트의 비밀 해시를 더합니다. 같은 포트 쌍의 번호는 계속 커지지만 다른 쌍의 번호는 예측할 \
             수 없습니다. 연결 하나로는 호스트에 대해 아무것도 증명하지 못하며, 표본이 많아야 무작위인지 알 수 있습니다.",
        ),
        proof: isns,
    },
    Question {
        id: "half-open",
        question: words("What does half-open mean?", "반개방(half-open)이란?"),
        short: words(
            "Two things, and they should not be mixed. In RFC 9293 a connection is half-open when one end has lost it \
             and the other believes in it (section 3.5.1). Many texts say half-open for a handshake whose SYN-ACK is \
             not acknowledged; synscope calls that embryonic.",
            "두 가지 뜻이 있으며 섞어 쓰면 안 됩니다. RFC 9293의 반개방(half-open)은 한쪽은 연결을 잃었는데 다른 쪽은 열려 있다고 \
             믿는 상태입니다(3.5.1절). 많은 글은 SYN-ACK가 확인 응답을 받지 못한 handshake를 half-open이라 하는데, synscope는 \
             그것을 미완성(embryonic)이라 부릅니다.",
        ),
        full: words(
            "The first kind shows when the believing end sends and gets RST (figures 9 and 10 of RFC 9293). The second \
             kind is a server in SYN_RECEIVED: verdict missing-ack. A SYN flood makes many of the second kind. \
             Half-close is a third thing: one direction closed on purpose.",
            "첫째는 믿고 있던 쪽이 보냈다가 RST를 받을 때 드러납니다 (RFC 9293 그림 9, 10). 둘째는 서버가 SYN_RECEIVED에 있는 \
             경우로 판정은 missing-ack입니다. SYN flooding은 둘째를 대량으로 만듭니다. half-close는 또 다른 것으로, 한 방향을 \
             일부러 닫은 것입니다.",
        ),
        proof: half_open,
    },
    Question {
        id: "syn-cookies",
        question: words("What are SYN cookies?", "SYN 쿠키란?"),
        short: words(
            "A server under a SYN flood keeps nothing for a SYN: it computes its initial sequence number from \
             addresses, ports, time and a secret, and rebuilds the connection from the number that the final ACK \
             acknowledges.",
            "SYN flooding을 받는 서버가 SYN에 대해 아무것도 저장하지 않는 방법입니다. 주소, 포트, 시각, 비밀 값으로 초기 시퀀스 \
             번호를 계산하고, 마지막 ACK가 확인하는 번호에서 연결을 되살립니다.",
        ),
        full: words(
            "They are not quite invisible: the SYN-ACK is never repeated, options that do not fit into the number are \
             missing or packed into the timestamp, and the MSS is rounded to one of a few values. Memory is taken only \
             when a valid ACK comes (RFC 4987 section 3.6).",
            "완전히 보이지 않는 것은 아닙니다. SYN-ACK를 재전송하지 않고, 번호에 담지 못하는 옵션은 빠지거나 타임스탬프에 \
             숨겨지며, MSS는 몇 가지 값으로 반올림됩니다. 메모리는 올바른 ACK가 왔을 때만 할당합니다 (RFC 4987 3.6절).",
        ),
        proof: options_refused,
    },
    Question {
        id: "syn-flood",
        question: words("What is a SYN flood?", "SYN flooding이란?"),
        short: words(
            "Many SYNs, often from forged addresses, and no third step: the server's backlog fills with embryonic \
             connections until it takes no new ones.",
            "위조한 주소 등으로 SYN을 대량으로 보내고 세 번째 단계는 보내지 않는 공격입니다. 서버의 backlog 큐가 미완성 연결로 \
             차서 새 연결을 받지 못하게 됩니다.",
        ),
        full: words(
            "It goes in four phases: a burst of SYNs, SYN_RECEIVED piling up, the queue full, legitimate clients \
             unanswered. SYN cookies, a larger backlog, a shorter wait, rate limits and a proxy in front help against \
             it.",
            "네 단계로 진행됩니다: SYN 폭주, SYN_RECEIVED 누적, 큐 포화, 정상 클라이언트 무응답. SYN 쿠키, 큰 backlog, 짧은 대기 \
             시간, 속도 제한, 앞단 프록시가 방어책입니다.",
        ),
        proof: half_open,
    },
    Question {
        id: "time-wait",
        question: words("Why TIME_WAIT, and how long?", "TIME_WAIT는 왜, 얼마나?"),
        short: words(
            "The end that closed first waits 2 × MSL: to repeat its last ACK if it was lost, and to let old segments \
             die before the same ports are used again.",
            "먼저 닫은 쪽이 2 × MSL 동안 기다립니다. 마지막 ACK가 사라졌을 때 다시 보내고, 같은 포트를 다시 쓰기 전에 옛 \
             세그먼트가 사라지게 하기 위해서입니다.",
        ),
        full: words(
            "240 s is 2 × the MSL of 2 minutes in RFC 9293; Linux waits 60 s. Only the active closer waits (both in a \
             simultaneous close). A new SYN may be taken early if its number or timestamp is higher (RFC 6191).",
            "240초는 RFC 9293의 MSL 2분의 두 배이고, Linux는 60초입니다. 능동적으로 닫은 쪽만 기다립니다 (동시 종료에서는 \
             양쪽). 번호나 타임스탬프가 더 크면 새 SYN을 일찍 받아들일 수 있습니다 (RFC 6191).",
        ),
        proof: reuse,
    },
    Question {
        id: "fast-open",
        question: words("What is TCP Fast Open?", "TCP Fast Open이란?"),
        short: words(
            "Data in the SYN: a cookie from an earlier connection proves the client's address, so the server may hand \
             the data to its program before the handshake is finished. One round trip less (RFC 7413).",
            "SYN에 데이터를 싣는 것입니다. 이전 연결에서 받은 쿠키가 클라이언트의 주소를 증명하므로, 서버는 handshake가 끝나기 \
             전에 데이터를 프로그램에 넘길 수 있습니다. 왕복 한 번이 절약됩니다 (RFC 7413).",
        ),
        full: words(
            "First connection: an empty cookie option asks, the SYN-ACK grants. Later: cookie and data in the SYN; the \
             SYN-ACK that acknowledges beyond ISN+1 has taken them. Not every path lets it through, and the data may \
             arrive twice, so it must be harmless to repeat.",
            "첫 연결: 빈 쿠키 옵션으로 요청하고 SYN-ACK가 발급합니다. 다음 연결: SYN에 쿠키와 데이터를 싣고, SYN-ACK가 ISN+1보다 \
             큰 번호를 확인하면 받아들인 것입니다. 모든 경로가 통과시키지는 않으며 데이터가 두 번 도착할 수 있으므로 반복해도 \
             안전한 요청이어야 합니다.",
        ),
        proof: fast_opened,
    },
    Question {
        id: "zero-rtt",
        question: words("What is 0-RTT?", "0-RTT란?"),
        short: words(
            "Sending the request without waiting for a handshake, under a key kept from an earlier session. QUIC does \
             it in its first packet, which HTTP/3 uses (RFC 9001 section 4.6, RFC 9114). TLS 1.3 early data over TCP \
             waits for the TCP handshake, one round trip, unless Fast Open carries it in the SYN (RFC 8446 section \
             2.3, RFC 7413).",
            "이전 세션의 키로 handshake를 기다리지 않고 요청을 보내는 것입니다. QUIC은 첫 패킷에 실어 보내며 HTTP/3이 이를 씁니다 \
             (RFC 9001 4.6절, RFC 9114). TCP 위의 TLS 1.3 early data는 TCP handshake, 곧 왕복 한 번을 기다립니다. Fast Open으로 \
             SYN에 실을 때만 기다리지 않습니다 (RFC 8446 2.3절, RFC 7413).",
        ),
        full: words(
            "Round trips before the first request: 2 for TCP with TLS 1.3, 1 with its early data, 0 with both early \
             data and Fast Open; 1 for QUIC, 0 with its 0-RTT. Others can record early data and send it again (RFC \
             8446 section 8), so only requests that may be repeated belong into it. Over TCP synscope shows \
             that early data was sent, and how much; whether it was taken is encrypted. QUIC it does not read.",
            "첫 요청까지 기다리는 왕복: TCP와 TLS 1.3은 2번, early data를 쓰면 1번, early data와 Fast Open을 함께 쓰면 0번입니다. \
             QUIC은 1번, 0-RTT를 쓰면 0번입니다. early data는 다른 사람이 가로채 저장했다가 다시 보낼 수 있으므로(RFC 8446 8절) \
             반복해도 되는 요청만 실어야 합니다. TCP 위에서는 synscope가 early data를 얼마나 보냈는지 \
             보여 줍니다. 받아들였는지는 암호화되어 있습니다. QUIC은 읽지 않습니다.",
        ),
        proof: zero_rtt,
    },
    Question {
        id: "opening-cost",
        question: words("What does opening a connection cost?", "연결을 여는 데 무엇이 드는가?"),
        short: words(
            "Round trips. TCP takes one before the client may send, TLS 1.3 one more, TLS 1.2 two more (one if a \
             session is resumed). Then the request and its answer take another. Each is as long as the path is: \
             on 100 ms \
             a page over TLS 1.2 begins after 400 ms.",
            "왕복입니다. 클라이언트가 보낼 수 있기까지 TCP가 한 번, TLS 1.3이 한 번 더, TLS 1.2는 두 번 더(세션을 재개하면 한 번) \
             걸립니다. 그다음 요청과 응답이 한 번 더 걸립니다. 왕복 하나는 경로의 길이만큼 걸리므로 100 ms 경로에서 TLS 1.2 위의 \
             페이지는 400 ms 뒤에 시작됩니다.",
        ),
        full: words(
            "A hello retry costs one more: the client guessed a key exchange that the server does not have. Early data \
             sends the request with the ClientHello, and Fast Open even that with the SYN; both may be replayed. A \
             server that is busy shows in the time between ClientHello and ServerHello, not in the round trip. Wider \
             pipes change nothing of this: only fewer round trips or shorter ones do.",
            "hello retry는 왕복이 한 번 더 듭니다. 클라이언트가 서버에 없는 키 교환을 짐작했기 때문입니다. early data는 요청을 \
             ClientHello와 함께, Fast Open은 그것을 SYN에 실어 보냅니다. 둘 다 재전송 공격이 가능합니다. 바쁜 서버는 왕복 시간이 \
             아니라 ClientHello와 ServerHello 사이의 시간에 드러납니다. 대역폭을 넓혀도 소용없고 왕복을 줄이거나 짧게 해야 합니다.",
        ),
        proof: opening_cost,
    },
    Question {
        id: "quic",
        question: words("What does QUIC save?", "QUIC은 무엇을 절약하는가?"),
        short: words(
            "One round trip: QUIC runs over UDP and does the handshakes of transport and TLS 1.3 together (RFC 9000 \
             section 7). A request leaves after one round trip, with 0-RTT after none.",
            "왕복 한 번입니다. QUIC은 UDP 위에서 전송 계층과 TLS 1.3의 핸드셰이크를 함께 합니다 (RFC 9000 7절). 요청은 왕복 한 번 \
             뒤에, 0-RTT라면 바로 나갑니다.",
        ),
        full: words(
            "What TCP's third step proves, that the client is where it says, a Retry packet with a token proves, \
             for one \
             more round trip (section 8.1.2); without it the server may send only three times what it received \
             (section 8.1), so a long certificate chain costs a round trip, too. Lost packets hold up only their own \
             stream, and a connection outlives a change of address. synscope does not read UDP: of QUIC it shows \
             nothing.",
            "TCP의 세 번째 단계가 증명하는 것, 곧 클라이언트가 정말 그 주소에 있다는 것을 QUIC에서는 토큰이 든 Retry 패킷이 증명하며 왕복 \
             한 번이 더 듭니다 (8.1.2절). Retry 없이는 받은 양의 세 배까지만 보낼 수 있어(8.1절) 긴 인증서 체인도 왕복 한 번을 더 씁니다. \
             잃은 패킷은 자기 스트림만 막고, 주소가 바뀌어도 연결이 이어집니다. synscope는 UDP를 읽지 않으므로 QUIC은 보여 주지 \
             않습니다.",
        ),
        proof: |_, _| None,
    },
    Question {
        id: "http3",
        question: words("What does HTTP/3 change?", "HTTP/3은 무엇이 다른가?"),
        short: words(
            "HTTP/3 is HTTP over QUIC (RFC 9114): a first request after one round trip instead of two or three, \
             and after \
             none where it repeats safely.",
            "HTTP/3은 QUIC 위의 HTTP입니다 (RFC 9114). 첫 요청이 왕복 두세 번이 아니라 한 번 뒤에, 반복해도 안전하면 바로 나갑니다.",
        ),
        full: words(
            "A browser learns from an answer over TCP that the server speaks it (Alt-Svc, RFC 7838), or from the name \
             system (HTTPS records, RFC 9460). Where UDP port 443 is blocked it falls back to TCP: the waits \
             before that \
             are the price. Connections over TCP to a server that should speak HTTP/3 are a sign of it.",
            "브라우저는 TCP로 받은 응답(Alt-Svc, RFC 7838)이나 DNS(HTTPS 레코드, RFC 9460)에서 서버가 HTTP/3을 쓰는지 압니다. UDP \
             443이 막히면 TCP로 돌아가며 그때까지의 대기가 대가입니다. HTTP/3을 써야 할 서버로 TCP 연결이 보이면 그런 징후입니다.",
        ),
        proof: |_, _| None,
    },
    Question {
        id: "seq-ack",
        question: words("How do sequence numbers grow?", "시퀀스 번호는 어떻게 커지는가?"),
        short: words(
            "By the octets of payload, and by one for SYN and for FIN. An ACK alone takes no number.",
            "payload 옥텟 수만큼, 그리고 SYN과 FIN에서 1씩 커집니다. ACK만 있는 세그먼트는 번호를 차지하지 않습니다.",
        ),
        full: words(
            "\"Both grow by one each time\" holds in the handshake only because SYN takes one. The acknowledgment \
             number is always the next octet expected; all arithmetic is modulo 2^32 (RFC 9293 section 3.4).",
            "\"매번 1씩 커진다\"는 handshake에서만, SYN이 번호 하나를 차지하기 때문에 맞습니다. 확인 응답 번호는 항상 다음에 받을 \
             옥텟의 번호이고, 모든 계산은 2^32로 나눈 나머지로 합니다 (RFC 9293 3.4절).",
        ),
        proof: growth,
    },
    Question {
        id: "round-trips",
        question: words("Does a handshake cost 1.5 round trips?", "handshake에는 1.5 RTT가 드는가?"),
        short: words(
            "Counted from the client's SYN until the server is ready, yes. Each end waits one: the client from its SYN \
             to the SYN-ACK, the server from its SYN-ACK to the ACK. The client may send in the third segment.",
            "클라이언트의 SYN부터 서버가 준비될 때까지 세면 그렇습니다. 기다리는 시간은 양쪽 모두 왕복 한 번입니다. 클라이언트는 SYN부터 \
             SYN-ACK까지, 서버는 SYN-ACK부터 ACK까지 기다립니다. 클라이언트는 세 번째 세그먼트부터 데이터를 보낼 수 있습니다.",
        ),
        full: words(
            "The client is in ESTABLISHED when the SYN-ACK arrives, the server half a round trip later. A lost SYN \
             costs far more: 1 s and up.",
            "클라이언트는 SYN-ACK를 받을 때, 서버는 왕복 시간의 절반 뒤에 ESTABLISHED가 됩니다. SYN을 잃으면 훨씬 비싸서 1초 \
             이상이 듭니다.",
        ),
        proof: round_trips,
    },
    Question {
        id: "control-flags",
        question: words("How many control flags are there?", "제어 플래그는 몇 개인가?"),
        short: words(
            "Six in RFC 793 (FIN, SYN, RST, PSH, ACK, URG); eight since ECN (ECE, CWR), nine with AE (RFC 9768).",
            "RFC 793에는 여섯(FIN, SYN, RST, PSH, ACK, URG), ECN 이후 여덟(ECE, CWR), AE까지 아홉입니다 (RFC 9768).",
        ),
        full: words(
            "They are bits of the TCP header, not messages of their own. A SYN that offers ECN has ECE and CWR set: a \
             comparison with exactly SYN misses it. SYN+RST or no flag at all open nothing. A listening end may take a \
             SYN+FIN by RFC 9293 section 3.10.7.2; Linux and most other stacks drop it.",
            "별도의 메시지가 아니라 TCP 헤더 안의 비트입니다. ECN을 제안하는 SYN에는 ECE와 CWR이 함께 있으므로 \"정확히 SYN\"만 \
             비교하면 놓칩니다. SYN+RST나 플래그 없음은 아무것도 열지 못합니다. SYN+FIN은 RFC 9293 3.10.7.2절에 따르면 대기 중인 \
             쪽이 받아들일 수 있지만, Linux와 대부분의 스택은 버립니다.",
        ),
        proof: first_flags,
    },
    Question {
        id: "retries",
        question: words("How often is a SYN repeated?", "SYN은 몇 번 재전송되는가?"),
        short: words(
            "RFC 6298: after 1 s, then 2, 4, 8 … until the system gives up. Linux since 6.5 waits 1 s five times \
             before it doubles (tcp_syn_linear_timeouts = 4): 10 repetitions, the last after 67 s; before that 6, the \
             last after 63 s. BSD and Apple make about 10, Windows 2 to 4.",
            "RFC 6298에 따르면 1초 뒤, 그다음 2, 4, 8초… 간격으로 운영 체제가 포기할 때까지 재전송합니다. Linux 6.5부터는 1초 \
             간격으로 다섯 번 보낸 뒤 두 배로 늘려(tcp_syn_linear_timeouts = 4) 모두 10번, 마지막은 67초 뒤입니다. 그 전에는 6번, \
             마지막은 63초 뒤입니다. BSD와 Apple은 10번쯤, Windows는 2~4번입니다.",
        ),
        full: words(
            "Schedules differ: old systems began with 3 s, Apple's begin below 1 s, and each is a setting (Linux: \
             tcp_syn_retries). Do not assume, measure: the gaps are in every flow.",
            "일정은 제각각입니다. 옛 시스템은 3초로 시작했고, Apple은 1초보다 짧게 시작하며, 모두 설정에 따라 다릅니다(Linux는 \
             tcp_syn_retries). 짐작하지 말고 재십시오. 모든 연결에 간격이 기록됩니다.",
        ),
        proof: retried,
    },
    Question {
        id: "reliability",
        question: words("What does the handshake guarantee?", "handshake는 무엇을 보장하는가?"),
        short: words(
            "That both ends are there, that the path works both ways, and that both know where the other's numbers \
             begin. From then on bytes arrive in order, without loss or duplicates, or the connection breaks.",
            "양쪽이 존재하고, 경로가 양방향으로 통하며, 서로 상대의 시작 번호를 안다는 것입니다. 그 뒤로 바이트는 순서대로, 손실과 \
             중복 없이 도착하거나 연결이 끊어집니다.",
        ),
        full: words(
            "It does not say who the other one is, nor that the other program reads. There are no message boundaries: \
             a stream of bytes is cut into segments as the stack likes.",
            "상대가 누구인지, 상대 프로그램이 읽는지는 보장하지 않습니다. 메시지 경계도 없습니다. 바이트 스트림을 스택이 편한 대로 \
             세그먼트로 자릅니다.",
        ),
        proof: three_way,
    },
];

fn three_way(flow: &Flow, locale: Locale) -> Option<String> {
    let h = &flow.handshake;
    let (syn, synack) = (h.syns.first()?, h.synacks.first());
    let Some(synack) = synack else {
        return Some(match locale {
            Locale::En => {
                format!("the SYN (frame {}) has no SYN-ACK in this capture, so no number was agreed.", syn.frame)
            }
            Locale::Ko => format!("SYN(프레임 {})에 대한 SYN-ACK가 캡처에 없으므로 합의한 번호가 없습니다.", syn.frame),
        });
    };
    Some(match (locale, &h.ack) {
        (Locale::En, Some(ack)) => format!(
            "frame {} says x = {}; frame {} says y = {} and acknowledges x+1 = {}; frame {} acknowledges y+1 = {}. \
             Without the last, the server would not know that y arrived.",
            syn.frame, syn.seq, synack.frame, synack.seq, synack.ack, ack.frame, ack.ack
        ),
        (Locale::Ko, Some(ack)) => format!(
            "프레임 {} x = {} 보내고, 프레임 {} y = {} 보내며 x+1 = {} 확인하고, 프레임 {} y+1 = {} 확인합니다. 마지막이 없으면 \
             서버는 y가 도착했는지 알 수 없습니다.",
            with_particle(syn.frame, Particle::Subject),
            with_particle(syn.seq, Particle::Object),
            with_particle(synack.frame, Particle::Subject),
            with_particle(synack.seq, Particle::Object),
            with_particle(synack.ack, Particle::Object),
            with_particle(ack.frame, Particle::Subject),
            with_particle(ack.ack, Particle::Object)
        ),
        (Locale::En, None) => format!(
            "the third step is missing: frame {} sent y = {} and nothing ever acknowledged it; the server sent {} \
             SYN-ACK(s) and cannot know whether its number arrived.",
            synack.frame, synack.seq, flow.server.synack_count
        ),
        (Locale::Ko, None) => format!(
            "세 번째 단계가 없습니다. 프레임 {} y = {} 보냈지만 확인 응답이 없었습니다. 서버는 SYN-ACK를 {}번 보냈고, 자기 번호가 \
             도착했는지 알 수 없습니다.",
            with_particle(synack.frame, Particle::Subject),
            with_particle(synack.seq, Particle::Object),
            flow.server.synack_count
        ),
    })
}

fn four_way(flow: &Flow, locale: Locale) -> Option<String> {
    let shape = flow.shape()?;
    let fins: Vec<String> =
        flow.steps.iter().filter(|step| step.label == Label::Fin).map(|step| step.frame.to_string()).collect();
    let fins = fins.join(", ");
    let words = terms::shape(shape).get(locale);
    let apart = flow.half_closed_time().filter(|_| shape == Shape::FourSegment).map(human);
    Some(match (locale, apart) {
        (Locale::En, Some(apart)) => {
            format!("{words}; FIN in frames {fins}. The second came {apart} after the first had been acknowledged.")
        }
        (Locale::En, None) => format!("{words}; FIN in frames {fins}."),
        (Locale::Ko, Some(apart)) => {
            format!("{words}. FIN은 프레임 {fins}. 둘째 FIN은 첫 FIN의 확인 응답보다 {apart} 뒤에 왔습니다.")
        }
        (Locale::Ko, None) => format!("{words}. FIN은 프레임 {fins}."),
    })
    .filter(|_| !fins.is_empty())
}

fn data_after_fin(flow: &Flow, locale: Locale) -> Option<String> {
    let first = flow.teardown.first_fin?;
    let who = terms::side(first).get(locale);
    let other = terms::side(first.other()).get(locale);
    let bytes = flow.teardown.data_after_fin;
    Some(match (locale, bytes) {
        (Locale::En, 0) => format!("the {who} sent FIN first and the {other} sent no data after it."),
        (Locale::En, n) => {
            let n = octets(n);
            format!(
                "the {who} sent FIN first, and the {other} still sent {n} after it, as it may: its direction was open."
            )
        }
        (Locale::Ko, 0) => format!("{who}가 먼저 FIN을 보냈고 {other}는 그 뒤로 데이터를 보내지 않았습니다."),
        (Locale::Ko, n) => {
            let n = with_particle(octets(n), Particle::Object);
            format!(
                "{who}가 먼저 FIN을 보냈지만 {other}는 그 뒤로 {n} 더 보냈습니다. 자기 방향은 열려 있었으므로 정상입니다."
            )
        }
    })
}

fn isns(flow: &Flow, locale: Locale) -> Option<String> {
    let client = flow.client.isn?;
    let server = flow.server.isn.map(|isn| isn.to_string());
    Some(match (locale, server) {
        (Locale::En, Some(server)) => format!("the client began at {client}, the server at {server}."),
        (Locale::En, None) => format!("the client began at {client}."),
        (Locale::Ko, Some(server)) => format!("클라이언트는 {client}, 서버는 {server}에서 시작했습니다."),
        (Locale::Ko, None) => format!("클라이언트는 {client}에서 시작했습니다."),
    })
}

fn half_open(flow: &Flow, locale: Locale) -> Option<String> {
    Some(match (locale, flow.opening()) {
        (Locale::En, Opening::MissingAck) if flow.withdrawn().is_some() => {
            "embryonic until the server itself reset it, before any third step.".to_owned()
        }
        (Locale::Ko, Opening::MissingAck) if flow.withdrawn().is_some() => {
            "서버가 세 번째 단계 전에 스스로 RST로 거둘 때까지 미완성(embryonic)이었습니다.".to_owned()
        }
        (Locale::En, Opening::MissingAck) => format!(
            "embryonic: {} SYN-ACK(s), no acknowledgment; the server was in SYN_RECEIVED to the end.",
            flow.server.synack_count
        ),
        (Locale::Ko, Opening::MissingAck) => format!(
            "미완성(embryonic): SYN-ACK {}번, 확인 응답 없음. 서버는 끝까지 SYN_RECEIVED에 있었습니다.",
            flow.server.synack_count
        ),
        (Locale::En, opening) if opening.opened() => "the handshake was finished: not embryonic.".to_owned(),
        (Locale::Ko, opening) if opening.opened() => "handshake가 끝났으므로 미완성(embryonic)이 아닙니다.".to_owned(),
        _ => return None,
    })
}

fn options_refused(flow: &Flow, locale: Locale) -> Option<String> {
    let (client, server) = (flow.client.offer?, flow.server.offer?);
    let missing: Vec<&str> = [
        (client.window_scale.is_some() && server.window_scale.is_none(), locale.pick("window scaling", "윈도 확대")),
        (client.sack_permitted && !server.sack_permitted, "SACK"),
        (client.timestamps.is_some() && server.timestamps.is_none(), locale.pick("timestamps", "타임스탬프")),
    ]
    .into_iter()
    .filter_map(|(missing, name)| missing.then_some(name))
    .collect();
    let list = missing.join(", ");
    Some(match (locale, missing.is_empty()) {
        (Locale::En, true) => {
            "the server answered every option that the client offered: no trace of a cookie there.".to_owned()
        }
        (Locale::En, false) => {
            format!(
                "the client offered {list}, the SYN-ACK does not: a server that uses cookies looks like this, and an \
                 old one, too."
            )
        }
        (Locale::Ko, true) => {
            "서버가 클라이언트의 모든 옵션에 응답했으므로 여기에는 쿠키의 흔적이 없습니다.".to_owned()
        }
        (Locale::Ko, false) => {
            format!(
                "클라이언트가 제안한 {list} 옵션이 SYN-ACK에 없습니다. 쿠키를 쓰는 서버가 이렇게 보이고, 오래된 서버도 그렇습니다."
            )
        }
    })
}

fn reuse(flow: &Flow, locale: Locale) -> Option<String> {
    let previous = flow.previous().filter(|previous| flow.first_time >= previous.last_time)?;
    let gap = human(flow.first_time - previous.last_time);
    Some(match locale {
        Locale::En => format!("the same ports were used by #{} until {gap} before this SYN.", previous.id),
        Locale::Ko => {
            let id = with_particle(previous.id, Particle::Subject);
            format!("같은 포트를 연결 #{id} 이 SYN의 {gap} 전까지 썼습니다.")
        }
    })
}

fn fast_opened(flow: &Flow, locale: Locale) -> Option<String> {
    let payload = flow.handshake.syns.first()?.payload;
    let acknowledged = flow.handshake.syn_payload_acked;
    let used = fast_open(flow);
    let rtt = flow.handshake.rtt().map_or_else(|| "1 RTT".to_owned(), human);
    Some(match (locale, used) {
        (Locale::En, None) => {
            format!("no Fast Open option in the SYN: the first data had to wait for one round trip ({rtt}).")
        }
        (Locale::Ko, None) => {
            format!("SYN에 Fast Open 옵션이 없습니다. 첫 데이터는 왕복 한 번({rtt})을 기다려야 했습니다.")
        }
        (Locale::En, Some(FastOpenUse::Accepted)) => {
            format!("{payload} octets in the SYN, {acknowledged} acknowledged by the SYN-ACK: taken; {rtt} saved.")
        }
        (Locale::Ko, Some(FastOpenUse::Accepted)) => {
            let rtt = with_particle(rtt, Particle::Object);
            format!("SYN에 {payload} 옥텟, SYN-ACK가 {acknowledged} 옥텟을 확인: 받아들여져 {rtt} 절약했습니다.")
        }
        (Locale::En, Some(used)) => {
            let used = terms::fast_open(used).get(locale);
            format!("Fast Open: {used}; {payload} octets in the SYN, {acknowledged} of them acknowledged.")
        }
        (Locale::Ko, Some(used)) => {
            let used = terms::fast_open(used).get(locale);
            format!("Fast Open: {used}. SYN에 {payload} 옥텟, 그중 {acknowledged} 옥텟 확인.")
        }
    })
}

fn zero_rtt(flow: &Flow, locale: Locale) -> Option<String> {
    if flow.tls().is_some() { opening_cost(flow, locale) } else { fast_opened(flow, locale) }
}

fn opening_cost(flow: &Flow, locale: Locale) -> Option<String> {
    let said = super::opening_cost::sentences(flow, locale);
    if said.is_empty() { round_trips(flow, locale) } else { Some(said.join(" ")) }
}

fn growth(flow: &Flow, locale: Locale) -> Option<String> {
    let client = flow.client.isn?;
    let next = flow.client.next?;
    let grown = next.offset_from(client);
    let (bytes, fin) = (flow.client.bytes, u32::from(flow.client.fin.is_some()));
    Some(match locale {
        Locale::En => format!(
            "the client's numbers went from {client} to {next}, by {grown}: 1 for SYN, {fin} for FIN, the rest for its \
             data ({bytes} octets sent, repetitions included)."
        ),
        Locale::Ko => format!(
            "클라이언트의 번호는 {client}에서 {next}까지 {grown}만큼 커졌습니다. SYN 1, FIN {fin}, 나머지는 데이터입니다 (재전송 \
             포함 {bytes} 옥텟 전송)."
        ),
    })
}

fn round_trips(flow: &Flow, locale: Locale) -> Option<String> {
    let (connect, rtt) = (flow.handshake.connect_time()?, flow.handshake.rtt()?);
    let (connect, one, half) = (human(connect), human(rtt), human(rtt / 2));
    Some(match locale {
        Locale::En => format!(
            "one round trip is {one}; the application waited {connect}; the server was ready about {half} after the \
             client."
        ),
        Locale::Ko => format!(
            "1 RTT는 {one}, 응용 프로그램이 기다린 시간은 {connect}, 서버는 클라이언트보다 약 {half} 뒤에 준비되었습니다."
        ),
    })
}

fn first_flags(flow: &Flow, locale: Locale) -> Option<String> {
    let step = flow.steps.first()?;
    let from = terms::side(step.from).get(locale);
    Some(match locale {
        Locale::En => format!(
            "the first segment, from the {from}, has {} (S SYN, A ACK, F FIN, R RST, P PSH, E ECE, C CWR).",
            step.flags
        ),
        Locale::Ko => format!(
            "{from}가 보낸 첫 세그먼트의 플래그는 {}입니다 (S SYN, A ACK, F FIN, R RST, P PSH, E ECE, C CWR).",
            step.flags
        ),
    })
}

fn retried(flow: &Flow, locale: Locale) -> Option<String> {
    let tries = flow.tries();
    let gaps: Vec<String> = flow.handshake.syn_gaps().map(human).collect();
    let gaps = gaps.join(", ");
    Some(match (locale, tries) {
        (_, 0) => return None,
        (Locale::En, 1) => "one SYN was enough.".to_owned(),
        (Locale::Ko, 1) => "SYN 한 번으로 충분했습니다.".to_owned(),
        (Locale::En, n) => format!("{n} SYNs, after waits of {gaps}."),
        (Locale::Ko, n) => format!("SYN {n}번, 기다린 시간은 {gaps}입니다."),
    })
}
