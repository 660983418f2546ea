//! The rows that a part of a picture shows.

use super::super::ladder::Row;
use super::super::picture_options::Part;

/// The rows that belong to `part`.
pub(in crate::output) fn part(rows: Vec<Row>, part: Part) -> Vec<Row> {
    let closes = rows.iter().position(|row| matches!(row, Row::Step(step) if step.closing));
    match part {
        Part::All => rows,
        Part::Open => {
            let end = rows.iter().position(|row| *row == Row::Established).map_or(rows.len(), |n| n + 1);
            let open = rows.into_iter().take(end.min(closes.unwrap_or(end)));
            open.collect()
        }
        Part::Close => closes.map_or_else(Vec::new, |n| close(rows, n)),
    }
}

/// The rows from the close on, which is at this index, and the states in which it found both ends.
fn close(mut rows: Vec<Row>, at: usize) -> Vec<Row> {
    let states = rows.iter().take(at).rev().find_map(|row| match row {
        Row::Step(step) => Some(Row::Before { client: step.client, server: step.server }),
        _ => None,
    });
    let close = rows.split_off(at);
    states.into_iter().chain(close).collect()
}
