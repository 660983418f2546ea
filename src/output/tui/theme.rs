//! Meaning to looks. Meaning is carried by word and glyph first; colour comes third and may be absent.

use ratatui::style::{Color, Modifier, Style};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::detect::Severity;

/// What something means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// All is well.
    Ok,
    /// Long over.
    Historic,
    /// Under way.
    Progress,
    /// Odd, often benign.
    Note,
    /// Probably a fault.
    Warn,
    /// It failed.
    Fail,
    /// An attack.
    Alert,
}

impl Class {
    /// Its sign, one column.
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Ok | Self::Historic => " ",
            Self::Progress => "…",
            Self::Note => "~",
            Self::Warn => "!",
            Self::Fail => "x",
            Self::Alert => "▲",
        }
    }

    /// Of an anomaly's severity.
    pub const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Ok,
            Severity::Note => Self::Note,
            Severity::Warn => Self::Warn,
            Severity::Alert => Self::Alert,
        }
    }
}

/// A theme that `--theme` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum ThemeName {
    /// The terminal's own sixteen colours.
    #[default]
    Auto,
    /// For light backgrounds.
    Light,
    /// For dark backgrounds.
    Dark,
    /// As much contrast as there can be.
    HighContrast,
    /// For colour-blind eyes (Okabe and Ito's palette).
    Cvd,
    /// No colour at all.
    Mono,
}

/// A colour: red, green, blue.
pub type Rgb = (u8, u8, u8);

/// The contrast below which a word is hard to read (WCAG 2.2, 1.4.11).
const LEAST_CONTRAST: f64 = 3.0;

impl ThemeName {
    /// This theme on such a background: `auto` is `light` on a light one, if the terminal can show its colours.
    #[must_use]
    pub fn on(self, background: Option<Rgb>, true_color: bool) -> Self {
        let light = background.is_some_and(|background| luminance(background) > 0.4);
        if self == Self::Auto && light && true_color { Self::Light } else { self }
    }

