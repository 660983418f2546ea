//! What people read: the same facts in English and in Korean, one word for one thing, particles that fit, sections that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use synscope::detect::registry::rules;
use synscope::output::explain::{Locale, QUESTIONS, Words, anomalies, terms};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
            found.push(path);
        }
    }
    found.sort();
}

/// Every string literal of a source, with lines joined as the compiler joins them; tests in the file are not looked at.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    let mut letters = code.chars().peekable();
    while let Some(c) = letters.next() {
        if c == '\'' && letters.peek() == Some(&'"') {
            letters.next();
        }
        if c != '"' {
            continue;
        }
        let mut text = String::new();
        while let Some(c) = letters.next() {
            match c {
                '"' => break,
                '\\' => match letters.next() {
                    Some('\n') => while letters.next_if(|c| c.is_whitespace()).is_some() {},
                    Some('n') => text.push(' '),
                    Some(other) => text.push(other),
                    None => {}
                },
                c => text.push(c),
            }
        }
        found.push(text);
    }
    found
}

/// Texts of the sources under `src/output` and `src/detect`, each with the file it is in.
fn source_texts() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    files(&root().join("src/output"), ".rs", &mut paths);
    files(&root().join("src/detect"), ".rs", &mut paths);
    files(&root().join("tests/lessons"), "list.rs", &mut paths);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        let text = std::fs::read_to_string(&path).expect("a source");
        literals(&text).into_iter().map(move |text| (name.clone(), text)).collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(read).collect()
}

/// Documents in Korean, line by line.
fn documents() -> Vec<(String, String)> {
    let names = ["README.ko.md", "docs/lessons.ko.md", "docs/anomalies.ko.md"];
    let read = |name: &str| {
        let text = std::fs::read_to_string(root().join(name)).expect("a document");
        text.lines().map(|line| (name.to_owned(), line.to_owned())).collect::<Vec<_>>()
    };
    names.into_iter().flat_map(read).collect()
}

const fn is_hangul(c: char) -> bool {
    matches!(c, '가'..='힣')
}

/// How a word ends when it is read in Korean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Vowel,
    /// ㄹ: as a consonant, but 로 and not 으로.
    Rieul,
    Consonant,
}

fn ending(word: &str) -> Option<Ending> {
    use Ending::{Consonant, Rieul, Vowel};
    let last = word.chars().next_back()?;
    match last {
        // IPv6 is no six.
        _ if word.contains(|c: char| c.is_ascii_alphabetic()) => {}
        '1' | '7' | '8' => return Some(Rieul),
        '0' | '3' | '6' => return Some(Consonant),
        '2' | '4' | '5' | '9' | '%' => return Some(Vowel),
        _ => {}
    }
    Some(match word {
        "TTL" | "MSL" | "Apple" => Rieul,
        "SYN" | "FIN" | "ECN" | "SACK" | "VPN" | "ISN" | "nmap" | "Open" | "QUIC" | "flooding" | "CLOSING" => Consonant,
        "ACK" | "RST" | "SYN-ACK" | "MSS" | "NAT" | "TCP" | "ICMP" | "RTT" | "Linux" | "Windows" | "backlog"
        | "handshake" => Vowel,
        "TIME_WAIT" | "CLOSE_WAIT" | "LAST_ACK" | "half-close" | "keep-alive" => Vowel,
        _ => return None,
    })
}

/// Which ending a particle asks for, where it asks for one.
fn asks(particle: &str, ending: Ending) -> bool {
    match particle {
        "은" | "이" | "을" | "과" => ending != Ending::Vowel,
        "는" | "가" | "를" | "와" => ending == Ending::Vowel,
        "으로" => ending == Ending::Consonant,
        "로" => ending != Ending::Consonant,
        _ => true,
    }
}

/// Numbers and abbreviations in `text` whose particle is the other one.
fn wrong_particles(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let letters: Vec<char> = text.chars().collect();
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '%');
    for n in 1..letters.len() {
        if !is_hangul(letters[n]) || !in_word(letters[n - 1]) {
            continue;
        }
        let start = letters[..n].iter().rposition(|c| !in_word(*c)).map_or(0, |at| at + 1);
        let word: String = letters[start..n].iter().collect();
        let particle: String = letters[n..].iter().take_while(|c| is_hangul(**c)).collect();
        if ending(&word).is_some_and(|ending| !asks(&particle, ending)) {
            wrong.push(format!("{word}{particle}"));
        }
    }
    wrong
}

