//! Lessons: a small capture each, drawn, explained and asked about. `docs/lessons.*.md` are made of them; this holds files and
//! documents to what synscope says today. `UPDATE=1 cargo test --test lessons` writes them anew; read the difference.

#[path = "lessons/frames.rs"]
mod frames;
#[path = "lessons/list.rs"]
mod list;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use list::{Lesson, lessons};
use synscope::output::explain::{Locale, anomalies};

const LANGUAGES: [&str; 2] = ["en", "ko"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    root().join("testdata/lessons")
}

/// Compares `content` with the file, or writes it where `UPDATE` is set. Says what is wrong.
fn hold(path: &Path, content: &[u8]) -> Option<String> {
    let same = std::fs::read(path).is_ok_and(|there| there == content);
    // What is the same stays as it is: other tests read it meanwhile.
    if !same && std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, content).expect("file is writable");
        return None;
    }
    (!same).then(|| format!("{} is not current", path.display()))
}

fn synscope(lesson: &Lesson, arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_synscope"))
        .current_dir(folder())
        .args(["-q", "-r", &format!("{}.pcap", lesson.name), "--flow", &lesson.flow.to_string()])
        .args(arguments)
        .output()
        .expect("the program runs");
    assert!(run.status.success(), "{} {arguments:?}: {}", lesson.name, String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("output is UTF-8")
}

#[test]
fn captures_are_those_of_their_lines() {
    let wrong: Vec<String> = lessons()
        .iter()
        .filter_map(|lesson| Some((lesson, lesson.lines.as_deref()?)))
        .filter_map(|(lesson, lines)| hold(&folder().join(format!("{}.pcap", lesson.name)), &frames::capture(lines)))
        .collect();
    assert!(wrong.is_empty(), "UPDATE=1 writes them: {}", wrong.join("\n"));
}

#[test]
fn every_lesson_shows_what_it_says() {
    for lesson in lessons() {
        let row = synscope(&lesson, &["-T", "csv", "-e", "synscope.opening,synscope.closing"]);
        let row = row.lines().nth(1).unwrap_or_default();
        assert_eq!(row, lesson.verdicts.join(","), "{}", lesson.name);
    }
}

/// Ids of what is raised of the whole capture, from this severity on.
fn raised(lesson: &Lesson, severity: &str) -> BTreeSet<String> {
    let file = format!("{}.pcap", lesson.name);
    let run = Command::new(env!("CARGO_BIN_EXE_synscope"))
        .current_dir(folder())
        .args(["-q", "-r", &file, "-T", "ndjson", "--events", "anomaly", "--min-severity", severity])
        .output()
        .expect("the program runs");
    assert!(run.status.success(), "{file}: {}", String::from_utf8_lossy(&run.stderr));
    let id = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).expect("an event");
        event["rule"]["id"].as_str().expect("an id").to_owned()
    };
    String::from_utf8_lossy(&run.stdout).lines().map(id).collect()
}

/// A lesson on an attack shows that attack, and no lesson shows an alarm that it does not explain.
#[test]
fn every_lesson_raises_what_it_teaches_and_no_other_alarm() {
    for lesson in lessons() {
        let mut other = raised(&lesson, "warn");
        other.retain(|id| !lesson.teaches.contains(&id.as_str()));
        assert!(other.is_empty(), "{}: {other:?}", lesson.name);
        if let Some(main) = lesson.teaches.first() {
            let all = raised(&lesson, "info");
            assert!(all.contains(*main), "{}: no {main} in {all:?}", lesson.name);
        }
    }
}

#[test]
fn captures_are_small() {
    for lesson in lessons() {
        let path = folder().join(format!("{}.pcap", lesson.name));
        let octets = std::fs::metadata(&path).expect("a capture").len();
        assert!(octets < 300_000, "{}: {octets} octets", lesson.name);
    }
}

#[test]
fn pictures_and_documents_are_current() {
    let mut wrong = Vec::new();
    for (n, language) in LANGUAGES.into_iter().enumerate() {
        let mut document = preface(n);
        for lesson in lessons() {
            let picture = format!("{}.{language}.svg", lesson.name);
            let svg = synscope(&lesson, &["-T", "svg", "--locale", language]);
            wrong.extend(hold(&folder().join(&picture), svg.as_bytes()));
            document.push_str(&chapter(&lesson, n, &picture));
        }
        wrong.extend(hold(&root().join(format!("docs/lessons.{language}.md")), document.as_bytes()));
    }
    assert!(wrong.is_empty(), "UPDATE=1 writes them: {}", wrong.join("\n"));
}

fn preface(language: usize) -> String {
    let contents = lessons().iter().fold(String::new(), |mut text, lesson| {
        let _ = writeln!(text, "- [{}](#{})", lesson.title[language], lesson.name);
        text
    });
    let words = [
        "# Lessons\n\nWhat TCP connections do, one topic at a time. Every picture and every sentence below was made by synscope from a \
         small capture in `testdata/lessons/`, so you can make them again, look at the frames with any other tool, and compare.\n\n",
        "# 배우기\n\nTCP 연결이 하는 일을 한 번에 한 가지씩 봅니다. 아래의 모든 그림과 설명은 synscope가 `testdata/lessons/`의 작은 \
         캡처에서 만든 것이므로, 직접 다시 만들어 보고 다른 도구로 프레임을 확인할 수 있습니다.\n\n",
    ];
    format!("{}{contents}\n", words[language])
}

/// What synscope reports of the capture as a whole, where the lesson is about that.
fn alarms(lesson: &Lesson, n: usize) -> String {
    let file = format!("testdata/lessons/{}.pcap", lesson.name);
    let ids = raised(lesson, "info");
    let reported = lesson.teaches.iter().filter(|id| ids.contains(**id)).fold(String::new(), |mut text, id| {
        let summary = anomalies::summary(id, Locale::ALL[n]).trim_end_matches('.');
        let _ = writeln!(text, "- `{id}`: {summary}.");
        text
    });
    if reported.is_empty() {
        return reported;
    }
    let heading = ["Reported", "탐지 결과"][n];
    format!(
        "### {heading}\n\n```sh\nsynscope -r {file} --json --events anomaly | jq -r .rule.id | sort | uniq -c\n```\n\n{reported}\n"
    )
}

fn chapter(lesson: &Lesson, n: usize, picture: &str) -> String {
    let language = LANGUAGES[n];
    let (file, flow) = (format!("testdata/lessons/{}.pcap", lesson.name), lesson.flow);
    let [see, ask, words] =
        [["Make the picture", "그림 만들기"], ["Question", "질문"], ["In words", "설명"]].map(|text| text[n]);
    let question = format!("--explain={}", lesson.question);
    let alarms = alarms(lesson, n);
    let answer = synscope(lesson, &[&question, "--locale", language]);
    let explanation = synscope(lesson, &["--explain=full", "--locale", language]);
    format!(
        "<a id=\"{name}\"></a>\n\n## {title}\n\n{intro}\n\n![{title}](../testdata/lessons/{picture})\n\n{see}:\n\n```sh\nsynscope -r {file} \
         --flow {flow} -T svg --locale {language} -o {name}.svg\n```\n\n### {words}\n\n```text\n{explanation}```\n\n{alarms}### {ask}\n\n```sh\nsynscope -r \
         {file} --flow {flow} {question} --locale {language}\n```\n\n```text\n{answer}```\n\n",
        name = lesson.name,
        title = lesson.title[n],
        intro = lesson.intro[n],
    )
}
