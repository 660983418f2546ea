//! The cause of an attempt's outcome, where it is known from other flows: said before the verdict's usual meaning,
//! which would mislead.

use super::duration::human;
use super::explain::{Locale, Words, terms, words};
use crate::flow::{Flow, StaleStamp, Twin};

/// A cause.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause<'a> {
    /// Its SYN was answered from, or to, another address.
    AnsweredElsewhere(&'a Twin),
    /// Its SYN-ACK answers a SYN that went to, or came from, another address.
    Untranslated(&'a Twin),
    /// The time stamp of its SYN is below the last that its server took from its client's address.
    StaleStamp(&'a StaleStamp),
}

/// How `flow` opened, in a few words.
pub(super) fn opening(flow: &Flow) -> Words {
    Cause::of(flow).map_or_else(|| terms::opening_of(flow), |cause| cause.headline())
}

/// What that means and what to check next.
pub(super) fn opening_meaning(flow: &Flow) -> Words {
    Cause::of(flow).map_or_else(|| terms::opening_meaning_of(flow), |cause| cause.meaning())
}

impl<'a> Cause<'a> {
    /// That of `flow`, where one is known.
    pub(super) fn of(flow: &'a Flow) -> Option<Self> {
        let untranslated = || flow.answers_untranslated().map(Self::Untranslated);
        let stale = || flow.stale_stamp().map(Self::StaleStamp);
        flow.answered_elsewhere().map(Self::AnsweredElsewhere).or_else(untranslated).or_else(stale)
    }

    /// In a few words.
    pub(super) const fn headline(&self) -> Words {
        match self {
            Self::AnsweredElsewhere(_) => words(
                "the SYN was answered from another address: not translated back",
                "SYN에 대한 응답이 다른 주소로 옴: 주소가 되돌려지지 않음",
            ),
            Self::Untranslated(_) => words(
                "this SYN-ACK answers a SYN to another address: not translated back",
                "다른 주소로 보낸 SYN에 대한 SYN-ACK: 주소가 되돌려지지 않음",
            ),
            Self::StaleStamp(_) => words(
                "the SYN's time stamp is below the last that the server took from this address (PAWS behind NAT)",
                "SYN의 타임스탬프가 서버가 이 주소에서 마지막으로 받은 값보다 작음 (NAT 뒤의 PAWS)",
            ),
        }
    }

    /// What it means, and what to look at.
    pub(super) const fn meaning(&self) -> Words {
        match self {
            Self::AnsweredElsewhere(_) => words(
                "The server received the SYN and answered it, but the answer bypassed the translator (load balancer, \
                 Kubernetes service, NAT) that the SYN had passed: the client does not know the address it comes from. \
                 No filter drops the SYN, and the server is up. Check the return path: the reply must pass the same \
                 translator.",
                "서버는 SYN을 받고 응답했지만, 그 응답이 SYN이 지나간 주소 변환 장비(로드 밸런서, Kubernetes 서비스, NAT)를 \
                 거치지 않아 클라이언트가 모르는 주소에서 왔습니다. SYN을 버린 방화벽은 없고 서버는 살아 있습니다. 돌아오는 \
                 길이 같은 변환 장비를 지나는지 확인하십시오.",
            ),
            Self::Untranslated(_) => words(
                "The SYN used another address, so the client does not recognize this answer: it resets or drops the \
                 answer, and repeats its SYN. It is not a scan, a health check or a forged address. The reply must \
                 pass the translator that the SYN passed.",
                "클라이언트는 다른 주소로 (또는 다른 주소에서) 요청했으므로 이 주소를 모릅니다. 그래서 응답을 RST로 끊거나 버리고 \
                 다시 요청합니다. 스캔도 상태 검사도 아니고 주소를 위조한 것도 아닙니다. 응답은 SYN이 지나간 변환 장비를 지나야 \
                 합니다.",
            ),
            Self::StaleStamp(_) => words(
                "The server answers other SYNs of this address, but ignores exactly those with a time stamp below the \
                 last accepted one. Several hosts share the address behind NAT, and their clocks differ: a server that \
                 compares time stamps between connections of one address (Linux with tcp_tw_recycle, some load \
                 balancers and firewalls) drops the SYNs of the one behind. Switch that off at the server.",
                "서버는 그동안 이 주소의 다른 SYN에는 응답합니다. 마지막으로 받은 값보다 작은 타임스탬프의 SYN만 응답이 없습니다. \
                 여러 호스트가 NAT 뒤에서 한 주소를 함께 쓰고 시계가 서로 다르므로, 같은 주소의 연결끼리 타임스탬프를 비교하는 \
                 서버(tcp_tw_recycle을 켠 Linux, 일부 로드 밸런서와 방화벽)가 뒤진 쪽의 SYN을 버립니다. 서버에서 그 기능을 \
                 끄십시오.",
            ),
        }
    }

    /// The figures: which flow, which addresses, which frames.
    pub(super) fn detail(&self, flow: &Flow, locale: Locale) -> String {
        match self {
            Self::AnsweredElsewhere(twin) => {
                let (id, from, to) = (twin.flow, twin.server, twin.client);
                let frame = twin.synack.map_or(0, |(_, frame)| frame);
                let after = human(twin.synack.map_or(0, |(time, _)| time - flow.first_time));
                let reset = match (locale, twin.reset) {
                    (_, None) => String::new(),
                    (Locale::En, Some(frame)) => format!(" The client reset it (frame {frame})."),
                    (Locale::Ko, Some(frame)) => format!(" 클라이언트는 이를 RST로 끊었습니다 (프레임 {frame})."),
                };
                match locale {
                    Locale::En => {
                        format!(
                            "The answer is in flow #{id}: {from} → {to}, {after} after the SYN (frame {frame}).{reset}"
                        )
                    }
                    Locale::Ko => format!(
                        "응답은 연결 #{id}에 있습니다: {from} → {to}, SYN보다 {after} 뒤 (프레임 {frame}).{reset}"
                    ),
                }
            }
            Self::Untranslated(twin) => {
                let (id, from, to) = (twin.flow, twin.client, twin.server);
                let frame = twin.syn.unwrap_or(0);
                match locale {
                    Locale::En => format!("The SYN is in flow #{id}: {from} → {to} (frame {frame})."),
                    Locale::Ko => format!("SYN은 연결 #{id}에 있습니다: {from} → {to} (프레임 {frame})."),
                }
            }
            Self::StaleStamp(StaleStamp { value, taken, flow: id, frame, .. }) => match locale {
                Locale::En => {
                    format!("Its time stamp is {value}; flow #{id} had {taken} (frame {frame}) and was answered.")
                }
                Locale::Ko => {
                    format!("타임스탬프는 {value}이고, 응답을 받은 연결 #{id}의 값은 {taken}입니다 (프레임 {frame}).")
                }
            },
        }
    }
}
