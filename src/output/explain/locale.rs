//! Which language people read, and text in both.

/// A language of the view, of pictures and of explanations (`--locale`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Locale {
    /// Both.
    pub const ALL: [Self; 2] = [Self::En, Self::Ko];

    /// The word in `--locale`, and the language tag in HTML and SVG.
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The language of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.name() == name)
    }

    /// The one of two texts that is in this language.
    pub const fn pick<'a>(self, en: &'a str, ko: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Ko => ko,
        }
    }
}

/// One text in both languages: whoever writes the one has to write the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: &'static str,
    /// Korean.
    pub ko: &'static str,
}

impl Words {
    /// The text in this language.
    pub const fn get(self, locale: Locale) -> &'static str {
        match locale {
            Locale::En => self.en,
            Locale::Ko => self.ko,
        }
    }
}

/// A text in both languages.
pub(in crate::output) const fn words(en: &'static str, ko: &'static str) -> Words {
    Words { en, ko }
}
