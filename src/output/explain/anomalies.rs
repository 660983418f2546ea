//! Anomalies in words: English from the rule itself, Korean from the catalogue below, by id.

use super::locale::Locale;
use super::{Document, Level};
use crate::detect::registry::rule;

/// The condition in a sentence.
pub fn summary(id: &str, locale: Locale) -> &'static str {
    match locale {
        Locale::En => rule(id).map_or("", |rule| rule.summary),
        Locale::Ko => korean(id).map_or("", first_sentence),
    }
}

/// What it means and what to do next.
pub fn description(id: &str, locale: Locale) -> &'static str {
    match locale {
        Locale::En => rule(id).map_or("", |rule| rule.description),
        Locale::Ko => korean(id).unwrap_or_default(),
    }
}

/// The Korean text of the anomaly with this id.
pub fn korean(id: &str) -> Option<&'static str> {
    KOREAN.binary_search_by_key(&id, |(known, _)| known).ok().and_then(|n| KOREAN.get(n)).map(|(_, text)| *text)
}

/// Adds the explanation of the rule `id` to `document`.
pub(super) fn explain(document: &mut Document, id: &'static str, locale: Locale, level: Level) {
    let Some(rule) = rule(id) else { return };
    document.heading(format!("{id} ({})", rule.severity.name()));
    match (locale, level) {
        (Locale::En, _) => document.paragraph(sentence(rule.summary)),
        (Locale::Ko, Level::Short) => document.paragraph(summary(id, locale)),
        (Locale::Ko, Level::Full) => {}
    }
    if level == Level::Full {
        document.paragraph(description(id, locale));
        document.item(format!("{}: {}", locale.pick("See", "근거"), rule.reference));
    }
}

/// `text` with a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

