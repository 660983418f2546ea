//! The vocabulary in both languages: every verdict, state, step and flag, in a few words and in a paragraph.

use super::locale::{Words, words};
use crate::flow::features::FastOpenUse;
use crate::flow::{Backoff, Certainty, ClosedBy, Closing, Flow, Label, Opening, Shape, Side};
use crate::tcp::State;

/// How a connection opened, in a few words.
pub const fn opening(opening: Opening) -> Words {
    match opening {
        Opening::Established => words("three-way handshake completed", "3-way handshake로 연결이 설정됨"),
        Opening::FastOpen => {
            words("opened with data in the SYN (TCP Fast Open)", "SYN에 데이터를 실어 연결됨 (TCP Fast Open)")
        }
        Opening::SimultaneousOpen => words("the SYNs of both ends crossed", "양쪽의 SYN이 서로 엇갈림 (동시 연결)"),
        Opening::SplitHandshake => {
            words("the server answered the SYN with a SYN", "서버가 SYN에 SYN으로 응답함 (분할 handshake)")
        }
        Opening::Refused => words("RST answered the SYN", "SYN에 RST로 응답함 (연결 거부)"),
        Opening::Unreachable => words("an ICMP error answered the SYN", "SYN에 ICMP 오류로 응답함 (도달 불가)"),
        Opening::Unanswered => words("nothing answered the SYN", "SYN에 아무 응답이 없음"),
        Opening::Aborted => {
            words("RST from the client before any SYN-ACK", "SYN-ACK가 오기 전에 클라이언트가 RST를 보냄")
        }
        Opening::MissingAck => {
            words("the SYN-ACK was never acknowledged", "SYN-ACK에 대한 확인 응답이 끝내 없음 (세 번째 단계 누락)")
        }
        Opening::ResetAfterSynAck => {
            words("the client answered the SYN-ACK with RST", "클라이언트가 SYN-ACK에 RST로 응답함")
        }
        Opening::SynAckOnly => words("SYN-ACK without a SYN", "SYN 없이 SYN-ACK만 보임"),
        Opening::Midstream => {
            words("it was open before it was first seen", "캡처가 시작되기 전에 이미 연결되어 있었음")
        }
        Opening::Invalid => {
            words("began with flags that no handshake can have", "handshake에 있을 수 없는 플래그로 시작함")
        }
        Opening::Undecided => words("observation ended before it was decided", "판정하기 전에 관찰이 끝남"),
    }
}

/// How `flow` opened, or why it did not, in a few words.
pub fn opening_of(flow: &Flow) -> Words {
    if flow.withdrawn().is_some() {
        return words(
            "the server reset its own attempt after its SYN-ACK",
            "서버가 SYN-ACK를 보낸 뒤 스스로 RST로 시도를 거둠",
        );
    }
    if flow.lost_every_synack() {
        return words(
            "the SYN-ACK is lost between here and the client",
            "SYN-ACK가 이 지점과 클라이언트 사이에서 사라짐",
        );
    }
    if flow.had_no_fitting_answer() {
        return if flow.server.rst_count > 0 && flow.server.synack_count == 0 {
            words(
                "answered by RST whose acknowledgment does not fit: the client must ignore it",
                "확인 응답 번호가 맞지 않는 RST가 응답함: 클라이언트는 무시해야 함",
            )
        } else {
            words(
                "answered, but no answer fits the SYN: the client must ignore it",
                "응답이 있었으나 SYN에 맞는 것이 없음: 클라이언트는 무시해야 함",
            )
        };
    }
    if let Some(words) = gave_up(flow) {
        return words;
    }
    if flow.is_to_itself() && flow.opening().opened() {
        return words("a socket connected to itself", "소켓이 자기 자신에 연결됨");
    }
    opening(flow.opening())
}

/// How the client ended its attempt, where that was not with a RST before any SYN-ACK.
fn gave_up(flow: &Flow) -> Option<Words> {
    Some(match (flow.gave_up_with_fin(), flow.gave_up_on_wrong_synack()) {
        (true, true) => words(
            "FIN from the client, and no SYN-ACK that fits its SYN",
            "클라이언트가 FIN을 보냈고, SYN에 맞는 SYN-ACK는 없음",
        ),
        (false, true) => words(
            "RST from the client, and no SYN-ACK that fits its SYN",
            "클라이언트가 RST를 보냈고, SYN에 맞는 SYN-ACK는 없음",
        ),
        (true, false) => words("FIN from the client before any SYN-ACK", "SYN-ACK가 오기 전에 클라이언트가 FIN을 보냄"),
        (false, false) => return None,
    })
}

