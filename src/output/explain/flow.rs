//! A flow in words, from its own numbers.

use core::fmt::Write as _;

use super::locale::{Locale, Particle, Words, with_particle, words};
use super::{Document, Level, anomalies, terms};
use crate::detect::ids;
use crate::flow::features::fast_open;
use crate::flow::notes::WrongSynAck;
use crate::flow::{ClosedBy, Closing, Flow, Label, Opening, Shape, Side};
use crate::output::cause::{self, Cause};
use crate::output::duration::{human, since_first};
use crate::output::ladder::{Row, StepRow, capture_order, octets, rows};
use crate::output::picture::{caption, is_presumed, relative};
use crate::output::words::state_name;
use crate::tcp::State;

/// `flow` in words.
pub fn explain_flow(flow: &Flow, locale: Locale, level: Level) -> Document {
    let mut document = Document::default();
    let (client, server) = (flow.client.endpoint, flow.server.endpoint);
    document.heading(format!("#{} {client} → {server}", flow.id));
    opening(&mut document, flow, locale, level);
    if level == Level::Full {
        steps(&mut document, flow, locale);
        numbers(&mut document, flow, locale);
    }
    closing(&mut document, flow, locale, level);
    if let Some(words) = forged(flow, locale) {
        document.item(words);
    }
    for side in [Side::Client, Side::Server] {
        if flow.unacceptable(side) > 0 && level == Level::Full {
            document.item(dropped(flow, side, locale));
        }
    }
    unusual(&mut document, flow, locale, level);
    if level == Level::Full {
        put_right(&mut document, flow, locale);
    }
    document
}

/// When, and for how long, the ends of `flow` were in `state`.
pub(super) fn state_in(document: &mut Document, flow: &Flow, state: State, locale: Locale) {
    let mut found = false;
    let steps: Vec<StepRow> = rows(flow, false)
        .into_iter()
        .filter_map(|row| if let Row::Step(row) = row { Some(row) } else { None })
        .collect();
    for side in [Side::Client, Side::Server] {
        let of = |row: &StepRow| match side {
            Side::Client => row.client,
            Side::Server => row.server,
        };
        let Some(n) = steps.iter().position(|row| of(row) == Some(state)) else { continue };
        let Some(step) = steps.get(n).map(|row| row.step) else { continue };
        found = true;
        let who = terms::side(side).get(locale);
        let at = since_first(step.time - flow.first_time);
        let left = steps.iter().skip(n).find(|later| of(later) != Some(state));
        let stayed = left.map(|later| human((later.step.time - step.time).max(0)));
        let closes = flow.teardown.time_wait_ends.filter(|_| stayed.is_none() && state == State::TimeWait);
        let closes = closes.map(|ends| human(ends - flow.last_time));
        document.item(stay(flow.id, (who, &at, step.frame), stayed, closes, locale));
    }
    if !found {
        document.item(match locale {
            Locale::En => format!("Neither end of flow #{} was seen in it.", flow.id),
            Locale::Ko => format!("연결 #{}에서는 어느 쪽도 이 상태에 있지 않았습니다.", flow.id),
        });
    }
}

/// One sentence: which end of a flow entered a state, when and with which frame, and how long it `stayed`; for
/// TIME_WAIT without a later step, after how long the end `closes`.
fn stay(
    flow: u64,
    (who, at, frame): (&str, &str, u64),
    stayed: Option<String>,
    closes: Option<String>,
    locale: Locale,
) -> String {
    match (locale, stayed, closes) {
        (Locale::En, Some(stayed), _) => {
            format!("In flow #{flow} the {who} got there at {at} (frame {frame}) and stayed for {stayed}.")
        }
        (Locale::En, None, Some(after)) => format!(
            "In flow #{flow} the {who} got there at {at} (frame {frame}) and stays until {after} after the last \
             segment; then it is in CLOSED."
        ),
        (Locale::En, None, None) => {
            format!(
                "In flow #{flow} the {who} got there at {at} (frame {frame}) and was there to the end of the capture."
            )
        }
        (Locale::Ko, Some(stayed), _) => {
            format!("연결 #{flow}에서 {who}는 {at}에 (프레임 {frame}) 이 상태에 들어가 {stayed} 동안 머물렀습니다.")
        }
        (Locale::Ko, None, Some(after)) => format!(
            "연결 #{flow}에서 {who}는 {at}에 (프레임 {frame}) 이 상태에 들어가 마지막 세그먼트 뒤 {after} 동안 머물고, 그 뒤에는 \
             CLOSED입니다."
        ),
        (Locale::Ko, None, None) => {
            format!("연결 #{flow}에서 {who}는 {at}에 (프레임 {frame}) 이 상태에 들어가 캡처 끝까지 머물렀습니다.")
        }
    }
}