fn first_sentence(text: &'static str) -> &'static str {
    text.find(". ").and_then(|end| text.get(..=end)).unwrap_or(text)
}

/// In order of the ids.
const KOREAN: &[(&str, &str)] = &[
    (
        "aborted-in-flight",
        "확인 응답을 받지 못한 데이터가 있는데 RST로 끊었습니다. 그 데이터는 사라졌을 수 있습니다. 전송을 취소했는지 확인하십시오.",
    ),
    (
        "accept-queue-overflow",
        "마지막 ACK와 데이터를 받았을 서버가 SYN-ACK를 다시 보내고 데이터를 하나도 받아들이지 않았습니다. accept 큐가 가득 차서 버린 것입니다. 서버의 listen 큐(ss -lnt: Recv-Q와 Send-Q)와 프로그램이 accept()를 제때 부르는지 확인하십시오. 연결 하나뿐이면 캡처 지점 뒤에서 서버로 가는 경로가 끊긴 것일 수도 있으며, 한 포트에서 1분 안에 세 번째 연결부터 alert입니다. 아무것도 보내지 않은 클라이언트는 같은 포트의 다른 연결이 가득 찬 큐를 보이지 않는 한 deferred-accept로 알립니다.",
    ),
    (
        "ack-beyond-fin",
        "상대의 FIN 뒤의 번호를 확인 응답했습니다. 존재하지 않는 데이터이므로 위조나 심한 손실을 의심하십시오.",
    ),
    (
        "ack-field-no-flag",
        "ACK 플래그 없이 확인 응답 필드에 값이 있거나, URG 없이 긴급 포인터가 있습니다. 해롭지는 않지만 특이한 스택이나 스캐너의 특징입니다.",
    ),
    (
        "answered-elsewhere",
        "SYN에 대한 응답이 다른 주소에서 (또는 다른 주소로) 왔습니다. 번호, 시각, 타임스탬프가 이 SYN과 맞지만 주소가 다릅니다. SYN은 주소 변환 장비(로드 밸런서, Kubernetes 서비스, NAT)를 지났는데 응답은 거치지 않았으므로, 클라이언트는 모르는 상대로 보고 RST로 끊거나 버리고 다시 요청합니다. 서버는 정상이고 SYN을 버린 방화벽은 없습니다. 돌아오는 길을 확인하십시오. 응답은 SYN이 지나간 변환 장비를 지나야 합니다 (비대칭 경로, source NAT 없이 서버와 같은 서브넷에 있는 클라이언트, 사라진 conntrack 항목). 응답이 있는 연결은 other_flow입니다.",
    ),
    (
        "backscatter",
        "한 주소가 우리 쪽 여러 주소로 요청하지 않은 응답을 보내고 있습니다. 누군가 우리 주소로 위조해 그 주소를 SYN flooding하고 있을 가능성이 큽니다.",
    ),
    (
        "bad-checksum",
        "TCP 체크섬이 틀린 세그먼트입니다. 수신자는 버렸을 것입니다. 오프로드가 아니라면 손상을 의심하십시오.",
    ),
    (
        "bogon-endpoint",
        "연결할 수 없는 주소(멀티캐스트, 브로드캐스트, 예약 주소)가 쓰였습니다. 위조하거나 잘못 설정된 것입니다.",
    ),
    (
        "capture-asymmetric",
        "많은 연결이 한 방향만 보입니다. 캡처 지점이 한쪽 경로만 보고 있어 무응답이나 3단계 누락 판정을 믿기 어렵습니다. 양방향이 보이는 곳에서 캡처하십시오.",
    ),
    (
        "capture-clock-backwards",
        "캡처의 시각이 뒤로 갔습니다. 합친 파일이거나 시계가 조정되었으며 시간 값을 조심해서 보십시오.",
    ),
    (
        "capture-drops",
        "커널이나 인터페이스가 패킷을 버렸습니다. 빠진 단계가 실제로는 있었을 수 있습니다. 버퍼를 키우거나 필터를 좁히십시오.",
    ),
    (
        "capture-duplicate",
        "캡처가 같은 패킷을 두 번 기록했습니다. 미러 포트나 any 인터페이스에서 흔하며 한 번으로 셉니다.",
    ),
    (
        "capture-hole",
        "보이지 않은 데이터에 확인 응답이 왔습니다. 패킷이 도착했지만 캡처에는 없습니다. 캡처 손실을 확인하십시오.",
    ),
    (
        "capture-offload",
        "네트워크 카드가 마무리할 체크섬이나 합쳐진 큰 세그먼트입니다. 호스트 안에서 캡처하면 정상입니다.",
    ),
    (
        "capture-rewritten",
        "두 캡처 지점 사이에서 시퀀스 번호가 바뀌었습니다. 방화벽이 번호를 바꾸고 캡처가 그 양쪽을 보므로, 같은 세그먼트가 식별자는 같고 번호는 일정한 차이로 두 번 나옵니다. 두 번째 것은 다른 어디에도 세지 않으며, 단계의 번호는 한쪽의 것입니다. 방화벽의 한쪽에서만 캡처하십시오.",
    ),
    ("capture-truncated", "패킷이 snaplen에서 잘렸습니다. 헤더까지 잘렸다면 -s 값을 키우십시오."),
    (
        "challenge-ack",
        "의심스러운 SYN이나 RST에 challenge ACK로 응답했습니다. 연결을 지키는 RFC 5961의 동작입니다. 무엇이 그것을 일으켰는지 보십시오.",
    ),
    (
        "challenge-ack-flood",
        "한 서버가 challenge ACK를 초당 매우 많이 보냅니다. 공유 제한을 이용한 측면 채널 공격이거나 고장 난 NAT입니다.",
    ),
    (
        "close-no-data",
        "데이터 없이 열고 FIN으로 닫았습니다. 누가 먼저 닫았는지 보면 이유를 알 수 있습니다. 클라이언트라면 상태 검사, handshake를 마치는 포트 조사, 풀의 여분 연결이며 얼마나 규칙적이고 많은지 보십시오. 서버가 곧바로 닫았다면 접근 규칙(tcpwrappers)이나 연결 수 제한, 몇 초 뒤라면 서버의 유휴 제한이나 클라이언트의 이름, 사용자를 알아보는 조회(DNS, identd)가 시간을 넘긴 것입니다. 서버의 로그를 보십시오.",
    ),
    ("close-normal", "양쪽 FIN이 모두 확인 응답을 받은 정상 종료입니다."),
    ("close-simultaneous", "양쪽의 FIN이 엇갈린 동시 종료입니다. 양쪽 모두 CLOSING을 거쳐 TIME_WAIT로 갑니다."),
    (
        "conn-refused",
        "SYN에 RST로 응답했습니다. 포트에서 듣는 프로그램이 없거나 방화벽이 거절했습니다. RST의 TTL을 서버의 다른 패킷과 비교하십시오.",
    ),
    (
        "conn-refused-icmp",
        "ICMP 오류가 SYN을 인용해 연결할 수 없음을 알렸습니다. 코드와 보낸 주소를 보면 누가 왜 막았는지 알 수 있습니다.",
    ),
    (
        "connection-flood",
        "한 출발지가 데이터 없는 연결을 대량으로 열어 두고 있습니다. 서버 자원을 고갈시키는 공격이거나 연결 풀입니다.",
    ),
    (
        "control-bad-checksum",
        "SYN, FIN, RST처럼 상태를 바꾸는 세그먼트의 체크섬이 틀렸습니다. 수신자는 무시하므로, 감시 장비를 속이려는 것일 수 있습니다.",
    ),
    (
        "data-after-fin",
        "자기 FIN 뒤의 번호로 데이터를 보냈습니다. 프로토콜에 어긋나며 위조나 고장 난 스택입니다. 상대 쪽의 데이터라면 half-close로 정상입니다.",
    ),
    (
        "data-before-established",
        "handshake가 끝나기 전에 데이터가 보였습니다. 마지막 ACK가 캡처에 없거나 누군가 응답을 주입했습니다.",
    ),
    (
        "data-injected",
        "한쪽 이름으로 왔지만 그쪽 것일 수 없는 데이터입니다. 같은 번호에 내용이 다른 데이터가 있거나, 그쪽의 RST 뒤에 온 데이터입니다. 경로 위의 누군가가 서버보다 먼저 응답했거나 옛 세그먼트를 재생한 것이며, 받는 쪽은 먼저 온 것을 씁니다. 내용은 체크섬으로 비교하고 payload는 저장하지 않습니다. TTL이나 IP 식별자로 어느 쪽이 남의 것인지 알 수 있으면 alert이며 그 프레임을 수치로 알립니다. 알 수 없으면 시스템이 재전송하는 사이에 프로그램이 파일을 바꾼 것일 수도 있습니다. 그 TTL만큼 떨어진 장비를 찾으십시오. 암호화하면 그런 데이터는 쓸모가 없습니다.",
    ),
    ("dead-peer", "같은 데이터를 여러 번 재전송했지만 아무 응답이 없습니다. 상대가 죽었거나 경로가 끊겼습니다."),
    (
        "deferred-accept",
        "마지막 ACK를 보냈지만 아직 데이터를 보내지 않은 클라이언트에게 서버가 SYN-ACK를 다시 보냈습니다. 데이터가 온 뒤에야 연결을 프로그램에 넘기는 설정(TCP_DEFER_ACCEPT, Apache의 AcceptFilter, nginx의 deferred)일 가능성이 가장 크며 무시된 것은 없습니다. 서버가 기다리기를 그만둔 뒤에 클라이언트가 말하면 그 데이터는 RST를 받습니다. 클라이언트가 먼저 말하게 하거나 이 설정을 끄십시오. 한 번만 반복되었다면 세 번째 단계가 캡처 지점 뒤에서 사라진 것일 수도 있고, accept 큐가 가득 찼다면 같은 포트의 다른 연결에서 보입니다.",
    ),
    (
        "ecn-blackhole",
        "ECN을 요청한 SYN은 응답이 없고 요청하지 않은 SYN은 곧 성공했습니다. 경로의 장비가 ECN SYN을 버립니다.",
    ),
    (
        "ecn-broken-reflect",
        "SYN-ACK가 SYN의 ECN 비트를 그대로 되돌려 보냈습니다. 서버나 중간 장비가 플래그를 복사한 것으로 ECN을 쓸 수 없습니다.",
    ),
    ("ecn-illegal-synack", "SYN-ACK의 ECN 비트가 그 SYN에 대한 응답으로 있을 수 없는 값입니다."),
    ("ecn-mode", "이 연결이 합의한 ECN 방식입니다. 참고 정보입니다."),
    ("fin-before-established", "handshake가 끝나기 전에 FIN이 왔습니다. 아주 짧은 서비스에서는 정상입니다."),
    ("fin-retransmitted", "FIN을 다시 보냈습니다. FIN이나 그 확인 응답이 사라졌거나 늦었습니다."),
    (
        "fin-seq-change",
        "같은 쪽이 다른 번호의 FIN을 또 보냈습니다. 연결의 끝은 하나뿐이므로 위조나 스캔을 의심하십시오.",
    ),
    ("fin-storm", "한 연결에서 FIN이 아주 많이 왔습니다. 반복에 빠진 스택입니다."),
    ("fin-then-rst", "FIN을 보낸 쪽이 곧 RST도 보냈습니다. 프로그램이 받지 않은 데이터를 남기고 닫을 때 흔합니다."),
    ("fin-unacked", "FIN을 재전송했지만 확인 응답이 없습니다. 상대가 사라졌거나 돌아오는 길이 캡처에 없습니다."),
    (
        "final-ack-wrong",
        "세 번째 단계의 확인 응답 번호가 서버의 초기 시퀀스 번호 + 1이 아닙니다. 다른 SYN-ACK가 캡처에 없거나 위조입니다.",
    ),
    (
        "flags-invalid",
        "어떤 TCP도 보내지 않는 플래그 조합입니다. 스캐너의 탐침이거나 손상입니다. 보낸 호스트의 다른 활동을 보십시오.",
    ),
    ("flow-table-evicted", "연결 표가 가득 차서 일부를 버렸습니다. --max-flows를 늘리거나 필터를 좁히십시오."),
    ("fp-hping", "SYN의 특징이 hping과 같습니다. 누군가 손으로 만든 패킷으로 시험하고 있습니다."),
    ("fp-masscan", "SYN의 번호가 masscan의 계산법과 맞습니다. 인터넷 스캐너입니다."),
    (
        "fp-mirai",
        "SYN의 시퀀스 번호가 목적지 주소와 같습니다. Mirai 계열 악성코드의 스캔입니다. 내부 호스트라면 감염된 것입니다.",
    ),
    (
        "fp-nmap",
        "서로 다른 대상으로 간 SYN 세 개 이상의 윈도와 옵션이 nmap과 같고 그 가운데 데이터에 쓰인 연결이 없습니다. 누군가 포트를 조사하고 있습니다. 작은 기기도 그런 SYN을 보내므로 데이터에 쓰인 연결은 세지 않습니다.",
    ),
    ("fp-nmap-os", "nmap의 운영 체제 탐지 탐침입니다. 호스트의 종류를 알아내려는 것입니다."),
    ("fp-p0fsendsyn", "p0f-sendsyn 도구의 특징과 같은 SYN입니다."),
    ("fp-zmap", "SYN의 특징이 ZMap과 같습니다. 인터넷 전체를 훑는 스캐너입니다."),
    ("half-close", "한쪽이 닫은 뒤에도 반대쪽이 한동안 열려 있었습니다 (half-close). 일부러 쓰는 프로그램도 있습니다."),
    ("half-close-reset", "half-close 뒤 온 데이터에 RST로 응답했습니다. 닫은 쪽의 프로그램이 이미 끝났습니다."),
    (
        "half-close-stuck",
        "한쪽이 닫은 뒤 상대가 60초 동안 아무것도 보내지 않았습니다. 상대 프로그램이 소켓을 아직 닫지 않아 CLOSE_WAIT에 있으며, 이 상태는 그 프로그램만 끝낼 수 있습니다. 연결 풀은 몇 분 뒤에 닫기도 하므로 아직 닫을 수 있으면 참고, 그대로 관찰이 끝나면 경고입니다. 이런 누수는 'too many open files'로 끝납니다. 그 호스트에서 CLOSE_WAIT 소켓과 그 프로세스를 찾으십시오.",
    ),
    (
        "half-open-accumulation",
        "한 서버에 미완성(embryonic) 연결이 쌓이고 있습니다. SYN flooding이거나 ACK 방향이 캡처에 없습니다.",
    ),
    (
        "half-open-crash",
        "반개방 연결: 한쪽은 연결을 잃었고 다른 쪽의 세그먼트에 RST로 응답했습니다. 재시작되었거나 중간 장비가 연결을 잊었습니다.",
    ),
    (
        "idle-expiry",
        "오래 쉰 뒤 보낸 세그먼트에 응답이 없습니다. 중간의 NAT나 방화벽이 연결을 잊은 듯합니다. keep-alive 간격을 줄이십시오.",
    ),
    ("idle-scan-target", "좀비 호스트를 이용한 idle 스캔의 대상입니다. 스캔하는 진짜 주소는 보이지 않습니다."),
    ("idle-scan-zombie", "이 호스트의 IP-ID가 idle 스캔의 좀비로 쓰이고 있습니다. IP-ID가 예측되는 호스트입니다."),
    (
        "insertion-low-ttl",
        "대상까지 닿지 못할 TTL의 제어 세그먼트입니다. 감시 장비만 보게 하려는 회피 수법일 수 있습니다.",
    ),
    ("ipid-global-counter", "호스트가 모든 상대에게 하나의 IP-ID 계수기를 씁니다. idle 스캔에 악용될 수 있습니다."),
    ("isn-attractor", "초기 시퀀스 번호가 일정한 수열을 따릅니다. 생성기가 약해 다음 번호를 예측할 수 있습니다."),
    (
        "isn-constant",
        "여러 연결에서 초기 시퀀스 번호가 같습니다. 예측이 필요 없을 만큼 위험하며 연결을 위조할 수 있습니다.",
    ),
    ("isn-from-address", "초기 시퀀스 번호가 주소에서 계산됩니다. 비밀이 없으므로 예측할 수 있습니다."),
    ("isn-gcd", "초기 시퀀스 번호가 일정한 수의 배수로 늘어납니다. 다음 번호를 예측할 수 있습니다."),
    ("isn-low-sp", "초기 시퀀스 번호의 예측 난이도가 낮습니다."),
    ("isn-mirrors-peer", "초기 시퀀스 번호가 상대의 번호를 따라갑니다. 프록시나 허니팟이거나 약한 스택입니다."),
    (
        "isn-regression",
        "같은 포트 쌍의 새 초기 시퀀스 번호가 이전 연결보다 뒤에 있습니다. 옛 세그먼트가 새 연결에 섞일 수 있습니다.",
    ),
    ("isn-repeat", "초기 시퀀스 번호가 되풀이됩니다. 우연일 확률은 거의 없으며 예측할 수 있습니다."),
    ("isn-scheme", "초기 시퀀스 번호가 시계와 함께 늘어나는 방식을 알아냈습니다. 참고 정보입니다."),
    ("isn-stuck-bits", "초기 시퀀스 번호의 일부 비트가 변하지 않습니다. 무작위성이 모자랍니다."),
    ("isn-time-linear", "초기 시퀀스 번호가 시간에 비례합니다. 시각을 알면 다음 번호를 예측할 수 있습니다."),
    ("isn-zero", "초기 시퀀스 번호가 0입니다. 시험 도구이거나 무작위 번호를 쓰지 않는 스택입니다."),
    ("keepalive-abort", "keep-alive에 응답이 없어 RST로 끊었습니다. 상대나 경로가 사라졌습니다."),
    ("keepalive-probe", "쉬고 있는 연결을 확인하는 keep-alive 탐침입니다."),
    ("keepalive-unanswered", "keep-alive 탐침에 응답이 없습니다. 상대가 죽었거나 중간 장비가 연결을 잊었습니다."),
    ("land", "출발지와 목적지의 주소와 포트가 같은 SYN입니다 (LAND 공격). 위조된 패킷입니다."),
    (
        "large-segments-lost",
        "큰 세그먼트 하나를 다섯 번 이상 보냈지만 소용이 없었고, 그 뒤에 보낸 더 작은 세그먼트는 도착했습니다(SACK). 상대는 살아 있고 큰 세그먼트만 사라집니다. 경로가 MSS보다 작은 크기만 통과시키는데, 그것을 알려야 할 ICMP 오류(유형 3 코드 4, Packet Too Big)도 버려집니다. 양쪽 SYN의 MSS를 경로의 터널과 링크의 MTU와 비교하십시오. 그 ICMP 오류를 통과시키거나, 경로가 좁아지는 곳에서 MSS를 줄이거나, 호스트가 크기를 찾게 하십시오(net.ipv4.tcp_mtu_probing).",
    ),
    ("last-ack-missing", "마지막 FIN에 대한 확인 응답이 보이지 않습니다. 캡처가 먼저 끝났거나 ACK가 사라졌습니다."),
    ("midstream-pickup", "연결 중간부터 캡처되었습니다. handshake에 대해서는 말할 수 없습니다."),
    (
        "missing-ack",
        "SYN-ACK에 대한 확인 응답도 RST도 없었습니다. 서버는 미완성 연결을 붙들고 있습니다. 죽은 클라이언트, 손실, SYN 스캔, SYN flooding이 이렇게 보이며 그런 연결의 수로 구별합니다.",
    ),
    (
        "mptcp-fallback",
        "Multipath TCP를 제안했지만 보통 TCP로 돌아갔습니다. 서버가 지원하지 않거나 중간 장비가 옵션을 지웠습니다.",
    ),
    ("mptcp-join-orphan", "캡처에 없는 연결에 서브플로를 붙이려 합니다. 첫 서브플로가 다른 경로로 갔을 수 있습니다."),
    ("mptcp-mode", "Multipath TCP를 쓰는 연결입니다. 참고 정보입니다."),
    ("mss-absent", "SYN이나 SYN-ACK에 MSS 옵션이 없습니다. 손으로 만든 패킷이거나 단순한 스택입니다."),
    ("mss-clamped", "여러 시스템의 MSS가 같은 값으로 줄어 있습니다. VPN이나 PPPoE 같은 경로가 값을 고칩니다."),
    (
        "mss-exceeded",
        "상대가 알린 MSS보다 큰 세그먼트입니다. 경로에서 조각나거나 버려질 수 있습니다. 수신 오프로드인지 먼저 확인하십시오.",
    ),
    ("mss-tiny", "MSS가 지나치게 작습니다. 서버에 많은 작은 패킷을 만들게 하는 공격일 수 있습니다."),
    (
        "nat-legs",
        "주소 변환 앞과 뒤의 같은 연결입니다. 두 연결의 SYN이 초기 시퀀스 번호, 옵션, 타임스탬프까지 같습니다. 캡처가 변환 장비(NAT, 로드 밸런서, Kubernetes 서비스)의 양쪽을 보므로 한 연결을 두 번 셉니다. 나머지 절반은 other_flow이며, 한 번만 세려면 한쪽에서만 캡처하십시오.",
    ),
    ("nat-suspect", "한 주소 뒤에 여러 호스트가 있는 듯합니다 (NAT)."),
    ("old-duplicate-tw", "TIME_WAIT 중에 옛 세그먼트가 와서 다시 확인 응답했습니다. TIME_WAIT가 하는 일입니다."),
    ("one-way-flow", "연결의 한 방향만 보입니다. 비대칭 경로이거나 캡처가 한쪽만 봅니다."),
    (
        "opt-malformed",
        "TCP 옵션의 형식이 잘못되었습니다. 길이가 틀리거나 중복되었습니다. 도구가 만들었거나 손상되었습니다.",
    ),
    (
        "opt-sack-refused",
        "클라이언트가 SACK을 제안했지만 SYN-ACK에 없습니다. 오래된 서버, SYN 쿠키, 또는 중간 장비입니다.",
    ),
    ("opt-stripped-suspect", "옵션 자리가 NOP으로 채워져 있습니다. 중간 장비가 옵션을 지운 듯합니다."),
    ("opt-ts-missing", "타임스탬프를 쓰기로 했는데 없는 세그먼트입니다. 프록시나 위조를 의심하십시오."),
    ("opt-ts-refused", "클라이언트가 타임스탬프를 제안했지만 SYN-ACK에 없습니다."),
    (
        "opt-unoffered",
        "클라이언트가 제안하지 않은 옵션이 SYN-ACK에 있습니다. 캡처 앞에서 SYN이 바뀌었거나 서버가 잘못되었습니다.",
    ),
    ("opt-ws-refused", "클라이언트가 윈도 확대를 제안했지만 SYN-ACK에 없습니다. 처리량이 64 KiB 윈도로 제한됩니다."),
    ("option-drift", "서버의 SYN-ACK 옵션이 평소와 달라졌습니다. 서버나 앞단 장비가 바뀌었습니다."),
    ("orphan-fin", "알려진 연결이 없는 FIN입니다. 스캔이거나 캡처 전에 시작된 연결입니다."),
    ("orphan-rst", "알려진 연결이 없는 RST입니다. 캡처 전의 연결이거나 backscatter입니다."),
    ("peer-data-after-rst", "RST를 받은 쪽이 잠시 더 보냈습니다. 오가던 중의 데이터이므로 정상입니다."),
    (
        "port-exhaustion",
        "한 목적지로 가는 출발지 포트가 거의 다 TIME_WAIT에 있습니다. 연결을 재사용하거나 주소를 늘리십시오.",
    ),
    ("port-reuse-refused", "TIME_WAIT 중인 포트로 온 새 SYN이 거절되었습니다. 포트를 너무 빨리 다시 쓰고 있습니다."),
    (
        "port-reuse-timewait",
        "TIME_WAIT 시간 안에 같은 포트로 새 연결이 열렸습니다. 번호나 타임스탬프가 더 크면 허용됩니다 (RFC 6191).",
    ),
    ("port-sequential", "출발지 포트가 차례로 늘어납니다. 예측하기 쉬우므로 RFC 6056은 무작위를 권합니다."),
    ("refused-burst", "짧은 시간에 연결 거부가 많습니다. 서비스 재시작이나 포트 스캔입니다."),
    ("refused-retry", "거부된 뒤 같은 포트로 곧 다시 시도했습니다. Windows에서 흔합니다."),
    ("reserved-bits", "예약된 비트가 켜져 있습니다. 도구가 만들었거나 새로운 확장입니다."),
    (
        "reset-after-synack",
        "SYN-ACK를 받은 클라이언트가 ACK 대신 RST를 보냈습니다. SYN 스캔, 상태 검사, 또는 늦은 응답입니다.",
    ),
    (
        "reset-close",
        "데이터를 주고받던 연결이 RST로 끝났습니다. 로드 밸런서와 브라우저에서는 흔합니다. 남은 데이터가 있었는지 보십시오.",
    ),
    (
        "reset-no-data",
        "연결된 지 5초 안에, 데이터가 오가기 전에 RST로 끊겼습니다. 클라이언트가 끊었으면 connect 스캔이나 상태 검사이고, 서버가 끊었으면 접근 제한이나 가득 찬 accept 큐(tcp_abort_on_overflow), 연결 수 제한입니다. RST를 보낼 때 아직 도중에 있던 데이터는 받은 것이 아니므로 세지 않습니다. 한 주소에서 규칙적으로 오면 대개 상태 검사입니다.",
    ),
    (
        "rst-bad-ack",
        "RST의 확인 응답 번호가 맞지 않습니다. 중간 장비가 만든 RST일 수 있습니다. SYN에 대한 답이라면 클라이언트는 이를 무시하고 SYN을 \
         다시 보냅니다.",
    ),
    ("rst-beyond", "윈도 밖의 번호를 가진 RST입니다. 수신자는 무시합니다. 눈먼 RST 공격일 수 있습니다."),
    ("rst-burst-server", "한 서버가 갑자기 많은 연결을 RST로 끊습니다. 재시작이나 과부하입니다."),
    (
        "rst-forged",
        "위조된 RST로 보입니다: 그 뒤에도 데이터가 계속되거나 TTL, IP-ID, 번호가 맞지 않습니다. 누군가 연결을 끊으려 합니다. 연결을 거절한 RST도 살핍니다. 서버는 SYN 하나를 거절한 뒤 다시 받아들이지 않지만, 한 이름으로 응답하는 기기 두 대는 그럴 수 있습니다. 경로에서 그 RST의 TTL을 가진 장비를 찾으십시오.",
    ),
    ("rst-in-time-wait", "TIME_WAIT 중에 RST가 왔습니다. TIME_WAIT를 일찍 끝낼 수 있습니다 (RFC 1337)."),
    (
        "rst-inexact",
        "RST의 번호가 윈도 안에 있지만 정확하지 않습니다. RFC 5961에 따라 challenge ACK로 확인해야 하며 위조일 수 있습니다.",
    ),
    ("rst-old", "이미 지난 번호의 RST입니다. 늦게 온 것으로 수신자는 무시합니다."),
    ("rst-storm", "한 연결에서 RST가 아주 많이 왔습니다. 반복에 빠진 스택이나 공격입니다."),
    ("rst-volley", "번호를 바꿔 가며 RST를 연달아 보냈습니다. 검열 장비나 RST 공격의 특징입니다."),
    ("rst-with-data", "RST에 데이터가 실려 있습니다. 이유를 적은 글일 수 있으며 RFC 9293이 허용합니다."),
    ("scan-block", "한 출발지가 여러 호스트의 여러 포트를 조사하고 있습니다."),
    ("scan-decoy", "같은 탐침이 여러 주소에서 동시에 왔습니다. 진짜 스캐너를 숨기려는 미끼(decoy) 스캔입니다."),
    ("scan-distributed", "여러 출발지가 한 호스트의 포트를 나누어 조사하고 있습니다."),
    ("scan-horizontal", "한 출발지가 많은 호스트의 같은 포트를 조사하고 있습니다 (수평 스캔)."),
    ("scan-slow", "하루에 걸쳐 천천히 조사하는 스캔입니다. 짧은 시간만 보면 드러나지 않습니다."),
    (
        "scan-vertical",
        "한 출발지가 한 호스트의 많은 포트를 조사하고 있습니다 (수직 스캔). SYN-ACK가 온 포트는 열린 포트입니다.",
    ),
    ("server-cookie-mode", "서버가 SYN 쿠키로 응답하고 있습니다. SYN flooding을 받는 중일 수 있습니다."),
    (
        "server-refuses-options",
        "서버가 클라이언트들이 제안한 옵션을 거의 모두 거절합니다. 오래된 서버, SYN 쿠키, 또는 옵션을 지우는 중간 장비입니다.",
    ),
    ("service-unreachable", "많은 클라이언트가 이 서비스에 연결하지 못합니다. 서비스가 죽었거나 막혔습니다."),
    ("simultaneous-open", "양쪽이 동시에 SYN을 보낸 동시 연결입니다. NAT 통과 기법이나 BGP에서 쓰입니다."),
    ("slow-handshake", "손실이 없는데 handshake가 느립니다. 먼 경로이거나 서버가 바쁩니다."),
    ("split-handshake", "서버가 SYN에 SYN-ACK 대신 SYN으로 응답했습니다. 방화벽을 피하는 수법으로 알려져 있습니다."),
    ("stateless-flood", "연결 없는 세그먼트(ACK, RST, FIN, SYN-ACK)가 대량으로 옵니다. 상태 없는 flooding 공격입니다."),
    ("syn-aborted", "SYN-ACK를 받기 전에 클라이언트가 RST로 그만두었습니다."),
    (
        "syn-authentication",
        "SYN flooding을 막는 장비가 주소의 첫 SYN에 맞지 않는 번호를 확인한 SYN-ACK로 응답하고, 진짜 클라이언트라면 보내야 할 RST를 받은 뒤 다음 SYN부터 통과시켰습니다 (safe reset). 클라이언트나 서버의 잘못이 아닙니다. 새 주소마다 SYN을 다시 보낼 때까지 약 1초를 잃습니다. 장비에 알려진 주소 목록을 두거나 SYN 쿠키를 쓰면 피할 수 있습니다.",
    ),
    ("syn-backoff-odd", "SYN 재전송 간격이 알려진 어떤 시스템과도 다릅니다. 설정을 바꾼 시스템이거나 도구입니다."),
    (
        "syn-flood",
        "SYN이 대량으로 오고 거의 완료되지 않습니다 (SYN flooding). SYN 쿠키와 backlog를 확인하고 출발지를 제한하십시오.",
    ),
    ("syn-flood-cusum", "SYN과 완료된 연결의 차이가 계속 커지고 있습니다. SYN flooding이 시작되는 듯합니다."),
    ("syn-flood-outbound", "우리 쪽에서 나가는 SYN flooding입니다. 호스트가 감염되었을 수 있습니다."),
    ("syn-flood-spoofed", "출발지가 위조된 SYN flooding입니다. 주소로 차단해도 소용이 없으며 SYN 쿠키를 쓰십시오."),
    (
        "syn-isn-change",
        "같은 포트 쌍의 SYN이 초기 시퀀스 번호를 바꿔 다시 왔습니다. 새 시도이거나 flooding 도구입니다.",
    ),
    (
        "syn-on-established",
        "이미 연결된 포트 쌍에 SYN이 왔습니다. 클라이언트가 재시작했거나 위조입니다. 올바른 서버는 challenge ACK로 응답합니다.",
    ),
    (
        "syn-option-fallback",
        "재전송한 SYN에서 옵션이 빠졌습니다. 클라이언트가 옵션 때문에 막혔다고 보고 물러난 것입니다.",
    ),
    (
        "syn-proxy",
        "SYN-ACK의 윈도가 0이었고 세 번째 단계 뒤에야 열렸습니다. SYN 프록시, 로드 밸런서, 방화벽이 서버 이름으로 연결을 열고, 자기와 서버 사이의 연결이 열릴 때까지 클라이언트를 기다리게 합니다. handshake의 RTT는 그 장비까지의 시간이며, update_ns에서 handshake_ns를 빼면 그 뒤쪽의 시간입니다. 장비가 받아들이지 않은 옵션은 양쪽 모두 쓸 수 없습니다. 의도한 것이라면 해롭지 않습니다. 그 보호가 늘 켜져 있는지 공격 때만 켜지는지 확인하십시오.",
    ),
    (
        "syn-proxy-suspect",
        "SYN-ACK와 그 뒤에 서버가 보낸 모든 것의 홉 수가 다릅니다. SYN-ACK가 서버 자신이 아니라 앞단 장비(SYN 프록시, 로드 밸런서, 방화벽)에서 온 듯하며, handshake의 RTT는 서버가 아니라 그 장비까지의 시간입니다.",
    ),
    (
        "syn-retransmitted",
        "SYN을 다시 보냈습니다. SYN이나 SYN-ACK가 사라졌거나 서버가 느립니다. 재전송 한 번에 응용 프로그램은 1초쯤 더 기다립니다.",
    ),
    ("syn-retries-excessive", "SYN을 여러 번 재전송했지만 응답이 없습니다. 방화벽이 버리고 있을 가능성이 큽니다."),
    (
        "syn-stale-timestamp",
        "응답이 없는 SYN의 타임스탬프가 서버가 같은 주소에서 마지막으로 받은 값보다 작습니다. 서버는 이 주소의 다른 SYN에는 응답하면서 타임스탬프가 작은 SYN만 무시합니다. 여러 호스트가 NAT 뒤에서 한 주소를 함께 쓰고, 서버나 그 앞의 방화벽이 같은 주소의 연결끼리 타임스탬프를 비교합니다 (4.11까지의 Linux tcp_tw_recycle, 일부 로드 밸런서). 서버에서 그 기능을 끄십시오. 클라이언트에서 타임스탬프를 꺼도 됩니다. 마지막으로 받은 SYN은 other_flow에 있습니다.",
    ),
    ("syn-then-fin", "SYN-ACK를 받기 전에 FIN을 보냈습니다. SYN-ACK가 캡처에 없거나 만들어진 패킷입니다."),
    (
        "syn-unanswered",
        "SYN에 기한까지 아무 응답이 없었습니다. 방화벽이 버렸거나 호스트가 꺼져 있거나 돌아오는 길이 캡처에 없습니다.",
    ),
    ("syn-with-data", "Fast Open 옵션 없이 SYN에 데이터가 실려 있습니다. 허용되지만 드물며 도구나 공격일 수 있습니다."),
    (
        "synack-ack-rst",
        "확인 응답 번호나 타임스탬프 에코가 틀린 SYN-ACK에 클라이언트가 RST로 응답했습니다. RFC 9293 그림 8의 회복 동작입니다. 클라이언트는 SYN_SENT에 머물고, 서버는 가진 것을 잊고 진짜 SYN에 응답할 수 있습니다.",
    ),
    (
        "synack-isn-change",
        "SYN-ACK가 다른 초기 시퀀스 번호로 다시 왔습니다. 두 서버가 응답했거나 SYN 쿠키가 바뀌었습니다.",
    ),
    ("synack-late", "판정한 뒤에야 SYN-ACK가 왔습니다. 경로나 서버가 매우 느립니다."),
    ("synack-on-established", "연결된 뒤에 SYN-ACK가 또 왔습니다. 마지막 ACK가 사라졌거나 위조입니다."),
    ("synack-reflection", "우리 주소로 위조된 SYN 때문에 많은 서버가 SYN-ACK를 보냅니다 (반사 공격)."),
    ("synack-retransmitted", "서버가 SYN-ACK를 다시 보냈습니다. SYN-ACK나 ACK가 사라졌거나 클라이언트가 없습니다."),
    (
        "synack-unsolicited",
        "SYN 없이 SYN-ACK가 왔습니다. 캡처가 늦게 시작됐거나 누군가 이 주소로 위조한 SYN을 보냈습니다.",
    ),
    (
        "synack-withdrawn",
        "서버가 SYN-ACK를 보낸 뒤 3단계 전에 스스로 RST로 시도를 거두었습니다. 반복된 SYN 뒤라면 반복을 오류로 여기는 스택이고, 바로라면 대기 소켓이 닫혔거나 중간 장비가 서버 이름으로 거절한 것이며, 재전송 뒤라면 클라이언트를 포기한 것입니다. RST의 TTL을 SYN-ACK의 TTL과 비교하고 서버의 대기 소켓을 확인하십시오.",
    ),
    (
        "synack-wrong-ack",
        "SYN-ACK가 어떤 SYN에도 맞지 않는 번호를 확인했습니다. 옛 중복, 위조된 응답, 한 방향의 번호만 바꾸는 장비, 연결을 혼동하는 서버 중 하나이며 클라이언트는 RST로 응답합니다. 그 뒤에 연결이 열렸다면 옛 중복이므로 note이고, 장비가 일부러 그 RST를 요구한 것이라면 syn-authentication으로 알립니다.",
    ),
    (
        "syncookie-suspected",
        "서버가 SYN 쿠키로 응답한 듯합니다. 옵션, 재전송, 번호에 그 흔적이 있습니다. SYN flooding을 받고 있는지 확인하십시오.",
    ),
    ("tarpit-suspect", "윈도가 아주 작은 채로 변하지 않습니다. 스캐너를 붙잡아 두는 tarpit일 수 있습니다."),
    ("tech-ack-or-window", "ACK만 있는 탐침으로 방화벽을 조사하고 있습니다 (ACK/윈도 스캔)."),
    ("tech-connect", "연결을 완성했다가 데이터 없이 끊는 connect 스캔입니다 (nmap -sT). 서버 로그에 남습니다."),
    ("tech-fin", "연결 없이 FIN만 보내는 스캔입니다. 닫힌 포트는 RST로 응답합니다."),
    ("tech-inverse-rst", "RST를 보내 도달 불가 응답으로 호스트를 찾는 역매핑입니다."),
    ("tech-maimon", "FIN+ACK로 조사하는 Maimon 스캔입니다."),
    ("tech-null", "플래그가 하나도 없는 NULL 스캔입니다."),
    ("tech-syn", "SYN만 보내고 연결을 완성하지 않는 SYN 스캔입니다 (nmap -sS). 응용 프로그램 로그에는 남지 않습니다."),
    ("tech-synack", "요청하지 않은 SYN-ACK로 조사하는 스캔입니다."),
    ("tech-xmas", "FIN, PSH, URG를 켠 Xmas 스캔입니다."),
    ("tfo-accepted", "SYN의 데이터를 서버가 받아들였습니다 (TCP Fast Open). 왕복 한 번을 절약했습니다."),
    ("tfo-cookie-granted", "서버가 Fast Open 쿠키를 발급했습니다. 다음 연결부터 SYN에 데이터를 실을 수 있습니다."),
    ("tfo-cookie-request", "클라이언트가 Fast Open 쿠키를 요청했습니다."),
    (
        "tfo-ignored",
        "SYN의 데이터를 서버가 무시했습니다. 쿠키가 낡았거나 서버가 바쁩니다. 데이터는 다시 보내야 합니다.",
    ),
    ("tfo-invalid", "Fast Open 옵션의 길이가 잘못되었거나 요청하지 않은 쿠키입니다."),
    ("tfo-partial", "SYN의 데이터 가운데 일부만 받아들여졌습니다."),
    (
        "tfo-syn-fallback",
        "Fast Open SYN에 응답이 없어 보통 SYN으로 다시 보냈습니다. 경로가 Fast Open을 막을 수 있습니다.",
    ),
    (
        "time-wait-assassination",
        "TIME_WAIT 중의 옛 세그먼트와 RST가 TIME_WAIT를 끝냈습니다 (RFC 1337). 옛 데이터가 새 연결에 섞일 수 있습니다.",
    ),
    ("traffic-after-rst", "RST를 보낸 쪽에서 세그먼트가 더 왔습니다. RST가 위조되었을 수 있습니다."),
    ("trw-scanner", "첫 연결 시도의 실패가 정상 호스트로 보기에는 너무 많습니다. 스캐너입니다."),
    ("ts-clock-split", "한 주소의 타임스탬프가 두 시계를 따릅니다. NAT 뒤에 여러 호스트가 있습니다."),
    ("ts-echo-bad", "타임스탬프 회신이 상대가 보낸 값과 맞지 않습니다. 위조나 고장 난 스택입니다."),
    ("ts-uptime", "타임스탬프로 추정한 가동 시간입니다. 참고 정보입니다."),
    ("ttl-shift", "한 연결 안에서 TTL이 바뀌었습니다. 경로 변경이거나 다른 누군가가 끼어들었습니다."),
    ("unanswered-burst", "한 호스트의 SYN 여러 개가 응답을 받지 못했습니다. 회선 장애이거나 스캔입니다."),
    (
        "untranslated-answer",
        "SYN이 간 곳 (또는 온 곳)과 다른 주소로 SYN-ACK가 왔습니다. 클라이언트는 다른 주소로, 또는 다른 주소에서 요청했고 이 응답은 주소가 되돌려지지 않았습니다. 받은 클라이언트는 그런 연결이 없으므로 RST로 끊습니다. 스캔도 상태 검사도 아니고 주소를 위조한 것도 아닙니다. SYN은 other_flow에 있습니다.",
    ),
    ("window-shrink", "수신 윈도의 오른쪽 끝이 뒤로 갔습니다. RFC 9293이 말리는 동작입니다."),
    ("ws-too-large", "윈도 확대 값이 14를 넘습니다. 14로 취급해야 하며 nmap의 탐침에서 보입니다."),
    ("zero-window-handshake", "handshake 중의 윈도가 0입니다. 바쁜 서버나 SYN 프록시입니다."),
    ("zero-window-stall", "수신 윈도가 오래 0입니다. 받는 프로그램이 읽지 않고 있습니다."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::registry::rules;

    #[test]
    fn korean_is_in_order_of_the_ids() {
        assert!(KOREAN.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn no_rule_is_without_text_in_either_language() {
        let without = |locale: Locale| -> Vec<&str> {
            let empty = |id: &str| description(id, locale).is_empty() || summary(id, locale).is_empty();
            rules().map(|rule| rule.id).filter(|id| empty(id)).collect()
        };
        assert_eq!(Locale::ALL.map(without), [Vec::<&str>::new(), Vec::new()], "write them above");
        let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        assert!(KOREAN.iter().all(|(_, text)| hangul(text) && text.ends_with('.')));
    }
}
