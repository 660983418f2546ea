//! What the kernel of this host knows about a flow, in words: its processes, its queues, and the limit that kept a
//! connection from opening.

use super::locale::{Locale, Particle, with_particle};
use super::{Document, terms};
use crate::detect::ids;
use crate::flow::{Flow, Opening, Side};
use crate::kernel::{KernelEnd, Known, ListenerRow, Match, end_of};
use crate::output::event::kernel::{known_end, state_disagrees};
use crate::output::words::state_name;
use crate::tcp::State;

/// What the kernel of this host says about `flow`; nothing where none of its ends is here.
pub(super) fn on_this_host(document: &mut Document, flow: &Flow, known: &Known, locale: Locale) {
    let ends = [Side::Client, Side::Server].map(|side| (side, known_end(flow, side, known)));
    if ends.iter().all(|(_, end)| end.is_none()) {
        return;
    }
    document.paragraph(match locale {
        Locale::En => "On this host, by its kernel:".to_owned(),
        Locale::Ko => "이 호스트의 커널에 따르면:".to_owned(),
    });
    for (side, end) in &ends {
        if let Some(end) = end {
            document.item(whose(*side, end, locale));
            if let Some(words) = in_the_kernel(flow, *side, end, known, locale) {
                document.item(words);
            }
        }
    }
    let [(_, client), (_, server)] = ends;
    if server.is_some() {
        server_limits(document, flow, known, locale);
    }
    if client.is_some() {
        client_limits(document, flow, known, locale);
    }
}

/// Which process has an end.
fn whose(side: Side, end: &KernelEnd, locale: Locale) -> String {
    let who = terms::side(side).get(locale);
    let Some(process) = &end.process else {
        return match locale {
            Locale::En => format!("The {who} is here; its process was gone before it could be asked for."),
            Locale::Ko => format!("{who} 쪽이 이 호스트입니다. 프로세스는 조회하기 전에 사라졌습니다."),
        };
    };
    let user = process.user.as_deref().unwrap_or("?");
    let name = format!("{} ({})", process.name, process.pid);
    match (locale, end.matched) {
        (Locale::En, Match::Late) if side == Side::Server => {
            format!("The {who} is here: {name} of user {user} listens there.")
        }
        (Locale::En, Match::Late) => {
            format!("The {who} is here: probably {name} of user {user}, alone in talking to that server just then.")
        }
        (Locale::En, _) => format!("The {who} is here: process {name} of user {user}."),
        (Locale::Ko, Match::Late) if side == Side::Server => {
            format!("{who} 쪽이 이 호스트입니다. 사용자 {user}의 {name} 프로세스가 그곳에서 수신 대기합니다.")
        }
        (Locale::Ko, Match::Late) => {
            format!(
                "{who} 쪽이 이 호스트입니다. 그때 그 서버와 통신한 유일한 프로세스인 사용자 {user}의 {name}일 가능성이 큽니다."
            )
        }
        (Locale::Ko, _) => format!("{who} 쪽이 이 호스트입니다. 사용자 {user}의 {name} 프로세스입니다."),
    }
}

/// The state of the socket, where that says more than the segments do.
fn in_the_kernel(flow: &Flow, side: Side, end: &KernelEnd, known: &Known, locale: Locale) -> Option<String> {
    let state = end.state?;
    let who = terms::side(side).get(locale);
    let name = state_name(Some(state));
    if state == State::CloseWait {
        let process = end.process.as_ref().map_or("?", |process| process.name.as_str());
        return Some(match locale {
            Locale::En => format!(
                "The kernel has the socket of the {who} in {name}: the other end has closed, and {process} has not \
                 called close() yet."
            ),
            Locale::Ko => format!(
                "커널에서 {who} 소켓은 {name} 상태입니다. 상대가 닫았지만 {process} 프로세스가 아직 close()를 부르지 않았습니다."
            ),
        });
    }
    state_disagrees(flow, side, end, known).then(|| match locale {
        Locale::En => format!("The kernel has the socket of the {who} in {name}, which its segments do not show."),
        Locale::Ko => format!("커널에서 {who} 소켓은 {name} 상태이지만, 세그먼트에서는 보이지 않습니다."),
    })
}

/// A limit of this host, and which of its kernel's counters shows that it was hit.
struct Limit<'a> {
    known: &'a Known,
    row: Option<ListenerRow>,
}

impl Limit<'_> {
    fn counted(&self, name: &str) -> u64 {
        self.known.counted(name).unwrap_or(0)
    }

    fn setting(&self, name: &str) -> String {
        self.known.setting(name).unwrap_or_else(|| "?".to_owned())
    }

    fn queue_was_full(&self) -> bool {
        self.row.as_ref().is_some_and(|row| row.max_queue > row.now.limit)
    }
}

