//! Which language people read, and text in both.

use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

/// A language of the view, of pictures and of explanations (`--locale`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Locale {
    /// Both.
    pub const ALL: &'static [Self] = <Self as VariantArray>::VARIANTS;

    /// The word in `--locale`, and the language tag in HTML and SVG.
    pub fn name(self) -> &'static str {
        self.into()
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

/// A Korean particle that has two forms: one after a consonant, one after a vowel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::output) enum Particle {
    /// 은, 는.
    Topic,
    /// 이, 가.
    Subject,
    /// 을, 를.
    Object,
}

impl Particle {
    const fn forms(self) -> [&'static str; 2] {
        match self {
            Self::Topic => ["은", "는"],
            Self::Subject => ["이", "가"],
            Self::Object => ["을", "를"],
        }
    }
}

/// `what` with the form of `particle` that fits its last letter or the digit that is read last. Units are read in
/// full: B is 바이트.
pub(in crate::output) fn with_particle(what: impl core::fmt::Display, particle: Particle) -> String {
    let text = what.to_string();
    let consonant = match text.chars().next_back() {
        Some('0' | '1' | '3' | '6' | '7' | '8') => true,
        // Syllables are in order of their final consonant; the first has none.
        Some(c @ '가'..='힣') => !(c as u32 - '가' as u32).is_multiple_of(28),
        _ => false,
    };
    let [after_consonant, after_vowel] = particle.forms();
    text + if consonant { after_consonant } else { after_vowel }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_follow_what_is_read_last() {
        let objects =
            ["3141592653", "2718281828", "829", "654", "1", "10", "92 B", "30.0 ms", "서버", "상태", "번호", "값"];
        let read = objects.map(|what| with_particle(what, Particle::Object));
        let forms: Vec<char> = read.iter().filter_map(|text| text.chars().next_back()).collect();
        assert_eq!(forms.iter().collect::<String>(), "을을를를을을를를를를를을");
        assert_eq!(with_particle(2, Particle::Subject), "2가");
        assert_eq!(with_particle(6, Particle::Topic), "6은");
    }
}
