//! What a comparison of two captures found, written: as text, as NDJSON, as a ladder of four lines.

mod ladder;
mod text;

use super::event::compare::{compare_flow, compare_summary};
use super::event::write_line;
use super::{Locale, Out};
use crate::compare::{Judgement, Relation, Summary, VerdictKind};

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompareFormat {
    /// A line for each connection to which something happened, and a summary.
    #[default]
    Text,
    /// One JSON object a line.
    Ndjson,
    /// Each connection with its segments between four lines: client, tap, tap, server.
    Ladder,
}

/// Writes a comparison.
#[derive(Debug)]
pub struct CompareWriter {
    out: Out,
    format: CompareFormat,
    locale: Locale,
    /// Whether connections to which nothing happened are written, too.
    all: bool,
    only: Option<u64>,
}

impl CompareWriter {
    /// Writes to `out`; of connections all, or those to which something happened, or the one with this number.
    pub fn new(out: Out, format: CompareFormat, locale: Locale, all: bool, only: Option<u64>) -> Self {
        Self { out, format, locale, all, only }
    }

    /// Whether writing failed: there is no use in going on.
    pub fn failed(&self) -> bool {
        self.out.failed()
    }

    /// Writes a connection.
    pub fn flow(&mut self, judgement: &Judgement) {
        let dull = |kind| matches!(kind, VerdictKind::Arrived | VerdictKind::OnlyAtOne);
        let eventful = judgement.verdicts.iter().any(|verdict| !dull(verdict.kind));
        let wanted = match self.only {
            Some(only) => only == judgement.id,
            None => self.all || eventful || self.format == CompareFormat::Ndjson,
        };
        if !wanted {
            return;
        }
        match self.format {
            CompareFormat::Text => self.out.buffer.extend(text::flow(judgement, self.locale).bytes()),
            CompareFormat::Ladder => self.out.buffer.extend(ladder::flow(judgement, self.locale).bytes()),
            CompareFormat::Ndjson => write_line(&compare_flow(judgement), &mut self.out.buffer),
        }
        self.out.end_line();
    }

    /// Writes what there is to say of the pair, and ends.
    ///
    /// # Errors
    ///
    /// The first error of the stream.
    pub fn finish(mut self, summary: &Summary) -> std::io::Result<u64> {
        match self.format {
            CompareFormat::Ndjson => {
                write_line(&compare_summary(summary, word(summary.relation())), &mut self.out.buffer);
            }
            _ => self.out.buffer.extend(text::summary(summary, self.locale).bytes()),
        }
        self.out.end_line();
        self.out.finish()
    }
}

const fn word(relation: Relation) -> &'static str {
    match relation {
        Relation::Related => "related",
        Relation::OnePlace => "one_place",
        Relation::Unrelated => "unrelated",
        Relation::NothingArrived => "nothing_arrived",
        Relation::Ambiguous => "ambiguous",
        Relation::Empty(_) | Relation::BothEmpty => "empty",
    }
}