fn opening(document: &mut Document, flow: &Flow, locale: Locale, level: Level) {
    let opening = flow.opening();
    let mut words = format!("{}: {}.", locale.pick("Opening", "연결 설정"), cause::opening(flow).get(locale));
    let name = opening.name();
    let _ = write!(words, " ({name})");
    document.paragraph(words);
    document.paragraph(cause::opening_meaning(flow).get(locale));
    if let Some(cause) = Cause::of(flow) {
        document.item(cause.detail(flow, locale));
    }
    if let Some(wrong) = flow.notes().and_then(|notes| notes.wrong_synack) {
        let asked = flow.marks.iter().any(|mark| mark.rule == ids::SYN_AUTHENTICATION);
        document.item(wrong_synack(&wrong, asked, locale));
    }
    if let Some(icmp) = flow.unreachable() {
        document.item(match locale {
            Locale::En => format!("The ICMP error came from {} (frame {}).", icmp.reporter, icmp.frame),
            Locale::Ko => format!("ICMP 오류는 {} 주소가 보냈습니다 (프레임 {}).", icmp.reporter, icmp.frame),
        });
    }
    if let Some(connect) = flow.handshake.connect_time() {
        document.item(cost(flow, connect, locale));
    }
    for sentence in super::opening_cost::sentences(flow, locale) {
        document.item(sentence);
    }
    if flow.tries() > 1 && level == Level::Full {
        document.item(tries(flow, locale));
    } else if flow.tries() > 1 {
        let waited = human(flow.handshake.syn_gaps().sum());
        document.item(match locale {
            Locale::En => format!("The SYN was sent {} times in {waited}.", flow.tries()),
            Locale::Ko => format!("SYN을 {waited} 동안 {}번 보냈습니다.", flow.tries()),
        });
    }
    if let Some(patience) = patience(flow, locale).filter(|_| level == Level::Full) {
        document.item(patience);
    }
}

/// What the other end had to drop of `side`.
fn dropped(flow: &Flow, side: Side, locale: Locale) -> String {
    let (count, who) = (flow.unacceptable(side), terms::side(side).get(locale));
    let other = terms::side(side.other()).get(locale);
    match locale {
        Locale::En if count == 1 => format!(
            "The {other} must drop one segment of the {who}: it moves no state, and its octets are not counted (RFC \
             9293 section 3.10.7)."
        ),
        Locale::En => format!(
            "The {other} must drop {count} segments of the {who}: they move no state, and their octets are not counted \
             (RFC 9293 section 3.10.7)."
        ),
        Locale::Ko => format!(
            "{who}의 세그먼트 {count}개는 {other}가 버려야 합니다. 상태를 바꾸지 않으며, 그 옥텟은 세지 않습니다 (RFC 9293 3.10.7절)."
        ),
    }
}

