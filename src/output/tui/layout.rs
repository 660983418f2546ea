//! Which pane is where: a pure function of the screen's size and the user's choice, never of the content.

use ratatui::layout::Rect;
use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

/// A view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, VariantArray)]
pub enum View {
    /// The table of flows.
    #[default]
    Flows,
    /// The ladder of one flow.
    Ladder,
    /// Anomalies.
    Events,
    /// Hosts.
    Hosts,
    /// Statistics.
    Stats,
}

impl View {
    /// Every view in the order of the tabs.
    pub const ALL: &'static [Self] = <Self as VariantArray>::VARIANTS;
}

/// How much is shown at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Arrangement {
    /// As much as there is room for.
    #[default]
    Auto,
    /// One pane and the story.
    Compact,
    /// Table, ladder and events one above the other.
    Split,
    /// Everything.
    Full,
}

impl Arrangement {
    /// The next in turn.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Auto => Self::Compact,
            Self::Compact => Self::Split,
            Self::Split => Self::Full,
            Self::Full => Self::Auto,
        }
    }
}

/// Smallest screen that is drawn on.
pub const MIN: (u16, u16) = (60, 8);

/// The panes; absent ones are not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Tabs and the rule below them; empty when the screen is too small for anything.
    pub tabs: Rect,
    /// The status strip.
    pub strip: Rect,
    /// One line for the worst incident that nobody has acknowledged, where there is one.
    pub alert: Option<Rect>,
    /// The pane of the view itself: its table, ladder, list.
    pub main: Rect,
    /// The story of the selected flow.
    pub story: Option<Rect>,
    /// The ladder of the selected flow, beside or below the table.
    pub ladder: Option<Rect>,
    /// The newest anomalies.
    pub events: Option<Rect>,
    /// The worst hosts.
    pub hosts: Option<Rect>,
    /// Keys and the command line.
    pub hints: Rect,
}

/// What the layout depends on besides the size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The view.
    pub view: View,
    /// How much at once.
    pub arrangement: Arrangement,
    /// The view's own pane only.
    pub zoomed: bool,
    /// Whether there is an incident to be seen.
    pub alert: bool,
    /// Rows by which the table is larger than it would be.
    pub shift: i16,
}

/// Where the panes are; `None` when the screen is too small.
pub fn layout(width: u16, height: u16, wish: Wish) -> Option<Layout> {
    if width < MIN.0 || height < MIN.1 {
        return None;
    }
    let full = width >= 140 && height >= 40;
    let split = width >= 100 && height >= 30;
    let arrangement = match wish.arrangement {
        Arrangement::Auto | Arrangement::Full if full => Arrangement::Full,
        Arrangement::Auto | Arrangement::Full | Arrangement::Split if split => Arrangement::Split,
        _ => Arrangement::Compact,
    };
    let strip_height = if arrangement == Arrangement::Full && wish.view == View::Flows && !wish.zoomed { 4 } else { 1 };
    let mut layout = Layout {
        tabs: Rect::new(0, 0, width, 2),
        strip: Rect::new(0, 2, width, strip_height),
        hints: Rect::new(0, height - 1, width, 1),
        ..Layout::default()
    };
    let top = 2 + strip_height + u16::from(wish.alert);
    layout.alert = wish.alert.then_some(Rect::new(0, 2 + strip_height, width, 1));
    let body = Rect::new(0, top, width, height - 1 - top);
    layout.main = body;
    if wish.view != View::Flows || wish.zoomed {
        return Some(layout);
    }
    match arrangement {
        Arrangement::Full => full_panes(&mut layout, body, wish.shift),
        Arrangement::Split => split_panes(&mut layout, body, wish.shift),
        _ if height >= 16 => {
            layout.main.height = shifted(body.height.saturating_sub(8), wish.shift, 3, body.height.saturating_sub(5));
            let y = layout.main.bottom() + 1;
            layout.story = Some(Rect::new(0, y, width, body.bottom().saturating_sub(y)));
        }
        _ => {}
    }
    Some(layout)
}

fn split_panes(layout: &mut Layout, body: Rect, shift: i16) {
    let events = 8;
    layout.main.height = shifted(body.height * 45 / 100, shift, 4, body.height.saturating_sub(events + 6));
    let y = layout.main.bottom();
    let rest = body.bottom().saturating_sub(y + events);
    layout.ladder = Some(Rect::new(0, y, body.width, rest));
    layout.events = Some(Rect::new(0, y + rest, body.width, events));
}

fn full_panes(layout: &mut Layout, body: Rect, shift: i16) {
    let left = (body.width * 56 / 100).max(80);
    let right = body.width - left - 1;
    let table = shifted(body.height * 65 / 100, shift, 4, body.height.saturating_sub(5));
    layout.main = Rect::new(0, body.y, left, table);
    layout.events = Some(Rect::new(0, body.y + table, left, body.height - table));
    let ladder = body.height * 77 / 100;
    layout.ladder = Some(Rect::new(left + 1, body.y, right, ladder));
    layout.hosts = Some(Rect::new(left + 1, body.y + ladder, right, body.height - ladder));
}

