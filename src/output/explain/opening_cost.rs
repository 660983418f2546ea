//! What opening a connection cost, in words.

use super::locale::{Locale, Particle, Words, with_particle, words};
use crate::flow::{Flow, OpeningCost};
use crate::output::duration::human;
use crate::tls::{EarlyData, Resumption, TlsOpening, TlsVersion};

/// Columns of the bar that shows where the time went.
const BAR: usize = 40;

/// The parts of the time until the first answer, in order: nanoseconds, and what went on.
fn parts(flow: &Flow, tls: &TlsOpening) -> Option<Vec<(i64, Words)>> {
    let began = flow.handshake.syns.first()?.time;
    let end = tls.response.or(tls.request).or(tls.established).or(tls.failure.map(|failure| failure.at))?;
    let marks = [
        (flow.handshake.connect_time().map(|took| began.after(took)), words("TCP", "TCP")),
        (Some(tls.hello.time), words("wait of the client", "클라이언트 대기")),
        (tls.established.map(|at| at.time), words("TLS", "TLS")),
        (tls.request.map(|at| at.time), words("wait of the client", "클라이언트 대기")),
        (Some(end.time), if tls.response.is_some() { words("request", "요청") } else { words("TLS", "TLS") }),
    ];
    let mut parts = Vec::new();
    let mut last = began;
    for (time, what) in marks {
        let Some(time) = time.filter(|time| *time > last) else { continue };
        parts.push((time - last, what));
        last = time;
    }
    Some(parts)
}

/// Where the time went, as a bar: each letter or block a fortieth of the whole.
fn bar(parts: &[(i64, Words)]) -> String {
    const BLOCKS: [char; 4] = ['█', '▓', '▒', '░'];
    let whole: i64 = parts.iter().map(|(took, _)| took).sum::<i64>().max(1);
    let (mut done, mut drawn, mut bar) = (0, 0, String::new());
    for ((took, _), block) in parts.iter().zip(BLOCKS.iter().cycle()) {
        done += took;
        let to = (done as f64 * BAR as f64 / whole as f64).round() as usize;
        bar.extend(core::iter::repeat_n(*block, to.saturating_sub(drawn)));
        drawn = drawn.max(to);
    }
    bar
}

/// What opening `flow` cost: sentences, the last of them what would cost less. Nothing without TLS.
pub(super) fn sentences(flow: &Flow, locale: Locale) -> Vec<String> {
    let (Some(cost), Some(tls)) = (OpeningCost::of(flow), flow.tls()) else { return Vec::new() };
    let mut said = vec![kind(tls, locale)];
    if let Some(parts) = parts(flow, tls).filter(|parts| !parts.is_empty()) {
        let list: Vec<String> = parts
            .iter()
            .map(|(took, what)| match cost.in_round_trips(*took) {
                Some(round_trips) => format!("{} {} ({round_trips:.1} RTT)", what.get(locale), human(*took)),
                None => format!("{} {}", what.get(locale), human(*took)),
            })
            .collect();
        let intro = locale.pick("Where the time went", "시간이 쓰인 곳");
        said.push(format!("{intro}: {} {}", bar(&parts), list.join(", ")));
    }
    said.extend(early(tls, locale));
    said.extend(saving(tls, locale));
    said
}