/// What a SYN-ACK that acknowledges no SYN means; `asked`: a filter sent it to be reset.
fn wrong_synack(wrong: &WrongSynAck, asked: bool, locale: Locale) -> String {
    let frame = wrong.frame;
    let ack = match locale {
        Locale::En => wrong.ack.to_string(),
        Locale::Ko => with_particle(wrong.ack, Particle::Topic),
    };
    match (locale, asked) {
        (Locale::En, true) => format!(
            "The SYN-ACK in frame {frame} acknowledges {ack}, which no SYN here asked for: a filter in front of the \
             server wanted to see it reset, as only a real client does. The next SYN was served (RFC 9293 section \
             3.10.7.3)."
        ),
        (Locale::En, false) => format!(
            "The SYN-ACK (frame {frame}) acknowledges {ack}, which no SYN here asked for: an old duplicate SYN may \
             have reached the server. A client answers with RST and that number, and the server forgets the old one \
             (RFC 9293 figure 8)."
        ),
        (Locale::Ko, true) => format!(
            "프레임 {frame}의 SYN-ACK가 확인한 {ack} 여기의 어떤 SYN과도 맞지 않습니다. 서버 앞의 장비가 진짜 클라이언트만 보내는 \
             RST를 받아 보려고 보낸 것이며, 다음 SYN은 받아들여졌습니다 (RFC 9293 3.10.7.3절)."
        ),
        (Locale::Ko, false) => format!(
            "SYN-ACK(프레임 {frame})가 확인한 {ack} 여기의 어떤 SYN과도 맞지 않습니다. 옛 SYN의 중복이 서버에 도착했을 수 있습니다. \
             클라이언트는 그 번호로 RST를 보내고 서버는 옛 연결을 잊습니다 (RFC 9293 그림 8)."
        ),
    }
}

/// How long the server waited for the third step, as far as its repetitions show it.
fn patience(flow: &Flow, locale: Locale) -> Option<String> {
    // Where SYNs crossed, both ends sent one.
    if flow.server.synack_count < 2 || flow.opening() == Opening::SimultaneousOpen {
        return None;
    }
    let times: Vec<_> = flow.handshake.synacks.iter().map(|synack| synack.time).collect();
    let gaps: Vec<i64> = times.iter().zip(times.iter().skip(1)).map(|(earlier, later)| *later - *earlier).collect();
    if gaps.is_empty() {
        return None;
    }
    let (count, waited) = (flow.server.synack_count, human(gaps.iter().sum()));
    let gaps = gaps.into_iter().map(human).collect::<Vec<_>>().join(", ");
    Some(match locale {
        Locale::En => format!(
            "The SYN-ACK was sent {count} times, after waits of {gaps}: the server was patient for {waited} at least. \
             How often it tries is a setting (Linux: 5 repetitions); fewer make a SYN flood less costly."
        ),
        Locale::Ko => format!(
            "SYN-ACK를 {count}번 보냈고, 기다린 시간은 {gaps}입니다. 서버는 적어도 {waited} 동안 기다렸습니다. 재전송 횟수는 설정에 따르며(Linux는 5번), 줄이면 SYN \
             flooding의 부담이 줄어듭니다."
        ),
    })
}

fn cost(flow: &Flow, connect: i64, locale: Locale) -> String {
    let h = &flow.handshake;
    let connect = human(connect);
    match (locale, h.rtt_server(), h.rtt_client()) {
        (Locale::En, Some(server), Some(client)) => format!(
            "It took {connect} from the first SYN to the ACK. One round trip is {}: {} between this capture and the \
             server, {} between it and the client.",
            human(server + client),
            human(server),
            human(client)
        ),
        (Locale::En, ..) => format!("It took {connect} from the first SYN to the ACK."),
        (Locale::Ko, Some(server), Some(client)) => format!(
            "첫 SYN부터 ACK까지 {connect} 걸렸습니다. 왕복 시간(RTT)은 {}: 캡처 지점과 서버 사이 {}, 클라이언트 사이 {}입니다.",
            human(server + client),
            human(server),
            human(client)
        ),
        (Locale::Ko, ..) => format!("첫 SYN부터 ACK까지 {connect} 걸렸습니다."),
    }
}

fn tries(flow: &Flow, locale: Locale) -> String {
    let gaps: Vec<String> = flow.handshake.syn_gaps().map(human).collect();
    let gaps = gaps.join(", ");
    let pattern = flow.handshake.backoff().map(|b| format!(": {}", terms::backoff(b).get(locale))).unwrap_or_default();
    match locale {
        Locale::En => format!(
            "The SYN was sent {} times, after waits of {gaps}{pattern}. RFC 6298 asks for 1 s first and twice the time \
             each try; systems differ (Linux repeats 6 times; since 6.5 it waits 1 s five times before it doubles, and \
             repeats 10 times).",
            flow.tries()
        ),
        Locale::Ko => format!(
            "SYN을 {}번 보냈고, 기다린 시간은 {gaps}{pattern}입니다. RFC 6298은 처음 1초, 그 뒤 매번 두 배를 요구하지만 \
             운영 체제마다 다릅니다 (Linux는 6번 재전송하고, 6.5부터는 1초를 다섯 번 기다린 뒤에 두 배씩 늘려 10번 재전송합니다).",
            flow.tries()
        ),
    }
}