/// `height` moved by `shift`, within bounds.
fn shifted(height: u16, shift: i16, least: u16, most: u16) -> u16 {
    height.saturating_add_signed(shift).clamp(least.min(most), most)
}

/// A column of the table of flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Column {
    /// Number of the flow.
    #[default]
    Id,
    /// The client.
    Client,
    /// The server.
    Server,
    /// Where it is in its life.
    Phase,
    /// How it opened and closed.
    Outcome,
    /// Round trip of the handshake.
    Rtt,
    /// First to last segment.
    #[strum(serialize = "dur")]
    Duration,
    /// Repeated SYNs, SYN-ACKs and FINs.
    Retx,
    /// Payload octets.
    Bytes,
    /// Since the last segment.
    Age,
}

impl Column {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The next in turn.
    pub(super) fn next(self) -> Self {
        <Self as VariantArray>::VARIANTS.get(self as usize + 1).copied().unwrap_or_default()
    }
}

/// Columns with their widths; they and the marks at both ends fill `width` at most. Whole columns go in a fixed order;
/// phase and outcome never do.
pub fn columns(width: u16) -> Vec<(Column, u16)> {
    let wide = width >= 100;
    let pick = |narrow: u16, roomy: u16| if wide { roomy } else { narrow };
    let mut columns = vec![
        (Column::Id, pick(4, 6)),
        (Column::Client, pick(16, 19)),
        (Column::Server, pick(15, 19)),
        (Column::Phase, 11),
        (Column::Outcome, pick(13, 16)),
        (Column::Rtt, pick(6, 8)),
        (Column::Duration, pick(6, 8)),
        (Column::Retx, 4),
        (Column::Bytes, 7),
        (Column::Age, 6),
    ];
    for hidden in [Column::Bytes, Column::Retx, Column::Age, Column::Duration, Column::Rtt] {
        if needed(&columns) > width {
            columns.retain(|(column, _)| *column != hidden);
        }
    }
    let missing = needed(&columns).saturating_sub(width).div_ceil(2);
    let spare = width.saturating_sub(needed(&columns)) / 2;
    for (column, room) in &mut columns {
        if matches!(column, Column::Client | Column::Server) {
            *room = (*room + spare.min(28)).saturating_sub(missing);
        }
    }
    columns
}

/// The column of a table of this width that column `x` of the screen, from the table's left, belongs to.
pub fn column_at(width: u16, x: u16) -> Option<Column> {
    let mut left = 1;
    columns(width).into_iter().find_map(|(column, room)| {
        left += room + 1;
        (x < left).then_some(column)
    })
}

/// Mark, columns each with a space behind it, sign.
fn needed(columns: &[(Column, u16)]) -> u16 {
    1 + columns.iter().map(|(_, width)| width + 1).sum::<u16>() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_stay_on_the_screen_and_apart() {
        for width in 1..=220 {
            for height in 1..=70 {
                for view in View::ALL.iter().copied() {
                    for (shift, alert) in [(-40, false), (-40, true), (0, false), (0, true), (40, false), (40, true)] {
                        let wish = Wish { view, shift, alert, ..Wish::default() };
                        let Some(layout) = layout(width, height, wish) else {
                            assert!(width < MIN.0 || height < MIN.1);
                            continue;
                        };
                        check(&layout, width, height);
                    }
                }
            }
        }
    }

    fn check(layout: &Layout, width: u16, height: u16) {
        let screen = Rect::new(0, 0, width, height);
        let optional = [layout.alert, layout.story, layout.ladder, layout.events, layout.hosts];
        let panes =
            [layout.tabs, layout.strip, layout.main, layout.hints].into_iter().chain(optional.into_iter().flatten());
        let panes: Vec<Rect> = panes.collect();
        for (n, pane) in panes.iter().enumerate() {
            assert_eq!(pane.intersection(screen), *pane, "{width}x{height} {layout:?}");
            assert!(panes[n + 1..].iter().all(|other| !pane.intersects(*other)), "{width}x{height} {layout:?}");
        }
    }

    #[test]
    fn columns_fit_and_verdicts_stay() {
        for width in 60..=220 {
            let columns = columns(width);
            assert!(needed(&columns) <= width, "{width}: {columns:?}");
            for kept in [Column::Phase, Column::Outcome] {
                assert!(columns.iter().any(|(column, room)| *column == kept && *room >= 11));
            }
        }
    }

    #[test]
    fn what_the_design_says_of_80_by_24() {
        let at = layout(80, 24, Wish::default()).unwrap();
        assert_eq!((at.main, at.story.map(|s| (s.y, s.width))), (Rect::new(0, 3, 80, 12), Some((16, 80))));
    }
}