/// What that means and what to check next.
pub fn opening_meaning_of(flow: &Flow) -> Words {
    if flow.withdrawn().is_some() {
        WITHDRAWN
    } else if flow.is_to_itself() && flow.opening().opened() {
        TO_ITSELF
    } else if flow.lost_every_synack() {
        SYN_ACK_LOST
    } else if flow.had_no_fitting_answer() {
        NO_FITTING_ANSWER
    } else if flow.gave_up_with_fin() {
        ABORTED_BY_FIN
    } else {
        opening_meaning(flow.opening())
    }
}

/// What that means and what to check next.
pub const fn opening_meaning(opening: Opening) -> Words {
    match opening {
        Opening::Established => ESTABLISHED,
        Opening::FastOpen => FAST_OPEN,
        Opening::SimultaneousOpen => SIMULTANEOUS_OPEN,
        Opening::SplitHandshake => SPLIT_HANDSHAKE,
        Opening::Refused => REFUSED,
        Opening::Unreachable => UNREACHABLE,
        Opening::Unanswered => UNANSWERED,
        Opening::Aborted => ABORTED,
        Opening::MissingAck => MISSING_ACK,
        Opening::ResetAfterSynAck => RESET_AFTER_SYN_ACK,
        Opening::SynAckOnly => SYN_ACK_ONLY,
        Opening::Midstream => MIDSTREAM,
        Opening::Invalid => INVALID,
        Opening::Undecided => UNDECIDED,
    }
}

const TO_ITSELF: Words = words(
    "A client connected to an address of its own host, and its kernel gave it the very port that it connects to: its \
     SYN met itself, and the socket is both ends (a simultaneous open, RFC 9293 figure 7). It reads what it writes, \
     although nobody listens. Programs that try again and again until a local server has started see this: bind the \
     client to another port, or keep the server's port out of the ephemeral range.",
    "클라이언트가 자기 호스트의 주소로 연결하는데 커널이 바로 그 목적지 포트를 출발지로 골랐습니다. 자신의 SYN이 자신과 \
     만나 한 소켓이 양쪽이 됩니다 (동시 연결, RFC 9293 그림 7). 아무도 대기하지 않는데도 자기가 쓴 것을 읽습니다. 로컬 \
     서버가 뜰 때까지 계속 시도하는 프로그램에서 생깁니다. 클라이언트를 다른 포트에 묶거나, 서버 포트를 임시 포트 범위에서 \
     빼십시오.",
);
const WITHDRAWN: Words = words(
    "The server took the SYN, answered with SYN-ACK, and threw the attempt away itself before any third step: its RST \
     ends it. A stack that takes a repeated SYN for an error, a listener that was closed, or a device that refuses in \
     the server's name. Compare the TTL of the RST with that of the SYN-ACK.",
    "서버가 SYN을 받아 SYN-ACK로 응답했지만 세 번째 단계 전에 스스로 RST로 시도를 거두었습니다. 반복된 SYN을 오류로 여기는 \
     스택이거나, 대기 소켓이 닫혔거나, 중간 장비가 서버 이름으로 거절한 것입니다. RST의 TTL을 SYN-ACK의 TTL과 비교하십시오.",
);

const SYN_ACK_LOST: Words = words(
    "The server answered, and its SYN-ACK passed here; but the client repeated its SYN later than a round trip: it has \
     not got the answer and is still in SYN_SENT. The SYN-ACK is lost between here and the client: a filter that knows \
     one direction only, a way back that differs, a translator without the entry. Capture nearer to the client.",
    "서버는 응답했고 SYN-ACK가 이 지점을 지나갔습니다. 그런데 클라이언트가 왕복 시간보다 늦게 SYN을 다시 보냈으므로 응답을 \
     받지 못했고 아직 SYN_SENT에 있습니다. SYN-ACK는 이 지점과 클라이언트 사이에서 사라졌습니다. 한 방향만 아는 방화벽, 다른 \
     길로 가는 응답, 항목이 없는 주소 변환 장비를 의심하십시오. 클라이언트에 더 가까운 곳에서 캡처해 보십시오.",
);

const NO_FITTING_ANSWER: Words = words(
    "Something answers, but no answer acknowledges the SYN: a client has to ignore it, repeats its SYN and gives up in \
     the end (RFC 9293 section 3.10.7.3). A faulty stack, or a device that answers without knowing the number; to \
     refuse, a RST has to acknowledge the SYN. The application sees ETIMEDOUT. Look at who sends these answers.",
    "응답은 있지만 SYN을 확인하는 응답이 없습니다. 클라이언트는 이를 무시하고 SYN을 다시 보내다가 결국 포기합니다 (RFC 9293 \
     3.10.7.3절). 결함이 있는 스택이거나 번호를 모르고 응답하는 장비입니다. 거절하려면 RST가 SYN을 확인해야 합니다. 응용 \
     프로그램은 ETIMEDOUT을 받습니다. 이 응답을 누가 보내는지 보십시오.",
);

