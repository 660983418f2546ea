//! The catalogue of anomalies: every rule has a script that triggers it and one that just misses it, the near misses stay
//! silent when the capture gets worse, and `docs/anomalies.md` and its Korean twin say what the registry says.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use common::{script, testdata};
use synscope::detect::registry::rules;
use synscope::detect::{Figure, Finding, Rule, RuleContext, Scope, Selection, Severity, When};
use synscope::engine::Settings;
use synscope::flow::Facts;
use synscope::output::explain::{Locale, anomalies};

fn scripts(kind: &str) -> Vec<(String, PathBuf)> {
    let folder = testdata("scripts/anomalies");
    let suffix = format!(".{kind}.script");
    let names = std::fs::read_dir(&folder).expect("scripts").flatten();
    let mut found: Vec<_> = names
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.strip_suffix(&suffix)?.to_owned();
            Some((id, entry.path()))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_rule_has_a_trigger_and_a_near_miss() {
    for kind in ["trigger", "near_miss"] {
        let have: BTreeSet<String> = scripts(kind).into_iter().map(|(id, _)| id).collect();
        let missing: Vec<&str> =
            rules().filter(|rule| rule.scope != Scope::Host).map(|r| r.id).filter(|id| !have.contains(*id)).collect();
        assert!(missing.is_empty(), "no {kind} script in testdata/scripts/anomalies for: {}", missing.join(", "));
        let strangers: Vec<&String> = have.iter().filter(|id| rules().all(|rule| rule.id != id.as_str())).collect();
        assert!(strangers.is_empty(), "{kind} scripts of no rule: {strangers:?}");
    }
}

/// The scripts say what they are about, so that none passes by expecting something else.
#[test]
fn scripts_expect_their_own_rule() {
    for (kind, word) in [("trigger", "= anomaly "), ("near_miss", "= no ")] {
        for (id, path) in scripts(kind) {
            let text = std::fs::read_to_string(&path).expect("script");
            let own = |line: &str| line.strip_prefix(word).is_some_and(|rest| rest.split(' ').any(|w| w == id));
            assert!(text.lines().any(own), "{} expects nothing of {id}", path.display());
        }
    }
}

fn is_segment(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or("");
    !line.starts_with('=') && !line.contains("ICMP") && line.split_whitespace().any(|word| word == "<" || word == ">")
}

/// Ids of warnings and alerts that a script raises.
fn raised(text: &str) -> BTreeSet<&'static str> {
    let (played, _) = script::play(text, (0, 0), &Settings::default());
    played.anomalies.iter().filter(|a| a.severity >= Severity::Warn).map(|a| a.id).collect()
}

/// A near miss with every frame twice, with every frame cut, and with a hole at its end.
fn defects(text: &str) -> Vec<String> {
    let segments = |change: &dyn Fn(&str) -> String| -> String {
        let lines = text.lines().filter(|line| !line.starts_with('='));
        lines.map(|line| if is_segment(line) { change(line) } else { line.to_owned() }).collect::<Vec<_>>().join("\n")
    };
    let body = |line: &str| line.split(['#', '|']).next().unwrap_or("").trim_end().to_owned();
    let mut worse = vec![
        segments(&|line| if line.starts_with('x') { line.to_owned() } else { format!("{line}\ncopy") }),
        segments(&|line| format!("{} cut", body(line))),
    ];
    let closing = text.lines().any(|line| is_segment(line) && line.split_whitespace().any(is_close));
    if text.lines().any(|line| line == "HS") && !closing {
        worse.push(format!("{}\n+.2 < A 301,9999", segments(&body)));
    }
    worse
}

fn is_close(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_uppercase()) && word.contains(['F', 'R'])
}

#[test]
fn a_worse_capture_raises_no_alarm() {
    let mut tried = 0;
    for (id, path) in scripts("near_miss") {
        let text = std::fs::read_to_string(&path).expect("script");
        let before = raised(&text);
        for worse in defects(&text) {
            tried += 1;
            let new: Vec<_> = raised(&worse).difference(&before).copied().collect();
            assert!(new.is_empty(), "near miss of {id}: {new:?} raised by\n{worse}");
        }
    }
    assert!(tried > 80, "only {tried} worse captures");
}

