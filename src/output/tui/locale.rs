//! Every word of the view in every language. Names of states, events, fields and keys are never translated.

use crate::output::Locale;

impl Locale {
    /// `word` in this language.
    pub const fn say(self, word: Word) -> &'static str {
        match self {
            Self::En => word.english(),
            Self::Ko => word.korean(),
        }
    }
}

macro_rules! words {
    ($($name:ident: $english:literal, $korean:literal;)+) => {
        /// A word or sentence of the view.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is its own text, below")]
        pub enum Word { $($name,)+ }

        impl Word {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            const fn english(self) -> &'static str {
                match self { $(Self::$name => $english,)+ }
            }

            const fn korean(self) -> &'static str {
                match self { $(Self::$name => $korean,)+ }
            }
        }
    };
}

words! {
    Flows: "Flows", "연결";
    Ladder: "Ladder", "사다리";
    Events: "Events", "이벤트";
    Hosts: "Hosts", "호스트";
    Stats: "Stats", "통계";
    Client: "Client", "클라이언트";
    Server: "Server", "서버";
    Phase: "Phase", "단계";
    Outcome: "Outcome", "결과";
    Rtt: "RTT", "왕복";
    Duration: "Dur", "기간";
    Retx: "Retx", "반복";
    Bytes: "Bytes", "바이트";
    Age: "Age", "경과";
    Packets: "pkts", "패킷";
    FlowsLower: "flows", "연결";
    Drop: "drop", "손실";
    Live: "LIVE", "실시간";
    Paused: "PAUSED", "일시정지";
    New: "new", "신규";
    OpenNow: "open", "열림";
    Newcomers: "new", "신규";
    Following: "follow", "따라가기";
    Since: "since", "부터";
    Going: "so far", "째";
    More: "more", "더";
    OpenPorts: "open", "열림";
    Probed: "targets", "표적";
    Sources: "sources", "출발지";
    Clients: "clients", "클라이언트";
    Silent: "silent", "무응답";
    NoEventsFor: "no anomaly of this severity or filter (Esc, -)", "이 심각도나 필터에 맞는 이상이 없습니다 (Esc, -)";
    Fail: "fail", "실패";
    Evicted: "forgotten", "잊음";
    NoFlows: "no flows yet", "아직 연결이 없습니다";
    NoMatch: "no flow matches the filter (Esc takes it away)", "필터에 맞는 연결이 없습니다 (Esc로 해제)";
    NoEvents: "no anomalies so far", "아직 이상이 없습니다";
    NoHosts: "no hosts yet", "아직 호스트가 없습니다";
    NoSelection: "no flow is selected", "선택한 연결이 없습니다";
    TooSmall: "needed", "필요";
    Now: "now", "현재";
    Faint: "hard to read on this background: try :theme auto", "이 배경에서 읽기 어렵습니다: :theme auto를 써 보십시오";
    Frame: "frame", "프레임";
    Gap: "packets were lost while it was watched: what is missing may be the capture's \
          fault", "관찰하는 동안 패킷이 손실되었습니다: \
        빠진 것은 캡처 때문일 수 있습니다";
    MoreSteps: "steps", "단계 더";
    CaptureOrder: "capture order", "캡처 순서";
    Isn: "ISN", "ISN";
    FlowsShort: "flows", "연결";
    RefusedShort: "RST", "거부";
    UnansweredShort: "silent", "무응답";
    EmbryonicShort: "embryo", "미완성";
    IsnLine: "initial sequence numbers", "초기 시퀀스 번호";
    Bits: "bits to guess", "비트 추측 필요";
    HealthPackets: "packets", "패킷";
    HealthSegments: "TCP segments", "TCP 세그먼트";
    HealthSkipped: "packets without one", "세그먼트 없는 패킷";
    HealthKernel: "dropped by kernel", "커널이 버림";
    HealthInterface: "dropped by interface", "인터페이스가 버림";
    HealthQueue: "dropped by the analysis", "분석이 버림";
    HealthLate: "segments after their flow's end", "연결이 끝난 뒤의 세그먼트";
    HealthClock: "time stamps that ran backwards", "거꾸로 간 타임스탬프";
    HealthEvicted: "flows pushed out (--max-flows)", "밀려난 연결 (--max-flows)";
    HealthForgotten: "flows the view forgot", "화면이 잊은 연결";
    HealthNoMemory: "flows it forgot (--max-memory)", "잊은 연결 (--max-memory)";
    HealthMissed: "changes the view missed", "화면이 놓친 변화";
    From: "from", "보낸 쪽";
    Flags: "flags", "플래그";
    Payload: "payload", "데이터";
    Repeat: "repeat", "반복";
    Window: "window", "윈도";
    Frames: "frames", "프레임";
    FailPerSecond: "fail/s", "실패/s";
    RttMost: "RTT max", "왕복 최대";
    KeyNames: "addresses, names, both", "주소, 이름, 둘 다";
    StillCapturing: "still capturing", "캡처는 계속됩니다";
    PhaseSynSent: "syn-sent", "SYN 보냄";
    PhaseSynReceived: "syn-rcvd", "SYN 받음";
    PhaseEstablished: "established", "연결됨";
    PhaseHalfClosed: "half-closed", "반닫힘";
    PhaseClosing: "closing", "닫는 중";
    PhaseClosed: "closed", "닫힘";
    PhaseFailed: "failed", "실패";
    PhaseUnknown: "unknown", "불명";
    Ok: "ok", "정상";
    Refused: "refused", "거부됨";
    Unreachable: "unreachable", "도달 불가";
    NoAnswer: "no answer", "무응답";
    GaveUp: "RST first", "RST 먼저";
    Embryonic: "embryonic", "미완성";
    Rejected: "RST cli", "RST 클라";
    Midstream: "midstream", "중간부터";
    NoSyn: "no SYN seen", "SYN 못 봄";
    InvalidFlags: "invalid", "플래그 오류";
    Undecided: "undecided", "미결";
    Retry: "retry", "재시도";
    NoAck: "no ACK", "ACK 없음";
    FinBoth: "ok·FIN both", "정상·FIN동시";
    FinClient: "ok·FIN cli", "정상·FIN클라";
    FinServer: "ok·FIN srv", "정상·FIN서버";
    HalfClosedFor: "ok·half", "반닫힘";
    OneFinClient: "FIN cli", "FIN 클라";
    OneFinServer: "FIN srv", "FIN 서버";
    RstClient: "RST cli", "RST 클라";
    RstServer: "RST srv", "RST 서버";
    Idle: "idle", "유휴";
    Notes: "notes", "비고";
    SideClient: "client", "클라이언트";
    SideServer: "server", "서버";
    Step: "step", "단계";
    AwaitSynAck: "waiting for SYN-ACK", "SYN-ACK 대기";
    AwaitAck: "waiting for the final ACK", "마지막 ACK 대기";
    AwaitFinClient: "waiting for the client's FIN", "클라이언트의 FIN 대기";
    AwaitFinServer: "waiting for the server's FIN", "서버의 FIN 대기";
    AwaitLastAck: "waiting for the last ACK", "마지막 ACK 대기";
    TimeWaitLeft: "TIME_WAIT runs down", "TIME_WAIT 대기";
    IsOpen: "open: data may flow", "열림: 데이터 전송 가능";
    Nothing: "nothing more is expected", "더 기다릴 것이 없습니다";
    For: "for", "경과";
    Left: "left", "남음";
    WhyRefused: "the server's RST answered the SYN: nothing listens on that port, or a firewall \
                 refuses", "서버가 SYN에 \
        RST로 답했습니다: 포트가 닫혀 있거나 방화벽이 거부합니다";
    WhyUnreachable: "an ICMP error answered the SYN: no route, or a firewall \
                     refuses", "SYN에 ICMP 오류가 왔습니다: 경로가 없거나 \
        방화벽이 거부합니다";
    WhyUnanswered: "nothing answered the SYN: the packets are dropped on the way, or the host is \
                    down", "SYN에 아무 응답이 \
        없습니다: 도중에 버려지거나 호스트가 꺼져 있습니다";
    WhyAborted: "a RST or FIN came from the client before any answer: a scanner, a device on the path, or the answer \
                 to a stale segment", "응답이 \
        오기 전에 클라이언트 쪽에서 RST나 FIN이 왔습니다: 스캐너, 경로의 장비, 또는 옛 세그먼트에 대한 응답입니다";
    WhyMissingAck: "the server answered, but the client never completed the \
                    handshake", "서버는 답했지만 클라이언트가 handshake를 \
        마치지 않았습니다";
    WhyRejected: "the client answered the SYN-ACK with RST", "클라이언트가 SYN-ACK에 RST로 답했습니다";
    WhyInvalid: "it began with flags that no handshake can have", "handshake에 있을 수 없는 플래그로 시작했습니다";
    WhyOk: "three-way handshake completed", "3단계 handshake가 완료되었습니다";
    WhyOther: "opening", "열림 판정";
    Handshake: "handshake", "handshake";
    Validated: "numbers checked", "번호 확인됨";
    Explain: "Why", "이유";
    Compare: "Compare", "비교";
    Help: "Keys", "키";
    Started: "started", "시작";
    Succeeded: "ok %", "성공 %";
    Unanswered: "no answer", "무응답";
    Ports: "ports", "포트";
    Targets: "hosts", "대상";
    EmbryonicNow: "embryonic", "미완성";
    FindingColumn: "finding", "탐지";
    Host: "Host", "호스트";
    ConnectTime: "connect time", "연결 시간";
    RoundTrip: "round trip", "왕복 시간";
    OutcomesByPort: "outcomes by port", "포트별 결과";
    OptionMix: "options offered in SYNs", "SYN 옵션";
    Teardowns: "how they closed", "종료 방식";
    Health: "capture health", "캡처 상태";
    Other: "other", "기타";
    Severity: "severity", "심각도";
    NewestFirst: "newest first", "최신순";
    Filter: "filter", "필터";
    Sort: "sort", "정렬";
    Quit: "quit", "종료";
    Pause: "pause", "정지";
    Save: "save", "저장";
    Command: "command", "명령";
    Back: "back", "뒤로";
    FlowLower: "flow", "연결";
    Time: "time", "시간";
    Yank: "yank", "복사";
    Acknowledge: "acknowledge", "확인";
    Play: "play", "재생";
    Yanked: "copied to the clipboard", "클립보드에 복사했습니다";
    Written: "written", "저장했습니다";
    ClearClosed: "forget flows that have ended? (y/n)", "끝난 연결을 지울까요? (y/n)";
    YankWhat: "copy: y line, f filter, c community id, p endpoints, j \
               JSON", "복사: y 줄, f 필터, c community id, p 양끝, j \
        JSON";
    TableFull: "the table is full: --max-memory keeps more flows", "표가 가득 찼습니다: --max-memory로 더 많은 연결을 남깁니다";
    MarkWhat: "mark with which letter?", "어떤 글자로 표시할까요?";
    JumpWhat: "jump to which mark?", "어떤 표시로 갈까요?";
    MarkedStep: "marked; x on another step compares", "표시했습니다; 다른 단계에서 x로 비교";
    NoSuchMark: "no such mark", "그런 표시가 없습니다";
    NotSeekable: "this input cannot be read again", "이 입력은 다시 읽을 수 없습니다";
    StaysPrivate: "--privacy holds to the end", "--privacy는 끝까지 유지됩니다";
    NoPacketsMasked: "addresses are masked, and packets hold them: not saved", "주소를 가렸는데 패킷에는 주소가 있습니다: 저장하지 않았습니다";
    NoSuchCommand: "no such command", "그런 명령이 없습니다";
    MaxSpeed: "max", "최대";
    EndReached: "end", "끝";
    KeyMove: "move", "이동";
    KeyPage: "a page", "한 페이지";
    KeyHalfPage: "half a page", "반 페이지";
    KeyEnds: "first, last; with a count, that row", "처음, 끝; 숫자와 함께 그 줄";
    KeyNextView: "next, previous view", "다음, 이전 화면";
    KeyView: "a view", "화면 선택";
    KeyOpen: "open the ladder", "사다리 열기";
    KeyBack: "back: overlay, then filter, then view", "뒤로: 창, 필터, 화면 순";
    KeyNextFlow: "next, previous flow", "다음, 이전 연결";
    KeyFilter: "filter as you type", "입력하며 필터";
    KeyMatch: "next, previous match", "다음, 이전 일치";
    KeyHighlight: "highlight instead of hide", "숨기지 않고 강조";
    KeyInclude: "only this server; all but this server", "이 서버만; 이 서버 제외";
    KeySort: "sort column; reverse", "정렬 열; 역순";
    KeyPause: "pause the display", "화면 정지";
    KeyFollow: "follow the newest", "최신 따라가기";
    KeyTime: "style of times", "시간 표시 방식";
    KeyPrivacy: "mask addresses", "주소 가리기";
    KeyMark: "mark a step, compare two", "단계 표시, 둘 비교";
    KeyExplain: "explain the verdict", "판정 설명";
    KeyFold: "fold or unfold data, events", "데이터, 이벤트 접기/펴기";
    KeyMarkFlow: "mark a flow; jump to it", "연결 표시; 이동";
    KeyYank: "copy", "복사";
    KeySave: "save packets as pcapng", "패킷을 pcapng로 저장";
    KeyExport: "export the ladder", "사다리 내보내기";
    KeyClear: "forget ended flows", "끝난 연결 지우기";
    KeyCommand: "command line", "명령줄";
    KeyNewest: "the last; live: follow the newest", "마지막; 실시간: 최신 따라가기";
    KeySeverity: "events: less, more severities", "이벤트: 심각도 올림, 내림";
    KeyAcknowledgeAlert: "acknowledge the alert above", "위의 경보 확인";
    KeyAcknowledge: "acknowledge an event", "이벤트 확인";
    KeyZoom: "zoom the pane", "창 확대";
    KeyArrangement: "arrangement", "배치";
    KeySplit: "larger, smaller table", "표 크게, 작게";
    KeyHelp: "these keys", "이 도움말";
    KeyQuit: "quit", "종료";
    KeySuspend: "suspend", "일시 중단";
    KeyRepaint: "repaint", "다시 그리기";
    KeyPlay: "replay: play, pause", "재생: 재생, 정지";
    KeyStep: "replay: one packet back, forward", "재생: 한 패킷 뒤, 앞";
    KeySpeed: "replay: half, double speed", "재생: 속도 반, 두 배";
    KeySeek: "replay: one second back, forward", "재생: 1초 뒤, 앞";
    KeySeekFar: "replay: ten seconds back, forward", "재생: 10초 뒤, 앞";
    KeyStartEnd: "replay: start, end", "재생: 처음, 끝";
    KeyMaxSpeed: "replay: as fast as possible", "재생: 최대 속도";
    PlainOpened: "connected to", "연결:";
    PlainFailed: "could not connect to", "연결 실패:";
    PlainClosing: "began to close", "닫기 시작";
    PlainEnded: "ended", "끝남";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_there_in_every_language() {
        for word in Word::ALL {
            for locale in Locale::ALL.iter().copied() {
                assert!(!locale.say(*word).trim().is_empty(), "{word:?} in {}", locale.name());
            }
        }
    }
}
