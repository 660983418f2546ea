//! Every key: the one table from which dispatch, the help overlay and `--print-keys` come; `[keys]` of the
//! configuration changes it.

use core::fmt::Write as _;

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::locale::Word;
use crate::output::Locale;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table below says what each is")]
pub enum KeyAction {
    Down,
    Up,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    First,
    Last,
    Newest,
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
    Names,
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
    AcknowledgeAlert,
    RaiseSeverity,
    LowerSeverity,
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
    pub action: KeyAction,
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
    Replay KeyPlay: "Space" KeyAction::Play;
    Replay KeySeek: "Left" KeyAction::SeekBack, "Right" KeyAction::SeekForward;
    Replay KeySeekFar: "S-Left" KeyAction::SeekFarBack, "S-Right" KeyAction::SeekFarForward;
    Replay KeyStartEnd: "0" KeyAction::Start, "$" KeyAction::End;
    Always KeyMove: "j" KeyAction::Down, "Down" KeyAction::Down, "k" KeyAction::Up, "Up" KeyAction::Up;
    Always KeyPage:
        "^F" KeyAction::PageDown, "PgDn" KeyAction::PageDown, "^B" KeyAction::PageUp, "PgUp" KeyAction::PageUp;
    Always KeyHalfPage: "^D" KeyAction::HalfDown, "^U" KeyAction::HalfUp;
    Always KeyEnds: "g" KeyAction::First, "Home" KeyAction::First, "G" KeyAction::Last;
    Always KeyNewest: "End" KeyAction::Newest;
    Always KeyNextView:
        "Tab" KeyAction::NextView, "]" KeyAction::NextView, "S-Tab" KeyAction::PreviousView,
        "[" KeyAction::PreviousView;
    Always KeyView:
        "1" KeyAction::View(0), "2" KeyAction::View(1), "3" KeyAction::View(2), "4" KeyAction::View(3),
        "5" KeyAction::View(4);
    Always KeyOpen: "Enter" KeyAction::Open, "l" KeyAction::Open, "Right" KeyAction::Open;
    Always KeyBack: "Esc" KeyAction::Back, "h" KeyAction::Back, "Left" KeyAction::Back;
    Always KeyNextFlow: "J" KeyAction::NextFlow, "K" KeyAction::PreviousFlow;
    Always KeyFilter: "/" KeyAction::Filter;
    Always KeyMatch: "n" KeyAction::NextMatch, "N" KeyAction::PreviousMatch;
    Always KeyHighlight: "\\" KeyAction::Highlight;
    Always KeyInclude: "&" KeyAction::Include, "!" KeyAction::Exclude;
    Always KeySort: "s" KeyAction::Sort, "S" KeyAction::Reverse;
    Always KeyPause: "p" KeyAction::Pause, "Space" KeyAction::Pause;
    Always KeyFollow: "f" KeyAction::Follow;
    Always KeyTime: "t" KeyAction::Time;
    Always KeyNames: "i" KeyAction::Names;
    Always KeyPrivacy: "P" KeyAction::Privacy;
    Always KeyMark: "x" KeyAction::Mark;
    Always KeyExplain: "e" KeyAction::Explain;
    Always KeyFold: "d" KeyAction::Fold;
    Always KeyMarkFlow: "m" KeyAction::MarkFlow, "'" KeyAction::Jump;
    Always KeyYank: "y" KeyAction::Yank;
    Always KeySave: "w" KeyAction::Save;
    Always KeyExport: "E" KeyAction::Export;
    Always KeyClear: "c" KeyAction::Clear;
    Always KeyCommand: ":" KeyAction::Command;
    Events KeyAcknowledge: "a" KeyAction::Acknowledge;
    Events KeySeverity: "+" KeyAction::RaiseSeverity, "-" KeyAction::LowerSeverity;
    Always KeyAcknowledgeAlert: "A" KeyAction::AcknowledgeAlert;
    Always KeyZoom: "z" KeyAction::Zoom;
    Always KeyArrangement: "|" KeyAction::Arrangement, "V" KeyAction::Arrangement;
    Always KeySplit: "+" KeyAction::Larger, "-" KeyAction::Smaller;
    Always KeyHelp: "?" KeyAction::Help, "F1" KeyAction::Help;
    Always KeyQuit: "q" KeyAction::Quit, "^C" KeyAction::QuitNow;
    Always KeySuspend: "^Z" KeyAction::Suspend;
    Always KeyRepaint: "^L" KeyAction::Repaint;
    Always KeyStep: "," KeyAction::StepBack, "." KeyAction::StepForward;
    Always KeySpeed: "<" KeyAction::Slower, ">" KeyAction::Faster;
    Always KeyMaxSpeed: "b" KeyAction::MaxSpeed;
}

