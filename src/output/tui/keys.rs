//! Every key: the one table from which dispatch, the help overlay and `--print-keys` come.

use core::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::locale::Word;
use crate::output::Locale;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table below says what each is")]
pub enum Action {
    Down,
    Up,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    First,
    Last,
    NextView,
    PreviousView,
    View(u8),
    Open,
    Back,
    NextFlow,
    PreviousFlow,
    Filter,
    NextMatch,
    PreviousMatch,
    Highlight,
    Include,
    Exclude,
    Sort,
    Reverse,
    Pause,
    Follow,
    Time,
    Privacy,
    Mark,
    Explain,
    Fold,
    MarkFlow,
    Jump,
    Yank,
    Save,
    Export,
    Clear,
    Command,
    Acknowledge,
    Zoom,
    Arrangement,
    Larger,
    Smaller,
    Help,
    Quit,
    QuitNow,
    Suspend,
    Repaint,
    Play,
    StepBack,
    StepForward,
    Slower,
    Faster,
    SeekBack,
    SeekForward,
    SeekFarBack,
    SeekFarForward,
    Start,
    End,
    MaxSpeed,
}

/// Where a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Anywhere.
    Always,
    /// While a replay is under way; it comes before the same key elsewhere.
    Replay,
    /// In the list of anomalies.
    Events,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// As [`name`] writes it.
    pub key: &'static str,
    /// What it does.
    pub action: Action,
    /// Where.
    pub when: When,
    /// What it is for.
    pub about: Word,
}

macro_rules! keys {
    ($($when:ident $about:ident: $($key:literal $action:expr),+;)+) => {
        /// Every key, those of one purpose next to each other.
        pub const KEYS: &[Binding] = &[
            $($(Binding { key: $key, action: $action, when: When::$when, about: Word::$about },)+)+
        ];
    };
}

keys! {
    Replay KeyPlay: "Space" Action::Play;
    Replay KeySeek: "Left" Action::SeekBack, "Right" Action::SeekForward;
    Replay KeySeekFar: "S-Left" Action::SeekFarBack, "S-Right" Action::SeekFarForward;
    Replay KeyStartEnd: "0" Action::Start, "$" Action::End;
    Always KeyStep: "," Action::StepBack, "." Action::StepForward;
    Always KeySpeed: "<" Action::Slower, ">" Action::Faster;
    Always KeyMaxSpeed: "b" Action::MaxSpeed;
    Events KeyAcknowledge: "a" Action::Acknowledge;
    Always KeyMove: "j" Action::Down, "Down" Action::Down, "k" Action::Up, "Up" Action::Up;
    Always KeyPage: "^F" Action::PageDown, "PgDn" Action::PageDown, "^B" Action::PageUp, "PgUp" Action::PageUp;
    Always KeyHalfPage: "^D" Action::HalfDown, "^U" Action::HalfUp;
    Always KeyEnds: "g" Action::First, "Home" Action::First, "G" Action::Last, "End" Action::Last;
    Always KeyNextView: "Tab" Action::NextView, "]" Action::NextView, "S-Tab" Action::PreviousView, "[" Action::PreviousView;
    Always KeyView: "1" Action::View(0), "2" Action::View(1), "3" Action::View(2), "4" Action::View(3), "5" Action::View(4);
    Always KeyOpen: "Enter" Action::Open, "l" Action::Open, "Right" Action::Open;
    Always KeyBack: "Esc" Action::Back, "h" Action::Back, "Left" Action::Back;
    Always KeyNextFlow: "J" Action::NextFlow, "K" Action::PreviousFlow;
    Always KeyFilter: "/" Action::Filter;
    Always KeyMatch: "n" Action::NextMatch, "N" Action::PreviousMatch;
    Always KeyHighlight: "\\" Action::Highlight;
    Always KeyInclude: "&" Action::Include, "!" Action::Exclude;
    Always KeySort: "s" Action::Sort, "S" Action::Reverse;
    Always KeyPause: "p" Action::Pause, "Space" Action::Pause;
    Always KeyFollow: "f" Action::Follow;
    Always KeyTime: "t" Action::Time;
    Always KeyPrivacy: "P" Action::Privacy;
    Always KeyMark: "x" Action::Mark;
    Always KeyExplain: "e" Action::Explain;
    Always KeyFold: "d" Action::Fold;
    Always KeyMarkFlow: "m" Action::MarkFlow, "'" Action::Jump;
    Always KeyYank: "y" Action::Yank;
    Always KeySave: "w" Action::Save;
    Always KeyExport: "E" Action::Export;
    Always KeyClear: "c" Action::Clear;
    Always KeyCommand: ":" Action::Command;
    Always KeyZoom: "z" Action::Zoom;
    Always KeyArrangement: "|" Action::Arrangement, "V" Action::Arrangement;
    Always KeySplit: "+" Action::Larger, "-" Action::Smaller;
    Always KeyHelp: "?" Action::Help, "F1" Action::Help;
    Always KeyQuit: "q" Action::Quit, "^C" Action::QuitNow;
    Always KeySuspend: "^Z" Action::Suspend;
    Always KeyRepaint: "^L" Action::Repaint;
}