fn steps(document: &mut Document, flow: &Flow, locale: Locale) {
    document.heading(locale.pick("Step by step", "단계별 설명"));
    let rows = rows(flow, true);
    let order = capture_order(&rows, locale);
    for row in rows {
        match row {
            Row::Step(row) => document.item(step(flow, &row, locale)),
            Row::Data { segments, client_bytes, server_bytes, .. } => {
                let (up, down) = (octets(client_bytes), octets(server_bytes));
                document.item(match locale {
                    Locale::En if segments == 1 => {
                        format!("Data: one segment, {up} from the client, {down} from the server.")
                    }
                    Locale::En => format!("Data: {segments} segments, {up} from the client, {down} from the server."),
                    Locale::Ko => format!("데이터: 세그먼트 {segments}개, 클라이언트 {up}, 서버 {down}."),
                });
            }
            Row::Established => document.item(established(flow, locale)),
            Row::HalfClosed(time) => document.item(match locale {
                Locale::En => format!("Half-closed for {}: one direction is done, the other still works.", human(time)),
                Locale::Ko => {
                    format!("{} 동안 half-close: 한 방향은 끝났고 반대 방향은 아직 쓸 수 있습니다.", human(time))
                }
            }),
            Row::Dropped(n) => document.item(match locale {
                Locale::En => format!("{n} more steps were not kept."),
                Locale::Ko => format!("단계 {n}개는 저장하지 않았습니다."),
            }),
            Row::Before { .. } => {}
        }
    }
    if let Some(order) = order {
        document.item(format!("{order}."));
    }
    if let Some((octets, frame)) = flow.missing() {
        document.item(match locale {
            Locale::En => format!(
                "The capture lacks octets that were acknowledged: {octets} (frame {frame}). What is missing here \
                 proves little."
            ),
            Locale::Ko => format!(
                "확인 응답(ACK)된 데이터 {octets}옥텟이 캡처에 없습니다 (프레임 {frame}): 여기서 보이지 않는 것은 증거가 되지 못합니다."
            ),
        });
    }
}

fn step(flow: &Flow, row: &StepRow, locale: Locale) -> String {
    let (from, to) = (terms::side(row.from).get(locale), terms::side(row.from.other()).get(locale));
    let mut text = format!(
        "{} ({} → {}, {}, {} {}):",
        caption(row, locale),
        from,
        to,
        since_first(row.since_start),
        locale.pick("frame", "프레임"),
        row.step.frame
    );
    if row.step.label != Label::Icmp {
        let sender = flow.peer(row.from);
        let receiver = flow.peer(row.from.other());
        let _ = write!(text, " Seq={} ({})", row.step.seq, relative(row.step.seq, sender.base()));
        if let Some(ack) = row.step.ack {
            let _ = write!(text, ", Ack={ack} ({})", relative(ack, receiver.base()));
        }
        text.push_str(formula(flow, row));
        text.push('.');
    }
    let _ = write!(text, " {}", terms::label(row.step.label).get(locale));
    if let Some(outcome) = outcome(row) {
        let _ = write!(text, " {}", outcome.get(locale));
    }
    // The receiver last: what it does is presumed until it answers.
    let (now, then) = match row.from {
        Side::Client => (row.client, row.server),
        Side::Server => (row.server, row.client),
    };
    let (sender, receiver) = (terms::side(row.from).get(locale), terms::side(row.from.other()).get(locale));
    let now = state_name(now);
    let states = match (locale, then) {
        (Locale::En, Some(then)) => format!(" The {sender} is now in {now}, the {receiver} in {then}"),
        (Locale::Ko, Some(then)) => format!(" 이제 {sender}는 {now}, {receiver}는 {then} 상태입니다"),
        (Locale::En, None) => format!(" The {sender} is now in {now}; of the {receiver} nothing is known"),
        (Locale::Ko, None) => format!(" 이제 {sender}는 {now} 상태이고, {receiver}의 상태는 알 수 없습니다"),
    };
    text.push_str(&states);
    if then.is_some() && is_presumed(flow, row) {
        text.push_str(locale.pick(" (if it arrived)", " (도착했다면)"));
    }
    text.push('.');
    if row.step.repeat > 1 {
        let _ = match locale {
            Locale::En => write!(text, " Seen {} times.", row.step.repeat),
            Locale::Ko => write!(text, " {}번 보였습니다.", row.step.repeat),
        };
    }
    if let Some(section) = section(row) {
        let _ = write!(text, " [{section}]");
    }
    text
}

