//! A comparison in words.

use core::fmt::Write as _;

use super::super::Locale;
use super::super::duration::human;
use crate::compare::{
    Changes, Fate, Judgement, OpeningPart, Relation, SegmentKind, Summary, Tap, Verdict, VerdictKind,
};
use crate::flow::Side;

/// The connection's line.
pub(super) fn flow(judgement: &Judgement, locale: Locale) -> String {
    let mut line = heading(judgement);
    let verdicts: Vec<String> = judgement.verdicts.iter().map(|v| verdict(v, judgement, locale)).collect();
    let _ = write!(line, "  {}", verdicts.join("; "));
    let times = &judgement.times;
    if let Some((part, ns)) = times.slowest().filter(|(_, ns)| *ns >= 1_000_000) {
        let _ = write!(line, "; {} {}", locale.pick("slowest:", "가장 느린 곳:"), slowest(part, locale));
        let _ = write!(line, " {}", human(ns));
    }
    line.push('\n');
    line
}

/// `#3 192.0.2.1:40000 → 192.0.2.2:443`, and the addresses at B where they differ.
pub(super) fn heading(judgement: &Judgement) -> String {
    let mut line = format!("#{}", judgement.id);
    let [a, b] = judgement.ends;
    if let Some((client, server)) = a.or(b) {
        let _ = write!(line, " {client} → {server}");
    }
    if let (Some(a), Some((client, server))) = (a, b)
        && a != (client, server)
    {
        let _ = write!(line, " (B: {client} → {server})");
    }
    line
}

fn slowest(part: OpeningPart, locale: Locale) -> &'static str {
    match part {
        OpeningPart::PathThere => locale.pick("path to the server", "서버로 가는 경로"),
        OpeningPart::Server => locale.pick("server", "서버"),
        OpeningPart::PathBack => locale.pick("path back", "돌아오는 경로"),
        OpeningPart::Client => locale.pick("client", "클라이언트"),
    }
}

/// A verdict in words.
pub(super) fn verdict(verdict: &Verdict, judgement: &Judgement, locale: Locale) -> String {
    let server = verdict.sender == Some(Side::Server);
    let (from, to) = match (judgement.near, server) {
        (Some(Tap::B), false) | (Some(Tap::A) | None, true) => ("B", "A"),
        _ => ("A", "B"),
    };
    let who = if server { locale.pick("server", "서버") } else { locale.pick("client", "클라이언트") };
    let n = verdict.count;
    let mut text = match locale {
        Locale::En => english(verdict, judgement, from, to, who),
        Locale::Ko => korean(verdict, judgement, from, to, who),
    };
    if n > 1 && verdict.kind != VerdictKind::Arrived {
        let _ = write!(text, " ×{n}");
    }
    if let Some((before, after)) = verdict.values {
        let _ = write!(text, " {before}→{after}");
    }
    if !verdict.certain {
        text += locale.pick(" (likely)", " (추정)");
    }
    text
}

fn options(verdict: &Verdict) -> String {
    let names = verdict.changes.intersection(Changes::STRIPPED).names();
    names.map(|name| name.trim_end_matches("_stripped")).collect::<Vec<_>>().join(", ")
}

fn only_at(judgement: &Judgement) -> &'static str {
    if judgement.ends[0].is_some() { "A" } else { "B" }
}

fn english(verdict: &Verdict, judgement: &Judgement, from: &str, to: &str, who: &str) -> String {
    use VerdictKind as V;
    match verdict.kind {
        V::Arrived => "everything arrived".to_owned(),
        V::SynLost => format!("SYN lost between {from} and {to}"),
        V::SynAckLost => format!("SYN-ACK lost on the way back, between {from} and {to}"),
        V::AnswerNeverReached => "answered by the host, never reached the client".to_owned(),
        V::NoAnswer => format!("SYN arrived at {from}, which shows no answer"),
        V::RstMade => format!("RST made on the way (the {who} never sent it)"),
        V::SegmentMade => format!("segment made on the way (the {who} never sent it)"),
        V::SegmentsLost => format!("segment of the {who} lost between {from} and {to}"),
        V::Duplicated => format!("segment of the {who} duplicated on the way"),
        V::Reordered => format!("segment of the {who} overtaken on the way"),
        V::OptionStripped => format!("option of the {who} stripped on the way: {}", options(verdict)),
        V::MssChanged if verdict.values.is_some_and(|(a, b)| b < a) => format!("MSS of the {who} clamped"),
        V::MssChanged => format!("MSS of the {who} changed"),
        V::WindowScaleChanged => format!("window scale of the {who} changed"),
        V::OptionsChanged => format!("options of the {who} changed"),
        V::EcnChanged => format!("ECN of the {who} changed"),
        V::DscpChanged => format!("DSCP of the {who} changed"),
        V::SequenceChanged => format!("sequence numbers rewritten (segments of the {who})"),
        V::AddressChanged => format!("addresses translated (segments of the {who})"),
        V::Corrupted => format!("segment of the {who} corrupted on the way"),
        V::PayloadChanged => format!("payload of the {who} changed on the way"),
        V::TtlChanged => format!("TTL of the {who} rewritten on the way"),
        V::WindowChanged => format!("window of the {who} changed"),
        V::UrgentChanged => format!("PSH, URG or urgent pointer of the {who} changed"),
        V::OnlyAtOne => format!("only in {}: its way need not pass the other tap", only_at(judgement)),
        V::Ambiguous => "several connections of the other capture fit: not paired".to_owned(),
        V::TableFull => "let go before its end (--max-flows)".to_owned(),
    }
}