/// The last SYN-ACK of a server that repeats them is followed by a long wait; one that does not has its deadline soon.
#[test]
fn a_long_wait_for_the_third_step_is_final() {
    for (times, is_final) in [("+1 +2 +4 +8 +16", 1), ("", 0)] {
        let again: String = times.split(' ').filter(|t| !t.is_empty()).map(|t| format!("{t} < SA 300,101\n")).collect();
        let text = format!("> S 100\n+.01 < SA 300,101\n{again}clock +40\n");
        let (played, _) = script::play(&text, (0, 0), &Settings::default());
        let reported = played.anomalies.iter().find(|a| a.id == "missing-ack").expect("missing-ack");
        assert!(reported.figures.contains(&("final", Figure::Integer(is_final))), "{:?}", reported.figures);
    }
}

/// What the document says beside the rules, in one language: a heading and an introduction, the head of the table, and the
/// severities.
struct Frame {
    path: &'static str,
    locale: Locale,
    intro: &'static str,
    severities: &'static str,
}

const FRAMES: [Frame; 2] = [
    Frame {
        path: "docs/anomalies.md",
        locale: Locale::En,
        intro: "# Anomalies\n\nEvery anomaly that synscope can report, by id. `synscope --list-anomalies` prints the same list. This file is \
                made\nfrom the registry: `UPDATE=1 cargo test --test catalogue` writes it anew, and [the Korean one](anomalies.ko.md).\n\n| \
                id | severity | about | condition | reference |\n",
        severities: "Severities: `info` is a fact, `note` is odd and often benign, `warn` is probably a fault or somebody probing, `alert` is an attack\nor a serious fault. A detector may report with another severity than its usual one where the evidence is weaker or stronger.\n",
    },
    Frame {
        path: "docs/anomalies.ko.md",
        locale: Locale::Ko,
        intro: "# 이상 징후\n\nsynscope가 알릴 수 있는 모든 이상 징후입니다. `synscope --list-anomalies`가 같은 목록을 영어로 출력합니다. 이 파일은 \
                규칙 목록에서\n만듭니다. `UPDATE=1 cargo test --test catalogue`가 [영어 문서](anomalies.md)와 함께 다시 씁니다.\n\n| id | 심각도 | \
                대상 | 조건 | 근거 |\n",
        severities: "심각도: `info`는 사실, `note`는 특이하지만 대개 해롭지 않은 것, `warn`은 아마도 장애이거나 누군가의 탐침, `alert`는 공격이나 심각한\n장애입니다. 증거가 약하거나 강하면 규칙이 평소와 다른 심각도로 알릴 수 있습니다. 대상: `flow`는 연결 하나, `host`는 여러 연결을\n함께 본 호스트, `capture`는 캡처 자체입니다.\n",
    },
];

fn catalogue(frame: &Frame) -> String {
    let mut text = format!("{}|---|---|---|---|---|\n", frame.intro);
    let summary = |id| anomalies::summary(id, frame.locale);
    for rule in rules() {
        let condition = summary(rule.id).trim_end_matches('.');
        let cells = [rule.id, rule.severity.name(), rule.scope.name(), condition, rule.reference];
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    let _ = write!(text, "\n{}", frame.severities);
    for rule in rules() {
        let (severity, scope) = (rule.severity.name(), rule.scope.name());
        let condition = summary(rule.id).trim_end_matches('.');
        // The first Korean sentence is the condition.
        let rest = match frame.locale {
            Locale::En => rule.description,
            Locale::Ko => {
                anomalies::description(rule.id, frame.locale).trim_start_matches(summary(rule.id)).trim_start()
            }
        };
        let _ = write!(text, "\n## {}\n\n*{severity}*, {scope}: {condition}.\n", rule.id);
        if !rest.is_empty() {
            let _ = write!(text, "\n{rest}\n");
        }
    }
    text
}

#[test]
fn the_documents_say_what_the_registry_says() {
    for frame in &FRAMES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(frame.path);
        let wanted = catalogue(frame);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().expect("docs")).expect("docs");
            std::fs::write(&path, &wanted).expect("a document");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "{} is not what the registry says: UPDATE=1 cargo test --test catalogue", frame.path);
    }
}