const ESTABLISHED: Words = words(
    "Both ends know each other's initial sequence number and know that the other one knows theirs; data can flow both \
     ways.",
    "양쪽이 서로의 초기 시퀀스 번호를 알고, 상대가 자기 번호를 받았다는 것까지 확인했습니다. 이제 양방향으로 데이터를 \
     보낼 수 있습니다.",
);
const FAST_OPEN: Words = words(
    "A cookie from an earlier connection let the server take data that came with the SYN: one round trip less (RFC \
     7413).",
    "이전 연결에서 받은 쿠키 덕분에 서버가 SYN과 함께 온 데이터를 받아들였습니다. 왕복 한 번이 절약됩니다 (RFC 7413).",
);
const SIMULTANEOUS_OPEN: Words = words(
    "Neither end waited for the other: both sent SYN, both went SYN_SENT → SYN_RECEIVED → ESTABLISHED (RFC 9293 \
     figure 7). It is one connection, not two.",
    "어느 쪽도 기다리지 않고 서로 SYN을 보냈고, 양쪽 모두 SYN_SENT → SYN_RECEIVED → ESTABLISHED로 \
     진행했습니다 (RFC 9293 그림 7). 연결은 둘이 아니라 하나입니다.",
);
const SPLIT_HANDSHAKE: Words = words(
    "The server split its SYN-ACK into parts. RFC 9293 allows it; hardly any stack does it, and it has been used to \
     slip past filters. Find out what the server is.",
    "서버가 SYN-ACK를 나누어 보냈습니다. RFC 9293이 허용하지만 실제 구현은 거의 없고, 방화벽을 피하는 데 쓰인 적이 \
     있습니다. 서버가 무엇인지 확인하십시오.",
);
const REFUSED: Words = words(
    "Nothing listens on that port, or a filter refuses in the server's name: the application sees ECONNREFUSED. Check \
     that the service runs, and compare the TTL of the RST with the server's other packets.",
    "그 포트에서 대기 중인 프로그램이 없거나 방화벽이 서버 이름으로 거절했습니다. 응용 프로그램은 ECONNREFUSED를 \
     받습니다. 서비스가 실행 중인지, RST의 TTL이 서버의 다른 패킷과 같은지 확인하십시오.",
);
const UNREACHABLE: Words = words(
    "A router, a firewall or the host said that the connection cannot be made: the application sees EHOSTUNREACH or \
     the like. The sender of the ICMP error tells where the path ends.",
    "라우터, 방화벽 또는 호스트가 연결할 수 없다고 알렸습니다. 응용 프로그램은 EHOSTUNREACH 등을 받습니다. ICMP \
     오류를 보낸 주소를 보면 경로가 어디에서 끝나는지 알 수 있습니다.",
);
const UNANSWERED: Words = words(
    "No SYN-ACK, no RST, no ICMP error: a filter drops the SYN or its answer, the host is down, or the way back is not \
     in this capture. The application sees ETIMEDOUT. Capture nearer to the server.",
    "SYN-ACK도 RST도 ICMP 오류도 없었습니다. 방화벽이 버렸거나, 호스트가 꺼져 있거나, 돌아오는 길이 이 캡처에 \
     없습니다. 응용 프로그램은 ETIMEDOUT을 받습니다. 서버에 더 가까운 곳에서 캡처해 보십시오.",
);
const ABORTED: Words = words(
    "A RST came from the client's side before any SYN-ACK. A kernel that closes a socket in SYN_SENT sends nothing \
     (RFC 9293 sections 3.10.4 and 3.10.5): the RST comes from a scanner with raw sockets, from a device on the path, \
     or answers a stale segment. Look at its TTL.",
    "SYN-ACK가 오기 전에 클라이언트 쪽에서 RST가 왔습니다. 커널은 SYN_SENT의 소켓을 닫을 때 아무것도 보내지 않습니다 (RFC \
     9293 3.10.4절, 3.10.5절). 이 RST는 raw 소켓을 쓰는 스캐너나 경로의 장비가 보냈거나, 옛 세그먼트에 대한 응답입니다. \
     TTL을 보십시오.",
);
const ABORTED_BY_FIN: Words = words(
    "The client closed an attempt that was never answered as it must be. A kernel that closes a socket in SYN_SENT \
     sends nothing (RFC 9293 section 3.10.4): the FIN comes from a scanner with raw sockets or from a program that \
     makes packets, or the answer is missing from the capture. Look at its acknowledgment number and TTL.",
    "제대로 된 응답을 받지 못한 시도를 클라이언트가 닫았습니다. 커널은 SYN_SENT의 소켓을 닫을 때 아무것도 보내지 않습니다 (RFC \
     9293 3.10.4절). 이 FIN은 raw 소켓을 쓰는 스캐너나 패킷을 만들어 내는 프로그램이 보냈거나, 응답이 캡처에 없습니다. 확인 응답 \
     번호와 TTL을 보십시오.",
);
const MISSING_ACK: Words = words(
    "The handshake stopped after its second step: the server keeps a half-finished (embryonic) connection until it \
     gives up. One such flow is a lost packet or a dead client; many are a SYN scan or a SYN flood.",
    "handshake가 두 번째 단계에서 멈췄습니다. 서버는 포기할 때까지 미완성(embryonic) 연결을 붙들고 있습니다. 하나면 \
     패킷 손실이나 죽은 클라이언트, 여럿이면 SYN 스캔이나 SYN flooding입니다.",
);
const RESET_AFTER_SYN_ACK: Words = words(
    "The client learned that the port is open and tore down at once: a SYN scan, a health check, or a client that no \
     longer wanted the connection. The server's application never heard of it.",
    "클라이언트가 포트가 열려 있음을 알고 바로 끊었습니다. SYN 스캔, 상태 검사, 또는 더는 연결이 필요 없어진 \
     클라이언트입니다. 서버의 응용 프로그램은 이 시도를 알지 못합니다.",
);
const SYN_ACK_ONLY: Words = words(
    "The answer to a SYN that this capture does not have: it began too late, packets take different ways, or somebody \
     forged the SYN in this address's name.",
    "이 캡처에 없는 SYN에 대한 응답입니다. 캡처가 늦게 시작됐거나, 오가는 경로가 다르거나, 누군가 이 주소로 위조한 \
     SYN을 보냈습니다.",
);
const MIDSTREAM: Words = words(
    "The handshake is not in this capture, so nothing can be said about it; numbers are relative to the first segment \
     seen.",
    "handshake가 캡처에 없으므로 연결 설정에 대해서는 말할 수 없습니다. 상대 번호는 처음 본 세그먼트를 기준으로 \
     합니다.",
);
const INVALID: Words = words(
    "No TCP stack begins a connection like this: a scanner's probe, a fuzzer, or damage. Look at who sent it and what \
     else that host sent.",
    "어떤 TCP 구현도 이렇게 연결을 열지 않습니다. 스캐너의 탐침, 퍼저, 또는 손상입니다. 누가 보냈는지, 그 호스트가 또 \
     무엇을 보냈는지 보십시오.",
);
const UNDECIDED: Words = words(
    "The capture ended before the deadline: an answer may still have come. Capture for longer.",
    "기한이 되기 전에 캡처가 끝났습니다. 그 뒤에 응답이 왔을 수도 있습니다. 더 오래 캡처하십시오.",
);

