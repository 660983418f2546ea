//! The commands of `:`, and what the view asks of the analysis and of the terminal.

use std::path::PathBuf;

use strum::VariantNames;

use super::super::layout::{Arrangement, Column};
use super::super::locale::Word;
use super::super::text;
use super::super::theme::{ThemeName, ViewTheme};
use super::state::{Model, Overlay};
use crate::flow::FlowKey;
use crate::flow_filter::fields;
use crate::output::{Locale, pcapng};
use crate::time::{SECOND, Timestamp};

/// The slowest and the fastest replay.
pub(super) const SPEEDS: (f64, f64) = (1.0 / 64.0, 65_536.0);

/// What the analysis is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Take packets, or hold.
    Play(bool),
    /// Go this many packets forward (or back, if negative), and hold.
    Step(i64),
    /// Go to this packet time, and hold what was held.
    Seek(Timestamp),
    /// Go to the end.
    End,
    /// Times packet time; `None` as fast as possible.
    Speed(Option<f64>),
    /// Write packets.
    Save(Saving),
}

/// Packets to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Saving {
    /// Where to.
    pub path: PathBuf,
    /// Of which flows.
    pub flows: Vec<SavedFlow>,
}

/// A flow whose packets are to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedFlow {
    /// Four-tuple.
    pub key: FlowKey,
    /// First and last frame, which distinguish incarnations.
    pub frames: (u64, u64),
    /// What to write beside its first packet.
    pub comment: String,
}

/// What a key asks of the world outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// End.
    Quit,
    /// Stop like any program does at Ctrl-Z.
    Suspend,
    /// Draw everything anew.
    Repaint,
    /// Put this into the clipboard.
    Copy(String),
    /// Write this text to a file.
    Write(PathBuf, String),
    /// Pass this on to the analysis.
    Analysis(Command),
}

/// The commands of `:`.
const COMMANDS: [&str; 12] =
    ["filter", "save", "export", "seek", "speed", "theme", "view", "sort", "locale", "bpf", "help", "quit"];

impl Model {
    /// Does what was typed after `:`.
    pub(super) fn command(&mut self, line: &str) -> Option<Effect> {
        let (name, rest) = line.split_once(' ').map_or((line, ""), |(name, rest)| (name, rest.trim()));
        match name {
            "q" | "quit" => return Some(Effect::Quit),
            "filter" => {
                self.filter_text(rest);
                self.message = self.filter_problem.take();
            }
            "help" => self.cover(Overlay::Help),
            "theme" => match rest.parse() {
                Ok(theme) => self.theme = ViewTheme::new(theme),
                Err(_) => self.unknown(rest),
            },
            "view" => match rest.parse() {
                Ok(arrangement) => self.wish.arrangement = arrangement,
                Err(_) => self.unknown(rest),
            },
            "sort" => match rest.parse() {
                Ok(by) => {
                    self.sort = by;
                    self.reorder();
                }
                Err(_) => self.unknown(rest),
            },
            "locale" => match rest.parse() {
                Ok(locale) => self.options.locale = locale,
                Err(_) => self.unknown(rest),
            },
            "seek" => {
                let seconds: f64 = rest.parse().ok().filter(|s: &f64| s.is_finite())?;
                let start = self.store.totals.first_time?;
                return self.seek(start.after((seconds * SECOND as f64) as i64));
            }
            "speed" => {
                let speed = if rest == "max" { None } else { Some(rest.trim_end_matches('x').parse().ok()?) };
                self.replaying = true;
                return Some(Effect::Analysis(Command::Speed(speed.map(|s: f64| s.clamp(SPEEDS.0, SPEEDS.1)))));
            }
            "save" => return self.save(rest),
            "export" => {
                let path = PathBuf::from(rest);
                let written = text::export(&path, &self.outward(self.flow()?));
                return Some(Effect::Write(path, written));
            }
            "bpf" => {
                let bpf = text::bpf(&self.outward(self.flow()?));
                self.message = Some(bpf.clone());
                return Some(Effect::Copy(bpf));
            }
            _ => self.unknown(name),
        }
        None
    }

    fn unknown(&mut self, name: &str) {
        self.message = Some(format!("{}: {name}", self.say(Word::NoSuchCommand)));
    }

    fn seek(&mut self, to: Timestamp) -> Option<Effect> {
        if !self.store.position.seekable {
            self.message = Some(self.say(Word::NotSeekable).to_owned());
            return None;
        }
        self.replaying = true;
        Some(Effect::Analysis(Command::Seek(to)))
    }

    /// `this|marked|filtered|all FILE`.
    pub(super) fn save(&mut self, arguments: &str) -> Option<Effect> {
        if self.masked {
            // Packets hold addresses.
            self.message = Some(self.say(Word::NoPacketsMasked).to_owned());
            return None;
        }
        let (which, path) = arguments.split_once(' ').unwrap_or(("this", arguments));
        let ids: Vec<u64> = match which {
            "this" => self.selected.into_iter().collect(),
            "marked" => self.marks.values().copied().collect(),
            "filtered" => self.all_shown(),
            "all" => self.store.rows().map(|row| row.id).collect(),
            other => {
                self.unknown(other);
                return None;
            }
        };
        let rows = ids.iter().filter_map(|id| self.store.row(*id));
        let flows = rows.map(|row| SavedFlow {
            key: row.flow.key(),
            frames: (row.flow.first_frame, row.flow.last_frame.max(row.flow.steps.last().map_or(0, |step| step.frame))),
            comment: pcapng::comment(&row.flow),
        });
        Some(Effect::Analysis(Command::Save(Saving { path: PathBuf::from(path.trim()), flows: flows.collect() })))
    }
}

/// The only way to go on with what was typed, if there is one.
pub(super) fn complete(typed: &str) -> Option<String> {
    let (start, word, known): (&str, &str, Vec<&str>) = match typed.rsplit_once(' ') {
        None => ("", typed, COMMANDS.to_vec()),
        Some(("theme", word)) => ("theme ", word, ThemeName::VARIANTS.to_vec()),
        Some(("view", word)) => ("view ", word, Arrangement::VARIANTS.to_vec()),
        Some(("save", word)) => ("save ", word, vec!["this", "marked", "filtered", "all"]),
        Some(("sort", word)) => ("sort ", word, <Column as VariantNames>::VARIANTS.to_vec()),
        Some(("locale", word)) => ("locale ", word, Locale::ALL.iter().map(|locale| locale.name()).collect()),
        Some((start, word)) if start.starts_with("filter") => {
            (&typed[..start.len() + 1], word, fields().map(|(name, _)| name).collect())
        }
        Some(_) => return None,
    };
    let mut fits = known.into_iter().filter(|name| name.starts_with(word));
    match (fits.next(), fits.next()) {
        (Some(only), None) if start.starts_with("filter") => Some(format!("{start}{only}:")),
        (Some(only), None) => Some(format!("{start}{only} ")),
        _ => None,
    }
}