/// Why a connection to this host did not open, and which setting to look at.
fn server_limits(document: &mut Document, flow: &Flow, known: &Known, locale: Locale) {
    let limit = Limit { known, row: known.listener(end_of(flow.server.endpoint.ip, flow.server.endpoint.port)) };
    let has = |id: &str| flow.marks.iter().any(|mark| mark.rule == id);
    let opening = flow.opening();
    // Before the deadline, what was repeated was not answered either.
    let repeated = flow.tries() > 1 || flow.server.synack_count > 1;
    let silent =
        matches!(opening, Opening::Unanswered | Opening::MissingAck) || opening == Opening::Undecided && repeated;
    if opening == Opening::Refused && limit.row.is_none() {
        document.item(match locale {
            Locale::En => format!("No process listens on port {}.", flow.server.endpoint.port),
            Locale::Ko => format!("포트 {}에서 수신 대기하는 프로세스가 없습니다.", flow.server.endpoint.port),
        });
    }
    if !silent && !has(ids::ACCEPT_QUEUE_OVERFLOW) {
        return;
    }
    let (overflows, drops) = (limit.counted("ListenOverflows"), limit.counted("TCPReqQFullDrop"));
    let cookies = limit.counted("TCPReqQFullDoCookies");
    if overflows > 0 && limit.queue_was_full() {
        document.item(accept_queue(&limit, overflows, locale));
    } else if drops > 0 {
        document.item(syn_queue(&limit, drops, locale));
    } else if cookies > 0 {
        document.item(with_cookies(&limit, cookies, locale));
    } else if flow.server.synack_count == 0 && limit.row.is_some() && limit.counted("ListenDrops") == 0 {
        document.item(match locale {
            Locale::En => "A process listens there, and TCP counted no SYN that it dropped: a packet filter of this \
                           host (nft list ruleset, iptables -L) keeps it from TCP."
                .to_owned(),
            Locale::Ko => {
                "그곳에서 수신 대기하는 프로세스가 있고 TCP가 버린 SYN은 없습니다. 이 호스트의 패킷 필터(nft list \
                           ruleset, iptables -L)가 TCP에 전달하지 않습니다."
                    .to_owned()
            }
        });
    }
}

fn accept_queue(limit: &Limit<'_>, overflows: u64, locale: Locale) -> String {
    let (max, most) = limit.row.as_ref().map_or((0, 0), |row| (row.now.limit, row.max_queue));
    let somaxconn = limit.setting("net.core.somaxconn");
    let process = limit.row.as_ref().and_then(|row| row.process.as_ref()).map_or("?", |process| process.name.as_str());
    match locale {
        Locale::En => format!(
            "The accept queue was full: {most} connections waited where {max} may, and the kernel dropped {overflows}. \
             {process} does not call accept() often enough; its backlog is the argument of listen(), at most \
             net.core.somaxconn = {somaxconn}."
        ),
        Locale::Ko => {
            let process = with_particle(process, Particle::Subject);
            format!(
                "accept 큐가 가득 찼습니다. 한도는 {max}개인데 {most}개가 기다렸고 커널이 {overflows}개를 버렸습니다. {process} \
                 accept()를 충분히 자주 부르지 않습니다. backlog는 listen()의 인수이고 최대값은 net.core.somaxconn = \
                 {somaxconn}입니다."
            )
        }
    }
}

fn syn_queue(limit: &Limit<'_>, drops: u64, locale: Locale) -> String {
    let (backlog, cookies) = (limit.setting("net.ipv4.tcp_max_syn_backlog"), limit.setting("net.ipv4.tcp_syncookies"));
    match locale {
        Locale::En => format!(
            "The SYN queue was full and the kernel dropped {drops} SYNs: net.ipv4.tcp_syncookies = {cookies}, \
             net.ipv4.tcp_max_syn_backlog = {backlog}. With tcp_syncookies = 1 it would answer them with cookies."
        ),
        Locale::Ko => format!(
            "SYN 큐가 가득 차서 커널이 SYN {drops}개를 버렸습니다. net.ipv4.tcp_syncookies = {cookies}, \
             net.ipv4.tcp_max_syn_backlog = {backlog}입니다. tcp_syncookies = 1이면 쿠키로 응답합니다."
        ),
    }
}

fn with_cookies(limit: &Limit<'_>, cookies: u64, locale: Locale) -> String {
    let backlog = limit.setting("net.ipv4.tcp_max_syn_backlog");
    match locale {
        Locale::En => format!(
            "The SYN queue was full and the kernel answered {cookies} SYNs with cookies \
             (net.ipv4.tcp_max_syn_backlog = {backlog}): connections that have not opened cost it no memory."
        ),
        Locale::Ko => format!(
            "SYN 큐가 가득 차서 커널이 SYN {cookies}개에 쿠키로 응답했습니다 (net.ipv4.tcp_max_syn_backlog = {backlog}). 미완성 \
             연결은 메모리를 쓰지 않습니다."
        ),
    }
}

/// What limits a client of this host.
fn client_limits(document: &mut Document, flow: &Flow, known: &Known, locale: Locale) {
    if !flow.marks.iter().any(|mark| mark.rule.starts_with("port-reuse-")) {
        return;
    }
    let setting = |name: &str| known.setting(name).unwrap_or_else(|| "?".to_owned());
    let (range, reuse) = (setting("net.ipv4.ip_local_port_range"), setting("net.ipv4.tcp_tw_reuse"));
    document.item(match locale {
        Locale::En => format!(
            "This host takes its ports from net.ipv4.ip_local_port_range = {range}; net.ipv4.tcp_tw_reuse = {reuse}."
        ),
        Locale::Ko => format!(
            "이 호스트의 클라이언트 포트 범위는 net.ipv4.ip_local_port_range = {range}, net.ipv4.tcp_tw_reuse = {reuse}입니다."
        ),
    });
}