fn korean(verdict: &Verdict, judgement: &Judgement, from: &str, to: &str, who: &str) -> String {
    use VerdictKind as V;
    match verdict.kind {
        V::Arrived => "모두 도착".to_owned(),
        V::SynLost => format!("{from}와 {to} 사이에서 SYN 유실"),
        V::SynAckLost => format!("돌아오는 길 {from}와 {to} 사이에서 SYN-ACK 유실"),
        V::AnswerNeverReached => "호스트가 응답했으나 클라이언트에 도달하지 못함".to_owned(),
        V::NoAnswer => format!("SYN이 {from}에 도착했으나 응답 없음"),
        V::RstMade => format!("RST가 경로 중간에서 만들어짐 ({who}가 보낸 적 없음)"),
        V::SegmentMade => format!("세그먼트가 경로 중간에서 만들어짐 ({who}가 보낸 적 없음)"),
        V::SegmentsLost => format!("{from}와 {to} 사이에서 {who} 세그먼트 유실"),
        V::Duplicated => format!("{who} 세그먼트가 경로에서 복제됨"),
        V::Reordered => format!("{who} 세그먼트의 순서가 경로에서 바뀜"),
        V::OptionStripped => format!("{who} 옵션이 경로에서 제거됨: {}", options(verdict)),
        V::MssChanged if verdict.values.is_some_and(|(a, b)| b < a) => format!("{who} MSS 축소"),
        V::MssChanged => format!("{who} MSS 변경"),
        V::WindowScaleChanged => format!("{who} 윈도 스케일 변경"),
        V::OptionsChanged => format!("{who} 옵션 변경"),
        V::EcnChanged => format!("{who} ECN 변경"),
        V::DscpChanged => format!("{who} DSCP 변경"),
        V::SequenceChanged => format!("시퀀스 번호 변환 ({who} 세그먼트)"),
        V::AddressChanged => format!("주소 변환 ({who} 세그먼트)"),
        V::Corrupted => format!("{who} 세그먼트가 경로에서 손상됨"),
        V::PayloadChanged => format!("{who} 데이터가 경로에서 변경됨"),
        V::TtlChanged => format!("{who} TTL이 경로에서 변경됨"),
        V::WindowChanged => format!("{who} 윈도 변경"),
        V::UrgentChanged => format!("{who} PSH, URG 또는 긴급 포인터 변경"),
        V::OnlyAtOne => format!("{}에만 있음: 다른 지점을 지나지 않는 경로일 수 있음", only_at(judgement)),
        V::Ambiguous => "다른 캡처에 맞는 연결이 여럿: 짝짓지 않음".to_owned(),
        V::TableFull => "끝나기 전에 내보냄 (--max-flows)".to_owned(),
    }
}

/// The pair of captures in words.
pub(super) fn summary(summary: &Summary, locale: Locale) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", relation(summary, locale));
    let (both, a, b) = (summary.flows[2], summary.flows[0], summary.flows[1]);
    let _ = match locale {
        Locale::En => writeln!(text, "connections  {both} in both, {a} only in A, {b} only in B"),
        Locale::Ko => writeln!(text, "연결  양쪽 {both}, A에만 {a}, B에만 {b}"),
    };
    clocks(&mut text, summary, locale);
    for from in Tap::BOTH {
        way(&mut text, summary, from, locale);
    }
    let limits = [
        (summary.ambiguous, locale.pick("ambiguous, not paired", "여럿에 맞아 짝짓지 않음")),
        (summary.evicted, locale.pick("let go early (--max-flows)", "일찍 내보냄 (--max-flows)")),
        (summary.overflow, locale.pick("segments without room to wait", "기다릴 자리가 없던 세그먼트")),
        (summary.copies.iter().sum(), locale.pick("frames seen twice at a tap", "한 지점에서 두 번 보인 프레임")),
        (summary.missed[0], locale.pick("segments missed by tap A", "A가 놓친 세그먼트")),
        (summary.missed[1], locale.pick("segments missed by tap B", "B가 놓친 세그먼트")),
    ];
    for (n, what) in limits.into_iter().filter(|(n, _)| *n > 0) {
        let _ = writeln!(text, "{n} {what}");
    }
    text
}