impl KeyAction {
    /// Its name in the configuration: `page-down`, `view-1`.
    pub fn name(self) -> String {
        if let Self::View(n) = self {
            return format!("view-{}", n + 1);
        }
        let mut name = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
        }
        name
    }
}

/// Why keys cannot be what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is no such action.
    NoAction(String),
    /// There is no such key.
    NoKey(String),
    /// Both actions want this key.
    Twice(String, String, String),
}

impl core::fmt::Display for Problem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoAction(name) => write!(f, "unknown action '{name}' (synscope --print-keys lists them)"),
            Self::NoKey(key) => {
                write!(f, "unknown key '{key}'; expected a character, ^X, Space, Enter, PgUp, F1 or the like")
            }
            Self::Twice(key, one, other) => write!(f, "{one} and {other} both use key '{key}'"),
        }
    }
}

/// A key that does something.
#[derive(Clone, Debug)]
struct Bound {
    key: String,
    action: KeyAction,
    when: When,
    about: Word,
}

/// What keys do.
#[derive(Clone, Debug)]
pub struct Keys(Vec<Bound>);

impl Default for Keys {
    fn default() -> Self {
        let bound = |b: &Binding| Bound { key: b.key.to_owned(), action: b.action, when: b.when, about: b.about };
        Self(KEYS.iter().map(bound).collect())
    }
}

impl Keys {
    /// The keys with some of them chosen anew, by the names of actions. A chosen key is taken from whatever had it.
    ///
    /// # Errors
    ///
    /// An action or key that does not exist, or a key chosen for two actions.
    pub fn chosen(wanted: &BTreeMap<String, Vec<String>>) -> Result<Self, Problem> {
        let mut keys = Self::default();
        let mut taken: Vec<(String, When, String)> = Vec::new();
        for (name, chosen) in wanted {
            let at = keys.0.iter().position(|bound| bound.action.name() == *name);
            // An action that has lost its keys to others is still known.
            let known = KEYS.iter().find(|binding| binding.action.name() == *name);
            let Some(known) = known else { return Err(Problem::NoAction(name.clone())) };
            keys.0.retain(|bound| bound.action != known.action);
            for (n, key) in chosen.iter().enumerate() {
                if !is_key(key) {
                    return Err(Problem::NoKey(key.clone()));
                }
                if let Some((_, _, other)) = taken.iter().find(|(other, when, _)| other == key && *when == known.when) {
                    return Err(Problem::Twice(key.clone(), other.clone(), name.clone()));
                }
                taken.push((key.clone(), known.when, name.clone()));
                keys.0.retain(|bound| bound.key != *key || bound.when != known.when);
                let place = at.map_or(keys.0.len(), |at| at + n).min(keys.0.len());
                let bound = Bound { key: key.clone(), action: known.action, when: known.when, about: known.about };
                keys.0.insert(place, bound);
            }
        }
        Ok(keys)
    }

    /// What the key called `name` does, during a replay or not, in the list of anomalies or not.
    pub fn action(&self, name: &str, replay: bool, events: bool) -> Option<KeyAction> {
        let holds = |bound: &&Bound| match bound.when {
            When::Always => false,
            When::Replay => replay,
            When::Events => events,
        };
        let named = |bound: &&Bound| bound.key == name;
        let special = self.0.iter().filter(named).find(holds);
        special.or_else(|| self.0.iter().filter(named).find(|b| b.when == When::Always)).map(|bound| bound.action)
    }

    /// The first key that does this.
    pub fn of(&self, action: KeyAction) -> Option<&str> {
        self.0.iter().find(|bound| bound.action == action).map(|bound| bound.key.as_str())
    }

    /// Keys of one purpose, and the purpose, for the help overlay.
    pub fn groups(&self) -> Vec<(String, Word)> {
        let mut groups: Vec<(String, Word)> = Vec::new();
        for bound in &self.0 {
            match groups.iter_mut().find(|(_, about)| *about == bound.about) {
                Some((keys, _)) => {
                    keys.push(' ');
                    keys.push_str(&bound.key);
                }
                None => groups.push((bound.key.clone(), bound.about)),
            }
        }
        // What belongs to replays comes last.
        let replay = |about: Word| KEYS.iter().any(|b| b.about == about && b.when == When::Replay);
        groups.sort_by_key(|(_, about)| replay(*about));
        groups
    }