/// What the key called `name` does, during a replay or not, in the list of anomalies or not.
pub fn action(name: &str, replay: bool, events: bool) -> Option<Action> {
    let holds = |binding: &&Binding| match binding.when {
        When::Always => true,
        When::Replay => replay,
        When::Events => events,
    };
    KEYS.iter().filter(holds).find(|binding| binding.key == name).map(|binding| binding.action)
}

/// The name of a key: `j`, `^F`, `S-Tab`, `PgDn`.
pub fn name(key: &KeyEvent) -> Option<String> {
    let shift = if key.modifiers.contains(KeyModifiers::SHIFT) { "S-" } else { "" };
    Some(match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => format!("^{}", c.to_ascii_uppercase()),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::BackTab => "S-Tab".to_owned(),
        KeyCode::Tab => format!("{shift}Tab"),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::Left => format!("{shift}Left"),
        KeyCode::Right => format!("{shift}Right"),
        KeyCode::Up => "Up".to_owned(),
        KeyCode::Down => "Down".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::F(n) => format!("F{n}"),
        _ => return None,
    })
}

/// Keys of one purpose, and the purpose, for the help overlay.
pub fn groups() -> Vec<(String, Word)> {
    let mut groups: Vec<(String, Word)> = Vec::new();
    for binding in KEYS {
        match groups.iter_mut().find(|(_, about)| *about == binding.about) {
            Some((keys, _)) => {
                keys.push(' ');
                keys.push_str(binding.key);
            }
            None => groups.push((binding.key.to_owned(), binding.about)),
        }
    }
    // What belongs to replays comes last.
    let replay = |about: Word| KEYS.iter().any(|b| b.about == about && b.when == When::Replay);
    groups.sort_by_key(|(_, about)| replay(*about));
    groups
}

/// All keys as text, for `--print-keys`.
pub fn print(locale: Locale) -> String {
    groups().into_iter().fold(String::new(), |mut text, (keys, about)| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{keys:<24} {}", locale.say(about));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_at_once() {
        for (n, binding) in KEYS.iter().enumerate() {
            let clash = KEYS[n + 1..].iter().find(|other| other.key == binding.key && other.when == binding.when);
            assert!(clash.is_none(), "{} {:?}", binding.key, clash);
        }
    }

    #[test]
    fn every_key_is_in_the_help() {
        let help = print(Locale::En);
        for binding in KEYS {
            assert!(help.lines().any(|line| line.split(' ').any(|key| key == binding.key)), "{}", binding.key);
        }
    }

    #[test]
    fn a_replay_takes_the_keys_it_needs() {
        assert_eq!(action("Left", false, false), Some(Action::Back));
        assert_eq!(action("Left", true, false), Some(Action::SeekBack));
        assert_eq!(action("a", false, false), None);
    }
}