/// What a FIN or RST does to the two directions, by the states that it leaves behind.
const fn outcome(row: &StepRow) -> Option<Words> {
    let (sender, receiver) = match row.from {
        Side::Client => (row.client, row.server),
        Side::Server => (row.server, row.client),
    };
    Some(match (row.step.label, sender, receiver) {
        (Label::Fin, Some(State::FinWait1 | State::FinWait2), _) => {
            words("The other direction stays open.", "반대 방향은 여전히 열려 있습니다.")
        }
        (Label::Fin, Some(State::LastAck | State::Closing | State::TimeWait), _) => {
            words("The other direction is closed already.", "반대 방향은 이미 닫혔습니다.")
        }
        (Label::Rst, _, Some(State::Closed | State::Listen)) => {
            words("Both directions end at once.", "양방향이 즉시 끝납니다.")
        }
        (Label::Rst, _, Some(_)) => {
            words("Its receiver ignores it: nothing ends.", "받는 쪽이 무시하므로 아무것도 끝나지 않습니다.")
        }
        _ => return None,
    })
}

/// The numbers of a handshake step as textbooks write them, where they are so: x and y are the initial sequence
/// numbers.
fn formula(flow: &Flow, row: &StepRow) -> &'static str {
    let (step, client, server) = (&row.step, flow.client.isn, flow.server.isn);
    let acknowledges = |isn: Option<crate::tcp::SeqNumber>| isn.is_some() && step.ack == isn.map(|isn| isn.plus(1));
    match step.label {
        Label::Syn if row.from == Side::Client && client == Some(step.seq) => ": Seq=x",
        Label::SynAck if server == Some(step.seq) && acknowledges(client) => ": Seq=y, Ack=x+1",
        Label::Ack if !row.closing && client.map(|isn| isn.plus(1)) == Some(step.seq) && acknowledges(server) => {
            ": Seq=x+1, Ack=y+1"
        }
        _ => "",
    }
}

/// Where RFC 9293 says so.
const fn section(row: &StepRow) -> Option<&'static str> {
    match row.step.label {
        Label::Syn | Label::SynAck => Some("RFC 9293 3.5"),
        Label::Ack if !row.closing => Some("RFC 9293 3.5"),
        Label::Ack | Label::Fin => Some("RFC 9293 3.6"),
        Label::Rst => Some("RFC 9293 3.5.2"),
        Label::Probe => Some("RFC 9293 3.8.4"),
        Label::Icmp => Some("RFC 9293 3.9.2.2"),
        Label::Data | Label::Other => None,
    }
}

fn established(flow: &Flow, locale: Locale) -> String {
    let h = &flow.handshake;
    let text = locale.pick(
        "The connection is established: both ends have sent their number and know that it arrived.",
        "연결이 설정되었습니다. 양쪽 모두 자기 번호를 보냈고 그것이 도착했음을 압니다.",
    );
    let (Some(client), Some(server)) = (h.client_established(), h.server_established()) else { return text.to_owned() };
    let apart = human((server - client).max(0));
    match locale {
        Locale::En => format!(
            "{text} The client got there at {}, the server {apart} later (estimated from the round trips): about half \
             a round trip.",
            since_first(client - flow.first_time)
        ),
        Locale::Ko => format!(
            "{text} 클라이언트는 {}에, 서버는 그보다 {apart} 뒤에 (왕복 시간으로 추정, 약 0.5 RTT) ESTABLISHED가 되었습니다.",
            since_first(client - flow.first_time)
        ),
    }
}