    /// All keys, as the `[keys]` of a configuration: for `--print-keys`.
    pub fn print(&self, locale: Locale) -> String {
        let mut text = "[keys]\n".to_owned();
        let mut about = None;
        for (n, bound) in self.0.iter().enumerate() {
            if self.0.iter().take(n).any(|earlier| earlier.action == bound.action) {
                continue;
            }
            if about != Some(bound.about) {
                about = Some(bound.about);
                // Writing to a String cannot fail.
                let _ = writeln!(text, "# {}", locale.say(bound.about));
            }
            let keys = self.0.iter().filter(|other| other.action == bound.action).map(|other| quoted(&other.key));
            let _ = writeln!(text, "{} = [{}]", bound.action.name(), keys.collect::<Vec<_>>().join(", "));
        }
        // An action that has lost its keys gets them back where it is not named.
        for (n, binding) in KEYS.iter().enumerate() {
            let is_bound = self.0.iter().any(|bound| bound.action == binding.action);
            if !is_bound && !KEYS.iter().take(n).any(|earlier| earlier.action == binding.action) {
                let _ = writeln!(text, "{} = []", binding.action.name());
            }
        }
        text
    }
}

/// A TOML string.
fn quoted(key: &str) -> String {
    if key.contains(['\\', '"']) { format!("'{key}'") } else { format!("\"{key}\"") }
}

/// Whether [`name`] can give this name.
fn is_key(name: &str) -> bool {
    const NAMED: [&str; 14] = [
        "Space", "Tab", "S-Tab", "Enter", "Esc", "Left", "Right", "S-Left", "S-Right", "Up", "Down", "Home", "End",
        "PgUp",
    ];
    let mut letters = name.chars();
    match (letters.next(), letters.next(), letters.next()) {
        (Some(c), None, None) => !c.is_control() && c != ' ',
        (Some('^'), Some(c), None) => c.is_ascii_uppercase(),
        _ => {
            NAMED.contains(&name)
                || name == "PgDn"
                || name.strip_prefix('F').and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| (1..=24).contains(&n))
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(pairs: &[(&str, &[&str])]) -> Result<Keys, Problem> {
        let several = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        Keys::chosen(&pairs.iter().map(|(name, keys)| ((*name).to_owned(), several(keys))).collect())
    }

    #[test]
    fn no_key_means_two_things_at_once() {
        for (n, binding) in KEYS.iter().enumerate() {
            let clash = KEYS[n + 1..].iter().find(|other| other.key == binding.key && other.when == binding.when);
            assert!(clash.is_none(), "{} {:?}", binding.key, clash);
            assert!(is_key(binding.key), "{}", binding.key);
        }
    }

    #[test]
    fn every_key_is_in_the_help_and_printed() {
        let keys = Keys::default();
        let printed = keys.print(Locale::En);
        for binding in KEYS {
            let line = printed.lines().find(|line| line.starts_with(&format!("{} = ", binding.action.name())));
            assert!(line.is_some_and(|line| line.contains(&quoted(binding.key))), "{}\n{printed}", binding.key);
            assert!(keys.groups().iter().any(|(all, _)| all.split(' ').any(|key| key == binding.key)));
        }
    }

    #[test]
    fn a_replay_takes_the_keys_it_needs() {
        let keys = Keys::default();
        assert_eq!(keys.action("Left", false, false), Some(KeyAction::Back));
        assert_eq!(keys.action("Left", true, false), Some(KeyAction::SeekBack));
        assert_eq!(keys.action("a", false, false), None);
        assert_eq!(keys.action("a", false, true), Some(KeyAction::Acknowledge));
    }

    #[test]
    fn keys_can_be_chosen() {
        let keys = chosen(&[("down", &["n", "F3"]), ("next-match", &["Space"])]).unwrap();
        assert_eq!(keys.action("n", false, false), Some(KeyAction::Down));
        assert_eq!(keys.action("F3", false, false), Some(KeyAction::Down));
        assert_eq!(keys.action("j", false, false), None);
        assert_eq!(keys.action("Space", false, false), Some(KeyAction::NextMatch), "it was pause's");
        assert_eq!(keys.action("Space", true, false), Some(KeyAction::Play), "a replay's keys are others");
        assert_eq!(keys.of(KeyAction::Down), Some("n"));
        assert_eq!(chosen(&[("dance", &["n"])]).unwrap_err(), Problem::NoAction("dance".to_owned()));
        assert_eq!(chosen(&[("down", &["Shift"])]).unwrap_err(), Problem::NoKey("Shift".to_owned()));
        assert!(matches!(chosen(&[("down", &["n"]), ("up", &["n"])]), Err(Problem::Twice(..))));
        assert_eq!(chosen(&[("follow", &[])]).unwrap().of(KeyAction::Follow), None);
    }
}