#[test]
fn particles_go_by_the_digit_that_is_read_last() {
    let tried = [("3141592653을", true), ("2718281828를", false), ("654을", false), ("829를", true), ("1이", true)];
    for (text, right) in
        tried.into_iter().chain([("10으로", true), ("8으로", false), ("TIME_WAIT과", false), ("FIN이", true)])
    {
        assert_eq!(wrong_particles(text).is_empty(), right, "{text}");
    }
    let texts = source_texts().into_iter().chain(documents());
    let wrong: BTreeSet<String> = texts
        .flat_map(|(file, text)| wrong_particles(&text).into_iter().map(move |wrong| format!("{file}: {wrong}")))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A particle behind a number that is put in when the program runs has to be chosen then: `with_particle` does.
#[test]
fn no_particle_is_fixed_behind_what_is_put_in() {
    // Words that end in a vowel in both of their forms, 클라이언트 and 서버.
    let sides = ["who", "from", "to", "other", "sender", "receiver"];
    let mut wrong = Vec::new();
    for (file, text) in source_texts() {
        for (at, _) in text.match_indices('}') {
            let particle: String = text[at + 1..].chars().take_while(|c| is_hangul(*c)).collect();
            let name = text[..at].rsplit('{').next().unwrap_or_default();
            let chosen = ["은", "는", "이", "가", "을", "를", "와", "과", "로", "으로"].contains(&particle.as_str());
            if chosen && !sides.contains(&name)
                || text[at..].starts_with("}은(는)")
                || text[at..].starts_with("}이(가)")
            {
                wrong.push(format!("{file}: {text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Words that were wrong, unclear or doubled, and what is said instead.
const NOT_IN_KOREAN: &[(&str, &str)] = &[
    ("녹음", "가로채 저장"),
    ("스물", "20개"),
    ("에서 듣는", "에서 대기 중인"),
    ("눈먼", "블라인드"),
    ("TIME_WAIT과", "TIME_WAIT와"),
    ("재송", "재전송"),
    ("순서 번호", "시퀀스 번호"),
    ("시간표", "타임라인"),
    ("발견", "탐지"),
    ("반열림", "반개방 or 미완성"),
    ("흐름", "연결"),
    ("은(는)", "the particle that fits"),
    ("이(가)", "the particle that fits"),
    ("을(를)", "the particle that fits"),
    ("와(과)", "the particle that fits"),
];

const NOT_IN_ENGLISH: &[(&str, &str)] = &[
    ("of the own", "of its own"),
    ("Against it help", "subject first"),
    ("an RST", "a RST, as RFC 9293"),
    ("Lawful", "Permitted"),
    ("lawful", "permitted"),
    ("initiator", "client"),
    ("responder", "server"),
    ("findings ", "an RFC or a paper"),
    ("half-open connections", "embryonic connections, or a half-open connection (RFC 9293 section 3.5.1)"),
    ("half-open attempt", "embryonic"),
];

#[test]
fn words_that_were_put_right_do_not_come_back() {
    let mut wrong = Vec::new();
    let mut look = |file: &str, text: &str, words: &[(&str, &str)]| {
        for (word, instead) in words.iter().filter(|(word, _)| text.contains(word)) {
            wrong.push(format!("{file}: {word} → {instead}: {text}"));
        }
    };
    for (file, text) in source_texts() {
        // What is said is more than one word.
        if text.contains(' ') || text.chars().any(is_hangul) {
            look(&file, &text, if text.chars().any(is_hangul) { NOT_IN_KOREAN } else { NOT_IN_ENGLISH });
        }
    }
    for (file, text) in documents() {
        look(&file, &text, NOT_IN_KOREAN);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Numbers in `text` as they are written, without leading or trailing marks: `3.10.7`, `2^16`, `1e-8`.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '^')));
    let bare = words.map(|word| word.trim_matches('.'));
    bare.filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned).collect()
}

/// Minutes, hours and spelt numbers are said in either way; what is written as a number has to be there.
#[test]
fn korean_texts_have_the_figures_of_the_english_ones() {
    let mut wrong = Vec::new();
    let mut compare = |name: &str, english: &str, korean: &str| {
        let there = numbers(korean);
        let missing: Vec<String> = numbers(english).into_iter().filter(|n| !there.contains(n)).collect();
        if !missing.is_empty() {
            wrong.push(format!("{name}: {} not in Korean", missing.join(", ")));
        }
    };
    for rule in rules() {
        compare(
            rule.id,
            &format!("{}. {}", rule.summary, rule.description),
            anomalies::description(rule.id, Locale::Ko),
        );
    }
    for question in QUESTIONS {
        for Words { en, ko } in [question.question, question.short, question.full] {
            compare(question.id, en, ko);
        }
    }
    for (flag, Words { en, ko }) in terms::FLAGS {
        compare(flag, en, ko);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What to do next is not left out: a Korean text has about as many sentences as the English one.
#[test]
fn korean_texts_are_no_summaries() {
    let mut short = Vec::new();
    for rule in rules() {
        let english = rule.summary.len() + rule.description.len();
        let korean = anomalies::description(rule.id, Locale::Ko).chars().count();
        if korean * 100 < english * 30 {
            short.push(format!("{}: {korean} letters for {english}", rule.id));
        }
    }
    assert!(short.is_empty(), "{short:#?}");
}

/// Sections of RFC 9293 that there are.
const SECTIONS: &[&str] = &[
    "3.1",
    "3.2",
    "3.3",
    "3.3.1",
    "3.3.2",
    "3.4",
    "3.4.1",
    "3.4.2",
    "3.4.3",
    "3.5",
    "3.5.1",
    "3.5.2",
    "3.5.3",
    "3.6",
    "3.6.1",
    "3.7",
    "3.7.1",
    "3.7.2",
    "3.7.3",
    "3.7.4",
    "3.7.5",
    "3.8",
    "3.8.1",
    "3.8.2",
    "3.8.3",
    "3.8.4",
    "3.8.5",
    "3.8.6",
    "3.8.6.1",
    "3.8.6.2",
    "3.8.6.2.1",
    "3.8.6.2.2",
    "3.8.6.3",
    "3.9",
    "3.9.1",
    "3.9.1.7",
    "3.9.2",
    "3.9.2.1",
    "3.9.2.2",
    "3.9.2.3",
    "3.10",
    "3.10.1",
    "3.10.2",
    "3.10.3",
    "3.10.4",
    "3.10.5",
    "3.10.6",
    "3.10.7",
    "3.10.7.1",
    "3.10.7.2",
    "3.10.7.3",
    "3.10.7.4",
    "3.10.8",
    "4",
    "5",
    "6",
    "7",
];

/// Where RFC 9293 has its requirements and figures.
const PLACES: &[(&str, &str)] = &[
    ("SHLD-2", "3.5.3"),
    ("MAY-2", "3.6.1"),
    ("SHLD-5", "3.7.1"),
    ("SHLD-14", "3.8.6"),
    ("MUST-3", "3.1"),
    ("MUST-15", "3.7.1"),
    ("MUST-16", "3.7.1"),
    ("MUST-57", "3.9.2.3"),
    ("MUST-63", "3.9.2.3"),
    ("figure 7", "3.5"),
    ("figure 8", "3.5"),
    ("figures 9 and 10", "3.5.1"),
    ("figure 12", "3.6"),
    ("figure 13", "3.6"),
];

#[test]
fn sections_exist_and_texts_agree_on_them() {
    let mut wrong = Vec::new();
    let mut said: BTreeMap<(&str, String), BTreeSet<String>> = BTreeMap::new();
    for (file, text) in source_texts() {
        for (at, start) in text.match_indices("RFC 9293 ") {
            let rest = &text[at + start.len()..];
            let rest = rest.strip_prefix("sections ").or_else(|| rest.strip_prefix("section ")).unwrap_or(rest);
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
            let section = rest[..end].trim_end_matches('.');
            if section.is_empty() {
                continue;
            }
            if !SECTIONS.contains(&section) {
                wrong.push(format!("{file}: no section {section}: {text}"));
            }
            // What stands right behind it belongs to it.
            let behind = rest[end..].split([';', '.']).next().unwrap_or_default();
            for (place, right) in PLACES.iter().filter(|(place, _)| behind.contains(place)) {
                said.entry((place, (*right).to_owned())).or_default().insert(section.to_owned());
            }
        }
    }
    for ((place, right), sections) in said {
        if sections.iter().any(|section| *section != right) {
            wrong.push(format!("{place} is in {right}, texts say {sections:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A RFC that is cited for one fact is cited with one section for it.
#[test]
fn floods_are_described_where_rfc_4987_describes_them() {
    for rule in rules().filter(|rule| rule.reference.contains("RFC 4987")) {
        let right = match rule.id {
            id if id.contains("cookie") => "RFC 4987 section 3.6",
            // Firewalls and proxies.
            id if id.contains("proxy") || id.contains("authentication") => "RFC 4987 section 3.8",
            _ => "RFC 4987 section 2",
        };
        assert!(rule.reference.contains(right), "{}: {}", rule.id, rule.reference);
    }
}

/// Names of fields belong into tables, not into sentences.
#[test]
fn sentences_have_no_field_names() {
    let mut wrong = Vec::new();
    for rule in rules() {
        for locale in Locale::ALL.iter().copied() {
            let texts = [anomalies::summary(rule.id, locale), anomalies::description(rule.id, locale)];
            for word in texts.iter().flat_map(|text| text.split_whitespace()) {
                let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
                // Settings of Linux, and alerts of TLS, have names like fields.
                if rule.id == "tls-failed" {
                    continue;
                }
                if word.contains('_') && !word.contains("tcp_") && word.chars().any(|c| c.is_ascii_lowercase()) {
                    wrong.push(format!("{}: {word}", rule.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_korean_text_is_of_a_rule_that_is_not_there() {
    let ids: BTreeSet<&str> = rules().map(|rule| rule.id).collect();
    let orphans: Vec<&str> = anomalies::korean_ids().filter(|id| !ids.contains(id)).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}