fn numbers(document: &mut Document, flow: &Flow, locale: Locale) {
    let (Some(x), Some(y)) = (flow.client.isn, flow.server.isn) else { return };
    document.heading(locale.pick("What was agreed", "합의한 것"));
    document.item(match locale {
        Locale::En => {
            format!("Initial sequence numbers: x = {x} (client), y = {y} (server). Relative numbers count from them.")
        }
        Locale::Ko => format!("초기 시퀀스 번호: x = {x} (클라이언트), y = {y} (서버). 상대 번호는 여기서부터 셉니다."),
    });
    let (Some(client), Some(server)) = (flow.client.offer, flow.server.offer) else { return };
    if let (Some(up), Some(down)) = (client.mss, server.mss) {
        let least = up.min(down);
        document.item(match locale {
            Locale::En => format!(
                "Largest segment (MSS): the client takes {up}, the server {down} octets; the smaller is {least}."
            ),
            Locale::Ko => {
                format!("최대 세그먼트 크기(MSS): 클라이언트 {up}, 서버 {down} 옥텟. 작은 쪽은 {least}입니다.")
            }
        });
    }
    let Some(in_effect) = flow.in_effect() else { return };
    let names: Vec<&str> = [
        (in_effect.window_scale, locale.pick("window scaling", "윈도 확대")),
        (in_effect.sack, locale.pick("selective acknowledgment", "선택적 확인 응답(SACK)")),
        (in_effect.timestamps, locale.pick("timestamps", "타임스탬프")),
    ]
    .into_iter()
    .filter_map(|(on, name)| on.then_some(name))
    .collect();
    let list = if names.is_empty() { locale.pick("none", "없음").to_owned() } else { names.join(", ") };
    document.item(match locale {
        Locale::En => {
            format!("Options that both offered: {list}. Windows at the start: {} and {}.", client.window, server.window)
        }
        Locale::Ko => format!("양쪽이 모두 제안한 옵션: {list}. 처음 윈도 크기: {}, {}.", client.window, server.window),
    });
    if let Some(used) = fast_open(flow) {
        document.item(format!("TCP Fast Open: {} (RFC 7413).", terms::fast_open(used).get(locale)));
    }
}

fn closing(document: &mut Document, flow: &Flow, locale: Locale, level: Level) {
    let closing = flow.closing();
    if closing == Closing::None {
        return;
    }
    if level == Level::Full {
        document.heading(locale.pick("How it ended", "어떻게 끝났는가"));
    }
    let mut words = format!("{}: {}", locale.pick("Close", "연결 종료"), terms::closing_of(flow).get(locale));
    if let Some(by) = flow.closed_by().filter(|_| flow.teardown.first_fin.is_some()) {
        let _ = write!(words, ", {}", terms::closed_by(by).get(locale));
    }
    let _ = write!(words, ". ({})", closing.name());
    document.paragraph(words);
    if level == Level::Short {
        return;
    }
    document.paragraph(terms::closing_meaning_of(flow).get(locale));
    if let Some(shape) = flow.shape() {
        document.item(shape_words(flow, shape, locale));
    }
    if let Some(reset) = flow.teardown.reset {
        let who = terms::side(reset.by).get(locale);
        document.item(match locale {
            Locale::En => {
                format!("The RST came from the {who} in frame {}, after {} in all.", reset.frame, octets(flow.bytes()))
            }
            Locale::Ko => format!(
                "RST는 {who}에서 왔습니다 (프레임 {}). 그때까지 전송량은 {}입니다.",
                reset.frame,
                octets(flow.bytes())
            ),
        });
    }
    if flow.teardown.data_after_fin > 0 {
        let bytes = octets(flow.teardown.data_after_fin);
        document.item(match locale {
            Locale::En => format!("After the first FIN the other end still sent {bytes}: that direction was open."),
            Locale::Ko => {
                let bytes = with_particle(bytes, Particle::Object);
                format!("첫 FIN 뒤에도 반대쪽이 {bytes} 더 보냈습니다. 그 방향은 아직 열려 있었기 때문입니다.")
            }
        });
    }
}