/// How `flow` ended, in a few words.
pub fn closing_of(flow: &Flow) -> Words {
    if flow.closing_unseen().is_some() {
        return words(
            "one end sent FIN; the other direction is not in the capture",
            "한쪽이 FIN을 보냈고 반대 방향은 캡처에 없음",
        );
    }
    closing(flow.closing())
}

/// What that means and what to check next.
pub fn closing_meaning_of(flow: &Flow) -> Words {
    if flow.closing_unseen().is_some() {
        return words(
            "The capture shows one direction only: whether and how the other end closed is unknown. Capture where \
             both directions pass.",
            "캡처에 한 방향만 있으므로 상대가 닫았는지, 어떻게 닫았는지 알 수 없습니다. 양방향이 지나는 곳에서 캡처하십시오.",
        );
    }
    closing_meaning(flow.closing())
}

/// How a connection ended, in a few words.
pub const fn closing(closing: Closing) -> Words {
    match closing {
        Closing::Fin => words("both ends sent FIN", "양쪽이 FIN을 보냄"),
        Closing::SimultaneousFin => words("the FINs of both ends crossed", "양쪽의 FIN이 서로 엇갈림 (동시 종료)"),
        Closing::ResetByClient => words("reset by the client", "클라이언트가 RST로 끊음"),
        Closing::ResetByServer => words("reset by the server", "서버가 RST로 끊음"),
        Closing::FinThenReset => words("reset after one end had sent FIN", "한쪽이 FIN을 보낸 뒤 RST로 끊김"),
        Closing::HalfClosed => words("only one end had sent FIN in the end", "끝까지 한쪽만 FIN을 보냄 (half-close)"),
        Closing::Open => words("still open when observation ended", "관찰이 끝날 때까지 열려 있음"),
        Closing::IdleExpired => words("nothing was seen of it for too long", "너무 오래 아무것도 보이지 않음"),
        Closing::None => words("it never opened", "연결된 적이 없음"),
    }
}