fn kind(tls: &TlsOpening, locale: Locale) -> String {
    let version = tls.version.map_or_else(|| "TLS".to_owned(), |version| format!("TLS {version}"));
    if let Some(failure) = tls.failure {
        let why = failure.description().unwrap_or("-");
        let (by, after): (&str, &str) = (failure.by.into(), failure.after.name());
        return match locale {
            Locale::En if failure.alert.is_none() => format!("{version} failed: the {by} closed after {after}."),
            Locale::En => format!("{version} failed: the {by} sent the alert {why} after {after}."),
            Locale::Ko if failure.alert.is_none() => {
                format!("{version} 실패: {after} 뒤에 {} 닫았습니다.", with_particle(by, Particle::Subject))
            }
            Locale::Ko => {
                let by = with_particle(by, Particle::Subject);
                format!("{version} 실패: {after} 뒤에 {by} 경고를 보냈습니다 ({why}).")
            }
        };
    }
    let how = match tls.kind {
        Some(Resumption::Full) => words("a full handshake", "전체 핸드셰이크"),
        Some(Resumption::Resumed) => words("an earlier session taken up", "이전 세션 재개"),
        Some(Resumption::Psk) => words("an earlier session taken up (pre-shared key)", "이전 세션 재개 (사전 공유 키)"),
        None => words("a handshake", "핸드셰이크"),
    };
    let how = how.get(locale);
    let retry = if tls.retry.is_some() {
        locale.pick(", after a hello retry (one more round trip)", ", ClientHello 재요구 뒤 (왕복 한 번 추가)")
    } else {
        ""
    };
    match (locale, tls.round_trips()) {
        (Locale::En, Some(n)) => format!("{version}: {how}{retry}. Round trips before a request may leave: {n}."),
        (Locale::Ko, Some(n)) => format!("{version}: {how}{retry}. 요청을 보내기까지의 왕복: {n}번."),
        (_, None) => format!("{version}: {how}{retry}."),
    }
}

fn early(tls: &TlsOpening, locale: Locale) -> Option<String> {
    let octets = tls.early_octets;
    Some(match (locale, tls.early_data?) {
        (Locale::En, EarlyData::Sent) => format!(
            "{octets} octets went as early data (0-RTT): one round trip saved, if the server took them, which is \
             encrypted. They can be replayed: only requests that may be repeated belong there (RFC 8446 section 8)."
        ),
        (Locale::Ko, EarlyData::Sent) => format!(
            "{octets} 옥텟이 조기 데이터(0-RTT)로 갔습니다. 서버가 받아들였다면 왕복 한 번을 절약했으며, 받아들였는지는 암호화되어 \
             있습니다. 재전송 공격이 가능하므로 반복해도 되는 요청만 실어야 합니다 (RFC 8446 8절)."
        ),
        (Locale::En, EarlyData::Rejected) if tls.early.is_some() => {
            format!("{octets} octets of early data (0-RTT) were in vain: the server cannot have taken them.")
        }
        (Locale::Ko, EarlyData::Rejected) if tls.early.is_some() => {
            format!("조기 데이터(0-RTT) {octets} 옥텟은 헛되었습니다. 서버가 받아들였을 수 없습니다.")
        }
        (Locale::En, _) => "Early data (0-RTT) was announced, and none was sent.".to_owned(),
        (Locale::Ko, _) => "조기 데이터(0-RTT)를 알렸지만 보내지 않았습니다.".to_owned(),
    })
}

fn saving(tls: &TlsOpening, locale: Locale) -> Option<String> {
    let text = match (tls.version?, tls.kind?) {
        _ if tls.failure.is_some() => return None,
        _ if tls.retry.is_some() => words(
            "A key share of a group that the server supports would save one round trip.",
            "서버가 지원하는 그룹의 키를 보내면 왕복 한 번을 절약합니다.",
        ),
        (TlsVersion::Tls13, Resumption::Full) => words(
            "A resumed session would save the certificate, and with early data one round trip; QUIC would open \
             both in one.",
            "세션을 재개하면 인증서를, 조기 데이터까지 쓰면 왕복 한 번을 절약합니다. QUIC은 둘을 왕복 한 번에 엽니다.",
        ),
        (TlsVersion::Tls13, _) => return None,
        (_, Resumption::Full) => {
            words("TLS 1.3 would take one round trip less.", "TLS 1.3이라면 왕복이 한 번 적습니다.")
        }
        _ => return None,
    };
    Some(text.get(locale).to_owned())
}