/// That a RST was most likely not of the end in whose name it came, and what that means for how the connection ended.
fn forged(flow: &Flow, locale: Locale) -> Option<String> {
    let mark = flow.marks.iter().find(|mark| mark.rule == ids::RST_FORGED)?;
    let frame = mark.frames.first()?;
    let ended = flow.teardown.reset.is_some() && flow.was_open();
    Some(match (locale, flow.was_open(), ended) {
        (Locale::En, false, _) => format!(
            "The RST in frame {frame} is most likely forged (rst-forged): the server had not refused the connection."
        ),
        (Locale::En, true, true) => format!(
            "The RST in frame {frame} is most likely forged (rst-forged): a third party ended this connection, not the \
             end in whose name the RST came."
        ),
        (Locale::En, true, false) => format!(
            "The RST in frame {frame} is most likely forged (rst-forged), and it did not end the connection: both ends \
             went on."
        ),
        (Locale::Ko, false, _) => {
            format!(
                "프레임 {frame}의 RST는 위조되었을 가능성이 큽니다 (rst-forged). 서버는 연결을 거절하지 않았습니다."
            )
        }
        (Locale::Ko, true, true) => format!(
            "프레임 {frame}의 RST는 위조되었을 가능성이 큽니다 (rst-forged). 이 연결을 끊은 것은 RST에 적힌 쪽이 아니라 제3자입니다."
        ),
        (Locale::Ko, true, false) => format!(
            "프레임 {frame}의 RST는 위조되었을 가능성이 크며 (rst-forged) 연결을 끊지 못했습니다. 양쪽 모두 통신을 계속했습니다."
        ),
    })
}

/// The shape of the close, and who waits in TIME_WAIT.
fn shape_words(flow: &Flow, shape: Shape, locale: Locale) -> String {
    let mut text = format!("{}: {}.", locale.pick("Shape", "형태"), terms::shape(shape).get(locale));
    let active = match flow.closed_by() {
        Some(ClosedBy::Client) => Side::Client,
        Some(ClosedBy::Server) => Side::Server,
        _ => return text,
    };
    if matches!(shape, Shape::FourSegment | Shape::ThreeSegment) {
        let who = terms::side(active).get(locale);
        let _ = match locale {
            Locale::En => write!(text, " The {who} closed first, so the {who} is the one that waits in TIME_WAIT."),
            Locale::Ko => write!(text, " 먼저 닫은 쪽은 {who}이므로 TIME_WAIT에 머무는 쪽도 {who}입니다."),
        };
    }
    text
}

fn unusual(document: &mut Document, flow: &Flow, locale: Locale, level: Level) {
    // Every connection that ends as it should has that one.
    let odd: Vec<_> = flow.marks.iter().filter(|mark| mark.rule != ids::CLOSE_NORMAL).collect();
    if odd.is_empty() {
        if level == Level::Full {
            document.paragraph(locale.pick("Nothing unusual.", "특이한 점이 없습니다."));
        }
        return;
    }
    document.heading(locale.pick("What is unusual", "특이한 점"));
    for mark in odd {
        let id = mark.rule;
        let frames: Vec<String> = mark.frames.iter().map(ToString::to_string).collect();
        let frames = format!("{} {}", locale.pick("frame", "프레임"), frames.join(", "));
        let severity = mark.severity.name();
        let text = match level {
            Level::Short => anomalies::summary(id, locale),
            Level::Full => anomalies::description(id, locale),
        };
        document.item(format!("{severity} {id} ({frames}): {text}"));
    }
}