/// What that means and what to check next.
pub const fn closing_meaning(closing: Closing) -> Words {
    match closing {
        Closing::Fin => words(
            "Each direction was closed on its own: every FIN takes one sequence number and is acknowledged like a byte \
             of data.",
            "각 방향이 따로 닫혔습니다. FIN은 시퀀스 번호 하나를 차지하고, 데이터 한 바이트처럼 확인 응답을 받습니다.",
        ),
        Closing::SimultaneousFin => words(
            "Both ends closed before they saw the other's FIN: both pass through CLOSING and both end in TIME_WAIT \
             (RFC 9293 figure 13).",
            "양쪽이 상대의 FIN을 보기 전에 닫았습니다. 양쪽 모두 CLOSING을 거쳐 TIME_WAIT로 끝납니다 (RFC 9293 그림 \
             13).",
        ),
        Closing::ResetByClient | Closing::ResetByServer => words(
            "RST ends both directions at once and is not acknowledged; data on its way is thrown away and no TIME_WAIT \
             follows. Normal for impatient programs and load balancers, a sign of a fault or of forgery elsewhere: \
             check whether data was pending.",
            "RST는 양방향을 한 번에 끝내고 확인 응답도 없습니다. 전송 중인 데이터는 버려지고 TIME_WAIT도 없습니다. 성급한 \
             프로그램이나 로드 밸런서에서는 정상이지만, 다른 곳에서는 장애나 위조의 징후입니다. 보내던 데이터가 있었는지 \
             확인하십시오.",
        ),
        Closing::FinThenReset => words(
            "The close began in order and ended with RST: often the end that had closed got more data and had nobody \
             to give it to.",
            "정상적으로 닫기 시작했으나 RST로 끝났습니다. 이미 닫은 쪽에 데이터가 더 와서 전달할 프로그램이 없을 때 흔합니다.",
        ),
        Closing::HalfClosed => words(
            "One direction is closed, the other not. The end that received the FIN stays in CLOSE_WAIT until its \
             program closes; if that lasts, look for a program that forgets to close.",
            "한 방향만 닫혔습니다. FIN을 받은 쪽은 프로그램이 닫을 때까지 CLOSE_WAIT에 머뭅니다. 오래 계속되면 close()를 \
             잊은 프로그램을 찾으십시오.",
        ),
        Closing::Open => words("The capture has no end of it.", "캡처에 연결의 끝이 없습니다."),
        Closing::IdleExpired => words(
            "It may still be open at its ends; a firewall or NAT on the way will have forgotten it.",
            "양 끝에서는 아직 열려 있을 수 있지만, 중간의 방화벽이나 NAT는 잊었을 것입니다.",
        ),
        Closing::None => words("There was nothing to close.", "닫을 연결이 없었습니다."),
    }
}

/// What a state means (RFC 9293 section 3.3.2).
pub const fn state(state: State) -> Words {
    match state {
        State::Closed => IN_CLOSED,
        State::Listen => IN_LISTEN,
        State::SynSent => IN_SYN_SENT,
        State::SynReceived => IN_SYN_RECEIVED,
        State::Established => IN_ESTABLISHED,
        State::FinWait1 => IN_FIN_WAIT1,
        State::FinWait2 => IN_FIN_WAIT2,
        State::CloseWait => IN_CLOSE_WAIT,
        State::Closing => IN_CLOSING,
        State::LastAck => IN_LAST_ACK,
        State::TimeWait => IN_TIME_WAIT,
    }
}