#[test]
fn the_document_of_fields_says_what_the_filter_knows() {
    let mut text = "# Fields\n\nWhat `-Y`, `--fail-on`, `--expect` and the filter of the view compare; `synscope --list-fields` prints it. A \
                    field has a short\nname, and names in events (which `-e` takes, too) and in Wireshark; all mean the same. This page \
                    is made from the program:\n`UPDATE=1 cargo test --test catalogue` writes it anew.\n\n| field | other names | \
                    compared with | what it is |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for field in synscope::flow_filter::list() {
        let others = field.others.iter().map(|other| format!("`{other}`")).collect::<Vec<_>>().join(", ");
        let words = field.words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let kind = if words.is_empty() { field.kind.to_owned() } else { words };
        text.push_str(&format!("| `{}` | {others} | {kind} | {} |\n", field.name, field.about));
    }
    text.push_str(
        "\n`tcp.flags.syn==1` and the like ask whether any step has the flag. `==`, `eq`, `!=`, `ne`, `>`, `gt`, `contains`, `matches`,\n\
         `in {80 443}`, `&&`, `||` and `!` mean what they mean in Wireshark. Wireshark compares packets, synscope connections: `ip.src` and\n\
         `tcp.dstport` are those of either end; `client`, `server`, `sport` and `dport` are those of one.\n",
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fields.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).expect("a document");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/fields.md is not what the program says: UPDATE=1 cargo test --test catalogue");
}

/// A rule as a file of the registry has it.
static SYN_TO_EIGHTY: Rule = Rule {
    id: "syn-to-eighty",
    severity: Severity::Note,
    scope: Scope::Flow,
    summary: "a SYN to port 80",
    description: "A rule is one value: what it is called, what it means, when it is asked and whether it fires.",
    reference: "this test",
    when: When::Facts(Facts::SYN),
    check: syn_to_eighty,
};

fn syn_to_eighty(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment.filter(|segment| segment.destination.port == 80)?;
    Some(Finding::new(format!("{} asks for port 80", segment.source)).figure("port", 80_i64))
}

#[test]
fn a_rule_is_one_value() {
    let with = |rules| Settings { rules, ..Settings::default() };
    let own = Selection { more: vec![&SYN_TO_EIGHTY], ..Selection::default() };
    let play = |settings: &Settings, expected: &str| {
        let text = format!("> S 100 dst=198.51.100.1:80\n< SA 300,101 src=198.51.100.1:80\n{expected}\n");
        script::play(&text, script::OFFSETS[1], settings)
    };
    let (played, failures) = play(&with(own.clone()), "= anomaly syn-to-eighty note");
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(played.flows[0].marks.iter().map(|mark| mark.rule).collect::<Vec<_>>(), ["mss-absent", "syn-to-eighty"]);
    let off = Selection { disable: vec!["syn-to-eighty".into()], ..own };
    for rules in [off, Selection::default()] {
        let (_, failures) = play(&with(rules), "= no syn-to-eighty");
        assert!(failures.is_empty(), "{failures:?}");
    }
}

#[test]
fn every_file_of_rules_is_one_line_of_the_registry() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/detect");
    let registry = std::fs::read_to_string(folder.join("registry.rs")).expect("the registry");
    let mut families = 0;
    for file in std::fs::read_dir(folder.join("flow")).expect("rules about flows").flatten() {
        let code = std::fs::read_to_string(file.path()).expect("a source file");
        let name = file.file_name().into_string().expect("a name");
        let name = name.trim_end_matches(".rs");
        let lines = registry.matches(&format!("    flow::{name}::RULES,\n")).count();
        assert_eq!(lines, usize::from(code.contains(" RULES: &[Rule]")), "{name}");
        families += lines;
    }
    assert!(families > 20, "{families} families");
}