/// What textbooks simplify and this flow shows.
fn put_right(document: &mut Document, flow: &Flow, locale: Locale) {
    let mut remarks = Vec::new();
    if flow.opening() == Opening::Established && flow.handshake.validated {
        remarks.push(locale.pick(
            "A filter on the SYN and FIN flags hides the third step and the last ACK: neither has such a flag. Here \
             all steps are shown because their numbers tell them apart from other ACKs.",
            "SYN과 FIN 플래그로만 거르면 세 번째 단계와 마지막 ACK가 보이지 않습니다. 둘 다 그런 플래그가 없기 때문입니다. \
             여기서는 번호로 다른 ACK와 구별하므로 모든 단계가 보입니다.",
        ).to_owned());
        if let Some(rtt) = flow.handshake.rtt() {
            let (one, all) = (human(rtt), human(rtt + rtt / 2));
            remarks.push(match locale {
                Locale::En => format!(
                    "\"A handshake costs 1.5 round trips\" counts from the client's SYN until the server is ready \
                     ({all} here). Each end waits one ({one}): the client for the SYN-ACK, the server for the ACK. The \
                     client may send inside the third segment."
                ),
                Locale::Ko => format!(
                    "\"handshake에는 1.5 RTT가 든다\"는 클라이언트의 SYN부터 서버가 준비될 때까지 센 것입니다 (여기서는 {all}). 양쪽은 \
                     각각 1 RTT({one})를 기다립니다. 클라이언트는 SYN-ACK를, 서버는 ACK를 기다립니다. 클라이언트는 세 번째 세그먼트에서 \
                     바로 데이터를 보낼 수 있습니다."
                ),
            });
        }
    }
    if flow.shape() == Some(Shape::ThreeSegment) {
        remarks.push(locale.pick(
            "A \"four-way\" close is not always four segments: here ACK and FIN travelled in one, because the second \
             program closed before its system had acknowledged the first FIN. The four messages are still there.",
            "\"4-way\" 종료가 항상 세그먼트 4개인 것은 아닙니다. 여기서는 두 번째 프로그램이 첫 FIN의 확인 응답 전에 닫아 \
             ACK와 FIN이 함께 갔습니다. 메시지 네 개는 그대로 들어 있습니다.",
        ).to_owned());
    }
    if flow.teardown.first_fin == Some(Side::Server) {
        remarks.push(locale.pick(
            "The client does not always close first: here the server did, so FIN_WAIT and TIME_WAIT are the server's \
             and CLOSE_WAIT and LAST_ACK the client's.",
            "항상 클라이언트가 먼저 닫는 것은 아닙니다. 여기서는 서버가 먼저 닫았으므로 FIN_WAIT와 TIME_WAIT는 서버, \
             CLOSE_WAIT와 LAST_ACK는 클라이언트의 상태입니다.",
        ).to_owned());
    }
    if flow.bytes() > 0 && flow.was_open() {
        remarks.push(growth(flow, locale));
    }
    let (syns, synacks) = (&flow.handshake.syns, &flow.handshake.synacks);
    remarks.extend([("SYN", syns.first()), ("SYN-ACK", synacks.first())].into_iter().filter_map(|(name, segment)| {
        let segment = segment.filter(|segment| segment.payload > 0)?;
        Some(with_data(name, segment.payload, segment.frame, locale))
    }));
    if remarks.is_empty() {
        return;
    }
    document.heading(locale.pick("Simpler in textbooks", "교재에서 단순하게 설명하는 점"));
    remarks.into_iter().for_each(|remark| document.item(remark));
}

fn with_data(name: &str, octets: u32, frame: u64, locale: Locale) -> String {
    match locale {
        Locale::En => format!("\"A {name} carries no data\": this one carries {octets} octets (frame {frame})."),
        Locale::Ko => {
            format!("\"{name}에는 데이터가 없다\"지만 여기서는 {octets} 옥텟을 실었습니다 (프레임 {frame}).")
        }
    }
}

fn growth(flow: &Flow, locale: Locale) -> String {
    let (up, down) = (flow.client.bytes, flow.server.bytes);
    match locale {
        Locale::En => format!(
            "Sequence numbers do not grow by 1 with each segment but by the octets sent (here {up} from the client and \
             {down} from the server), and by 1 for SYN and for FIN."
        ),
        Locale::Ko => format!(
            "시퀀스 번호는 세그먼트마다 1씩 늘지 않고 보낸 옥텟 수만큼 늡니다 (여기서는 클라이언트 {up}, 서버 {down}). 1이 느는 \
             것은 SYN과 FIN뿐입니다."
        ),
    }
}
