//! Meaning to looks. Meaning is carried by word and glyph first; colour comes third and may be absent.

use ratatui::style::{Color, Modifier, Style};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl ThemeName {
    /// Every theme with its name.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Auto, "auto"),
        (Self::Light, "light"),
        (Self::Dark, "dark"),
        (Self::HighContrast, "high-contrast"),
        (Self::Cvd, "cvd"),
        (Self::Mono, "mono"),
    ];

    /// The theme with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(theme, _)| *theme)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(theme, _)| *theme == self).map_or("auto", |(_, name)| name)
    }
}

/// How things look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    name: ThemeName,
}

impl Theme {
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
        "×" => "x",
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