const IN_CLOSED: Words = words(
    "CLOSED: no connection. Where every connection begins and ends; any segment but a RST that arrives here is \
     answered with RST (RFC 9293 section 3.10.7.1).",
    "CLOSED: 연결이 없는 상태입니다. 모든 연결이 여기에서 시작하고 끝나며, 이 상태에서 RST가 아닌 \
     세그먼트가 도착하면 RST로 응답합니다 (RFC 9293 3.10.7.1절).",
);
const IN_LISTEN: Words = words(
    "LISTEN: a server waits for a SYN. Nothing on the wire shows it; synscope infers it from the SYN-ACK that follows.",
    "LISTEN: 서버가 SYN을 기다리는 상태입니다. 네트워크에는 보이지 않으므로 뒤이은 SYN-ACK로 추정합니다.",
);
const IN_SYN_SENT: Words = words(
    "SYN_SENT: the client sent its SYN and waits for SYN and ACK. If none comes, it repeats the SYN; staying here for \
     long means that nobody answers.",
    "SYN_SENT: 클라이언트가 SYN을 보내고 SYN과 ACK를 기다리는 상태입니다. 응답이 없으면 SYN을 재전송하며, 오래 \
     머물면 응답하는 상대가 없다는 뜻입니다.",
);
const IN_SYN_RECEIVED: Words = words(
    "SYN_RECEIVED: a SYN arrived and was answered with SYN-ACK; the acknowledgment of that SYN is still missing. A \
     connection in this state is embryonic: it waits in the SYN backlog, which a SYN flood fills.",
    "SYN_RECEIVED: SYN을 받고 SYN-ACK로 응답했지만 자신의 SYN에 대한 확인 응답은 아직 받지 못한 상태입니다. 이 \
     미완성(embryonic) 연결은 backlog 큐에서 기다리며, SYN flooding은 이 큐를 채우는 공격입니다.",
);
const IN_ESTABLISHED: Words = words(
    "ESTABLISHED: open; data may flow in both directions. The client gets here when the SYN-ACK arrives, the server \
     half a round trip later, when the third segment does.",
    "ESTABLISHED: 연결이 설정되어 양방향으로 데이터를 보낼 수 있는 상태입니다. 클라이언트는 SYN-ACK를 받을 때, 서버는 \
     반 왕복 시간(0.5 RTT) 뒤 세 번째 세그먼트를 받을 때 들어갑니다.",
);
const IN_FIN_WAIT1: Words = words(
    "FIN_WAIT_1: this end closed first and its FIN is not acknowledged yet.",
    "FIN_WAIT_1: 먼저 닫은 쪽이 FIN을 보내고 확인 응답을 기다리는 상태입니다.",
);
const IN_FIN_WAIT2: Words = words(
    "FIN_WAIT_2: its FIN is acknowledged; it still receives until the other end sends FIN. Linux gives up after 60 s \
     when the program has gone.",
    "FIN_WAIT_2: 자신의 FIN은 확인 응답을 받았고, 상대의 FIN이 올 때까지 데이터를 계속 받을 수 있는 상태입니다. \
     Linux는 프로그램이 끝났으면 60초 뒤 포기합니다.",
);
const IN_CLOSE_WAIT: Words = words(
    "CLOSE_WAIT: the other end closed; this end's program has not. It is always the passive side that is here. Many \
     connections that stay here are a program that forgets to close.",
    "CLOSE_WAIT: 상대가 닫았지만 자기 프로그램은 아직 닫지 않은 상태입니다. 항상 수동적으로 닫는 쪽이 이 상태에 \
     있습니다. 여기에 오래 머무는 연결이 많으면 close()를 잊은 프로그램입니다.",
);
const IN_CLOSING: Words = words(
    "CLOSING: both ends sent FIN before they saw the other's; the acknowledgment of this end's FIN is missing. Only a \
     simultaneous close passes here.",
    "CLOSING: 양쪽이 상대의 FIN을 보기 전에 FIN을 보냈고, 자신의 FIN에 대한 확인 응답을 기다리는 상태입니다. 동시 \
     종료에서만 거칩니다.",
);
const IN_LAST_ACK: Words = words(
    "LAST_ACK: the passive side sent its FIN too and waits for the last acknowledgment; if that is lost, it repeats \
     the FIN.",
    "LAST_ACK: 수동적으로 닫는 쪽도 FIN을 보내고 마지막 확인 응답을 기다리는 상태입니다. 그 응답이 사라지면 FIN을 \
     재전송합니다.",
);
const IN_TIME_WAIT: Words = words(
    "TIME_WAIT: the end that closed first waits 2 × MSL, so that its last ACK can be repeated and old segments die \
     before the same ports are used again. RFC 9293 takes an MSL of 2 minutes, hence 240 s; Linux waits 60 s.",
    "TIME_WAIT: 먼저 닫은 쪽이 2 × MSL 동안 기다리는 상태입니다. 마지막 ACK를 다시 보낼 수 있고, 같은 포트를 다시 \
     쓰기 전에 옛 세그먼트가 사라지게 합니다. RFC 9293의 MSL은 2분이므로 240초이고, Linux는 60초만 기다립니다.",
);