    /// Whether any of its colours is hard to read on this background.
    pub fn is_faint_on(self, background: Rgb) -> bool {
        use Class::{Alert, Fail, Historic, Note, Progress, Warn};
        let theme = ViewTheme::new(self);
        [Historic, Progress, Note, Warn, Fail, Alert].into_iter().any(|class| match theme.class(class).fg {
            Some(Color::Rgb(red, green, blue)) => contrast((red, green, blue), background) < LEAST_CONTRAST,
            _ => false,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How things look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewTheme {
    name: ThemeName,
}

impl ViewTheme {
    /// The theme of this name.
    pub const fn new(name: ThemeName) -> Self {
        Self { name }
    }

    /// Its name.
    pub const fn name(self) -> ThemeName {
        self.name
    }

    /// Of something that means `class`.
    pub fn class(self, class: Class) -> Style {
        let base = Style::new();
        if self.name == ThemeName::Mono {
            return match class {
                Class::Ok => base,
                Class::Historic => base.add_modifier(Modifier::DIM),
                Class::Progress | Class::Warn => base.add_modifier(Modifier::BOLD),
                Class::Note => base.add_modifier(Modifier::UNDERLINED),
                Class::Fail => base.add_modifier(Modifier::REVERSED),
                Class::Alert => base.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            };
        }
        let style = self.colour(class).map_or(base, |colour| base.fg(colour));
        match class {
            Class::Fail | Class::Alert => style.add_modifier(Modifier::BOLD),
            _ if self.name == ThemeName::HighContrast => style.add_modifier(Modifier::BOLD),
            Class::Historic if self.name == ThemeName::Auto => style.add_modifier(Modifier::DIM),
            _ => style,
        }
    }

    fn colour(self, class: Class) -> Option<Color> {
        let [progress, note, warn, fail, alert, historic] = match self.name {
            ThemeName::Auto | ThemeName::Mono => {
                [Color::Cyan, Color::Blue, Color::Yellow, Color::Red, Color::Magenta, Color::Reset]
            }
            ThemeName::Light => [0x00_5f_87, 0x00_00_af, 0x87_5f_00, 0xaf_00_00, 0x87_00_87, 0x58_58_58].map(rgb),
            ThemeName::Dark => [0x5f_d7_ff, 0x87_af_ff, 0xff_d7_5f, 0xff_5f_5f, 0xff_87_ff, 0x9e_9e_9e].map(rgb),
            ThemeName::HighContrast => [
                Color::LightCyan,
                Color::LightBlue,
                Color::LightYellow,
                Color::LightRed,
                Color::LightMagenta,
                Color::Reset,
            ],
            ThemeName::Cvd => [0x56_b4_e9, 0x00_72_b2, 0xe6_9f_00, 0xd5_5e_00, 0xcc_79_a7, 0x99_99_99].map(rgb),
        };
        match class {
            Class::Ok => None,
            Class::Historic => Some(historic).filter(|colour| *colour != Color::Reset),
            Class::Progress => Some(progress),
            Class::Note => Some(note),
            Class::Warn => Some(warn),
            Class::Fail => Some(fail),
            Class::Alert => Some(alert),
        }
    }

    /// Of what matters less: rules, captions.
    pub fn dim(self) -> Style {
        match self.name {
            ThemeName::HighContrast => Style::new(),
            ThemeName::Light => Style::new().fg(rgb(0x58_58_58)),
            ThemeName::Dark | ThemeName::Cvd => Style::new().fg(rgb(0x9e_9e_9e)),
            ThemeName::Auto | ThemeName::Mono => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// Of headings.
    pub fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Of what is selected.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Of what must be seen: lost packets, a pause, a failure.
    pub fn loud(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }
}

/// Relative luminance (WCAG 2.2), 0..=1.
fn luminance((red, green, blue): Rgb) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// Contrast ratio (WCAG 2.2), 1..=21.
fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

const fn rgb(hex: u32) -> Color {
    Color::Rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// The one-column ASCII stand-in of a drawing character; `None` for one that needs none.
pub(super) fn ascii(symbol: &str) -> Option<&'static str> {
    Some(match symbol {
        "─" | "━" | "╌" => "-",
        "│" | "╎" => "|",
        "├" | "┤" | "┼" => "+",
        "▶" | "▸" | "→" => ">",
        "◀" | "◂" | "←" => "<",
        "▌" | "▎" => "#",
        "…" | "·" | "‥" => ".",
        "┌" | "┐" | "└" | "┘" => "+",
        "≠" => "!",
        "▾" => "v",
        "▴" => "^",
        "■" => "#",
        "‖" => "|",
        "×" => "x",
        "‼" => "!",
        "µ" => "u",
        "Δ" => "d",
        "▲" => "A",
        "●" => "*",
        "✓" => "v",
        "≥" => ">",
        "↵" => "^",
        "█" => "#",
        "▁" | "▂" => "_",
        "▃" | "▄" => "-",
        "▅" | "▆" | "▇" => "=",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Rgb = (255, 255, 255);
    const BLACK: Rgb = (0, 0, 0);

    #[test]
    fn contrast_is_that_of_the_guideline() {
        assert!((contrast(WHITE, BLACK) - 21.0).abs() < 1e-9);
        // From the examples of WCAG's "Understanding": grey #767676 on white is 4.54.
        assert!((contrast((0x76, 0x76, 0x76), WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn themes_can_be_read_where_they_belong() {
        assert!(!ThemeName::Light.is_faint_on(WHITE) && !ThemeName::Dark.is_faint_on(BLACK));
        assert!(ThemeName::Light.is_faint_on(BLACK) && ThemeName::Dark.is_faint_on(WHITE));
        assert_eq!(ThemeName::Auto.on(Some(WHITE), true), ThemeName::Light);
        assert_eq!(ThemeName::Auto.on(Some(WHITE), false), ThemeName::Auto);
        assert_eq!(ThemeName::Auto.on(Some(BLACK), true), ThemeName::Auto);
        assert_eq!(ThemeName::Auto.on(None, true), ThemeName::Auto);
        assert_eq!(ThemeName::Mono.on(Some(WHITE), true), ThemeName::Mono);
    }
}