fn relation(summary: &Summary, locale: Locale) -> String {
    let text = match summary.relation() {
        Relation::Related => locale.pick("both captures have connections in common", "두 캡처에 공통된 연결이 있음"),
        Relation::OnePlace => locale.pick(
            "both captures are of one place, or the same file: there is no way between them to judge",
            "두 캡처가 같은 지점이거나 같은 파일: 판단할 경로가 없음",
        ),
        Relation::Unrelated => locale.pick(
            "no connection is in both captures: nothing to compare",
            "두 캡처에 공통된 연결이 없음: 비교할 것이 없음",
        ),
        Relation::NothingArrived => locale.pick(
            "no connection is in both captures: what passed one tap did not reach the other",
            "두 캡처에 공통된 연결이 없음: 한 지점을 지난 것이 다른 지점에 닿지 않음",
        ),
        Relation::Ambiguous => locale.pick(
            "connections of the captures are alike, but which is which cannot be known",
            "연결들이 비슷하지만 어느 것이 어느 것인지 알 수 없음",
        ),
        Relation::Empty(Tap::A) => locale.pick("capture A has no TCP segment", "캡처 A에 TCP 세그먼트가 없음"),
        Relation::Empty(Tap::B) => locale.pick("capture B has no TCP segment", "캡처 B에 TCP 세그먼트가 없음"),
        Relation::BothEmpty => locale.pick("neither capture has a TCP segment", "두 캡처 모두 TCP 세그먼트가 없음"),
    };
    text.to_owned()
}

fn clocks(text: &mut String, summary: &Summary, locale: Locale) {
    let Some(fit) = summary.clock else {
        if summary.flows[2] > 0 {
            let why = locale.pick(
                "clocks  unknown: packets of both directions are needed",
                "시계  알 수 없음: 양방향 패킷이 필요함",
            );
            let _ = writeln!(text, "{why}");
        }
        return;
    };
    let (offset, error) = (human(fit.offset), human(fit.error));
    let (drift, drift_error) = (fit.drift / 1e3, fit.drift_error / 1e3);
    let steps = summary.clock_steps;
    let _ = match locale {
        Locale::En => write!(text, "clocks  B is {offset} ahead of A, ± {error}"),
        Locale::Ko => write!(text, "시계  B가 A보다 {offset} 앞섬, ± {error}"),
    };
    let _ = write!(text, "; {} {drift:+.1} ± {drift_error:.1} ppm", locale.pick("drift", "드리프트"));
    if steps > 0 {
        let _ = write!(text, "; {} {steps}", locale.pick("clock set, times:", "시계 재설정 횟수:"));
    }
    text.push('\n');
}

fn way(text: &mut String, summary: &Summary, from: Tap, locale: Locale) {
    let arrived = summary.of_fate(from, Fate::Arrived);
    let others = Fate::ALL.iter().filter(|fate| **fate != Fate::Arrived && summary.of_fate(from, **fate) > 0);
    let others: Vec<Fate> = others.copied().collect();
    if arrived == 0 && others.is_empty() {
        return;
    }
    let _ = write!(text, "{}→{}  {arrived} {}", from.name(), from.other().name(), fate_word(Fate::Arrived, locale));
    for fate in others {
        let kinds: Vec<String> = SegmentKind::ALL
            .iter()
            .map(|kind| (kind, summary.fates[from as usize][*kind as usize][fate as usize]))
            .filter(|(_, n)| *n > 0)
            .map(|(kind, n)| format!("{n} {}", kind.name().replace('_', "-")))
            .collect();
        let _ = write!(text, ", {} {} ({})", summary.of_fate(from, fate), fate_word(fate, locale), kinds.join(", "));
    }
    let changes = Changes::all().names().zip(summary.changes[from as usize]).filter(|(_, n)| *n > 0);
    let changes: Vec<String> = changes.map(|(name, n)| format!("{n} {name}")).collect();
    if !changes.is_empty() {
        let _ = write!(text, "; {} {}", locale.pick("changed:", "변경:"), changes.join(", "));
    }
    let reordered = summary.reordered[from as usize];
    if reordered > 0 {
        let _ = write!(text, "; {reordered} {}", locale.pick("out of order", "순서 바뀜"));
    }
    let delays = &summary.delays[from as usize];
    if let (Some(median), Some(high)) = (delays.quantile(0.5), delays.quantile(0.99)) {
        let words = locale.pick("delay, median, 99 %, most:", "지연, 중앙값, 99 %, 최대:");
        let _ = write!(text, "; {words} {}, {}, {}", human(median), human(high), human(delays.greatest));
    }
    text.push('\n');
}

/// A fate in words.
pub(super) fn fate_word(fate: Fate, locale: Locale) -> &'static str {
    match fate {
        Fate::Arrived => locale.pick("arrived", "도착"),
        Fate::Lost => locale.pick("lost", "유실"),
        Fate::Made => locale.pick("made on the way", "중간에서 생성"),
        Fate::Duplicated => locale.pick("duplicated", "복제"),
        Fate::Missed => locale.pick("missed by a tap", "캡처에서 누락"),
        Fate::Uncovered => locale.pick("not covered by the other capture", "다른 캡처 범위 밖"),
        Fate::Unjudged => locale.pick("not judged", "판단 불가"),
    }
}