/// What a step of this kind says.
pub const fn label(label: Label) -> Words {
    match label {
        Label::Syn => words(
            "SYN: \"I want to connect, and my numbers begin here\" (the initial sequence number, ISN).",
            "SYN: \"연결하고 싶습니다. 제 번호는 여기서 시작합니다\" (초기 시퀀스 번호, ISN).",
        ),
        Label::SynAck => words(
            "SYN+ACK: \"agreed: I have your number, and here is mine\".",
            "SYN+ACK: \"좋습니다. 당신의 번호를 받았고, 제 번호는 이것입니다\".",
        ),
        Label::Ack => words(
            "ACK: \"I have everything before this number\".",
            "ACK: \"이 번호 앞까지 모두 받았습니다\" (확인 응답).",
        ),
        Label::Data => words("Data, numbered by its bytes.", "데이터: 시퀀스 번호는 바이트 수만큼 늘어납니다."),
        Label::Fin => words("FIN: \"I have nothing more to send\".", "FIN: \"더 보낼 것이 없습니다\"."),
        Label::Rst => words("RST: \"there is no such connection (any more)\".", "RST: \"그런 연결은 없습니다\"."),
        Label::Icmp => words(
            "An ICMP error that quotes the segment: somebody on the way could not deliver it.",
            "세그먼트를 인용한 ICMP 오류: 중간의 누군가가 전달하지 못했습니다.",
        ),
        Label::Probe => words(
            "A keep-alive or window probe: \"are you still there?\"",
            "keep-alive 또는 윈도 탐침: \"아직 있습니까?\"",
        ),
        Label::Other => {
            words("Flags that no step of a connection has.", "연결의 어느 단계에도 있을 수 없는 플래그입니다.")
        }
    }
}

/// A step of this kind, in a word, where a picture has no number for it.
pub const fn label_word(label: Label) -> Words {
    match label {
        Label::Syn => words("SYN", "SYN"),
        Label::SynAck => words("SYN+ACK", "SYN+ACK"),
        Label::Ack => words("ACK", "ACK"),
        Label::Data => words("data", "데이터"),
        Label::Fin => words("FIN", "FIN"),
        Label::Rst => words("RST", "RST"),
        Label::Icmp => words("ICMP error", "ICMP 오류"),
        Label::Probe => words("probe", "탐침"),
        Label::Other => words("flags", "플래그"),
    }
}

/// The shape of a close.
pub const fn shape(shape: Shape) -> Words {
    match shape {
        Shape::FourSegment => words("four segments", "세그먼트 4개"),
        Shape::ThreeSegment => words(
            "three segments: one carried both ACK and FIN (steps 2 and 3)",
            "세그먼트 3개: 하나가 ACK와 FIN을 함께 실음 (2·3단계)",
        ),
        Shape::Simultaneous => words("crossing FINs", "엇갈린 FIN"),
        Shape::OneFin => words("one FIN only", "FIN 하나뿐"),
        Shape::Reset => words("RST", "RST"),
    }
}

/// The shape of a retry schedule.
pub const fn backoff(backoff: Backoff) -> Words {
    match backoff {
        Backoff::Exponential => words("each wait about twice the one before", "기다리는 시간이 매번 약 두 배"),
        Backoff::Linear => words("waits of about one length", "기다리는 시간이 거의 일정"),
        Backoff::LinearThenExponential => words(
            "waits of about one length first, then each about twice the one before",
            "처음에는 기다리는 시간이 거의 일정하고, 그 뒤에는 매번 약 두 배",
        ),
        Backoff::Other => words("waits without a pattern", "기다리는 시간에 규칙 없음"),
    }
}

/// What became of Fast Open.
pub const fn fast_open(used: FastOpenUse) -> Words {
    match used {
        FastOpenUse::Request => {
            words("a cookie was asked for, no answer was seen", "쿠키를 요청했고 응답은 보이지 않음")
        }
        FastOpenUse::Granted => words("a cookie was asked for and granted", "쿠키를 요청해 받음"),
        FastOpenUse::NotGranted => words("a cookie was asked for and not granted", "쿠키를 요청했지만 받지 못함"),
        FastOpenUse::Cookie => words("the SYN has a cookie", "SYN에 쿠키가 있음"),
        FastOpenUse::Accepted => words("all data of the SYN was taken", "SYN의 데이터를 모두 받아들임"),
        FastOpenUse::Partial => words("a part of the SYN's data was taken", "SYN의 데이터 일부를 받아들임"),
        FastOpenUse::Ignored => words("the SYN's data was ignored", "SYN의 데이터를 무시함"),
        FastOpenUse::Fallback => words(
            "the SYN was repeated without its data, and that one was answered",
            "데이터 없이 재전송한 SYN에 응답이 옴",
        ),
    }
}

/// Who closed first.
pub const fn closed_by(by: ClosedBy) -> Words {
    match by {
        ClosedBy::Client => words("the client closed first", "클라이언트가 먼저 닫음"),
        ClosedBy::Server => words("the server closed first", "서버가 먼저 닫음"),
        ClosedBy::Both => words("neither closed first", "어느 쪽도 먼저가 아님"),
    }
}

/// An end of a connection.
pub const fn side(side: Side) -> Words {
    match side {
        Side::Client => words("client", "클라이언트"),
        Side::Server => words("server", "서버"),
    }
}

/// Whether the states of a step are proved.
pub const fn certainty(certainty: Certainty) -> Words {
    match certainty {
        Certainty::Observed => words("observed", "관찰됨"),
        Certainty::Inferred => words("inferred", "추정"),
    }
}

/// Flags that `--explain` knows, with what they mean.
pub const FLAGS: &[(&str, Words)] = &[
    (
        "SYN",
        words(
            "SYN (synchronize): the sequence number field holds the sender's initial sequence number (ISN). Only the \
             first segment of each end carries it. SYN takes one sequence number itself, so data begins at ISN+1.",
            "SYN (synchronize): 시퀀스 번호 필드에 보낸 쪽의 초기 시퀀스 번호(ISN)가 들어 있습니다. 각 쪽의 첫 세그먼트에만 \
             붙습니다. SYN 자신이 번호 하나를 차지하므로 데이터는 ISN+1부터 시작합니다.",
        ),
    ),
    (
        "ACK",
        words(
            "ACK: the acknowledgment field is valid and names the next byte expected. Every segment but the first SYN \
             (and some RSTs) carries it, so an ACK alone is no step of a handshake: only the one that acknowledges \
             ISN+1 is.",
            "ACK: 확인 응답 번호 필드가 유효하며, 다음에 받을 바이트의 번호입니다. 첫 SYN(과 일부 RST)을 뺀 모든 세그먼트에 \
             붙으므로 ACK가 있다고 handshake의 단계인 것은 아닙니다. ISN+1을 확인하는 것만이 세 번째 단계입니다.",
        ),
    ),
    (
        "FIN",
        words(
            "FIN: the sender has no more data. It takes one sequence number and closes one direction only. In practice \
             it nearly always travels with ACK, which is why Wireshark shows [FIN, ACK].",
            "FIN: 보낸 쪽에 더 보낼 데이터가 없습니다. 시퀀스 번호 하나를 차지하고 한 방향만 닫습니다. 실제로는 거의 항상 \
             ACK와 함께 가므로 Wireshark에는 [FIN, ACK]로 보입니다.",
        ),
    ),
    (
        "RST",
        words(
            "RST: the connection is refused or ended at once. Its sequence number has to be exact (RFC 5961), which is \
             what makes forging it hard.",
            "RST: 연결을 거부하거나 즉시 끝냅니다. 시퀀스 번호가 정확해야 하므로(RFC 5961) 위조하기 어렵습니다.",
        ),
    ),
    (
        "PSH",
        words(
            "PSH: hand the data to the program now. It never changes the state of a connection.",
            "PSH: 데이터를 바로 프로그램에 넘기라는 표시입니다. 연결 상태를 바꾸지 않습니다.",
        ),
    ),
    (
        "URG",
        words(
            "URG: the urgent pointer is valid. Hardly used; RFC 6093 advises against it.",
            "URG: 긴급 포인터가 유효합니다. 거의 쓰이지 않으며 RFC 6093은 쓰지 말 것을 권합니다.",
        ),
    ),
    (
        "ECE",
        words(
            "ECE: on a SYN together with CWR an offer to use ECN (RFC 3168); later the echo of a congestion mark. A \
             SYN with ECE and CWR is still a SYN.",
            "ECE: SYN에 CWR과 함께 있으면 ECN을 쓰자는 제안이고(RFC 3168), 나중에는 혼잡 표시의 회신입니다. ECE와 CWR이 \
             있어도 SYN은 SYN입니다.",
        ),
    ),
    (
        "CWR",
        words(
            "CWR: the sender has reduced its congestion window; on a SYN part of the ECN offer.",
            "CWR: 보낸 쪽이 혼잡 윈도를 줄였습니다. SYN에서는 ECN 제안의 일부입니다.",
        ),
    ),
    (
        "AE",
        words(
            "AE: accurate ECN (RFC 9768), formerly NS. With it there are nine flags in use; the six of the old \
             textbooks are FIN, SYN, RST, PSH, ACK and URG.",
            "AE: 정밀 ECN(RFC 9768), 예전의 NS입니다. 이것까지 쓰이는 플래그는 아홉 개이고, 옛 교재의 6비트는 FIN, SYN, RST, \
             PSH, ACK, URG입니다.",
        ),
    ),
];
