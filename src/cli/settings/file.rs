//! A configuration: a TOML file with keys of options, `[profile.NAME]` and `[keys]`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::messages::Failure;
use super::option::{Arity, Origin, Settable, Setting};
use crate::output::escape::lines_for_terminal;
#[cfg(feature = "tui")]
use crate::output::tui::keys::Keys;
use crate::suggest::did_you_mean;

/// The largest configuration that is read, octets.
const LARGEST: u64 = 1 << 20;

/// A configuration as read.
pub(super) struct ConfigFile {
    pub(super) name: String,
    settings: Vec<Setting>,
    profiles: BTreeMap<String, Vec<Setting>>,
    #[cfg(feature = "tui")]
    pub(super) keys: Option<Keys>,
}

impl ConfigFile {
    /// Reads a file that was asked for.
    ///
    /// # Errors
    ///
    /// [`Failure::Running`] where it cannot be read, [`Failure::Usage`] for what cannot be understood.
    pub(super) fn read(path: &Path, settable: &[Settable]) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let failed = |error| Failure::Running(format!("{name}: cannot read: {error}"));
        let size = std::fs::metadata(path).map_err(failed)?.len();
        if size > LARGEST {
            return Err(Failure::Usage(format!("{name}: a configuration has at most 1 MiB")));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let file = Self::parse(&name, &text, settable).map_err(Failure::Usage)?;
        let checked = file.every_layer().try_for_each(|layer| layer.iter().try_for_each(Setting::check));
        checked.map_err(Failure::Usage).map(|()| file)
    }

    /// Reads a file where there is one.
    pub(super) fn read_if_there(path: &Path, settable: &[Settable]) -> Result<Option<Self>, Failure> {
        match std::fs::metadata(path) {
            Ok(_) => Self::read(path, settable).map(Some),
            // A folder of somebody else is like none.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(None),
            Err(error) => Err(Failure::Running(format!("{}: cannot read: {error}", path.display()))),
        }
    }

    /// Reads the text of the file `name`.
    ///
    /// # Errors
    ///
    /// What cannot be understood, and where.
    pub(super) fn parse(name: &str, text: &str, settable: &[Settable]) -> Result<Self, String> {
        let table = DeTable::parse(text).map_err(|error| {
            let reason = error.to_string();
            if name.is_empty() { reason.trim_end().to_owned() } else { format!("{name}: {}", reason.trim_end()) }
        })?;
        let reader = Reader { name, text, settable };
        let mut file = Self {
            name: name.to_owned(),
            settings: Vec::new(),
            profiles: BTreeMap::new(),
            #[cfg(feature = "tui")]
            keys: None,
        };
        for (key, value) in table.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                #[cfg(feature = "tui")]
                ("keys", DeValue::Table(keys)) => file.keys = Some(reader.keys(key, keys)?),
                #[cfg(not(feature = "tui"))]
                ("keys", DeValue::Table(_)) => {}
                ("profile", DeValue::Table(profiles)) => {
                    for (profile, settings) in profiles {
                        let DeValue::Table(table) = settings.get_ref() else {
                            return Err(reader.wrong(profile, "expected a table [profile.NAME]"));
                        };
                        let profile = profile.get_ref().to_string();
                        let read = table.iter().map(|(key, value)| reader.setting(key, value, Some(&profile)));
                        let read = read.collect::<Result<_, _>>()?;
                        file.profiles.insert(profile, read);
                    }
                }
                _ => file.settings.push(reader.setting(key, value, None)?),
            }
        }
        Ok(file)
    }

    /// What it sets, the highest first: a profile goes before what stands outside.
    pub(super) fn layers(&self, profile: Option<&str>) -> Vec<Vec<Setting>> {
        let chosen = profile.and_then(|profile| self.profiles.get(profile));
        chosen.into_iter().chain([&self.settings]).cloned().collect()
    }

    /// All that it can set.
    pub(super) fn every_layer(&self) -> impl Iterator<Item = &Vec<Setting>> {
        self.profiles.values().chain([&self.settings])
    }
}

/// Checks that a profile stands in one of the files.
pub(super) fn check_profile(profile: &str, files: &[ConfigFile]) -> Result<(), Failure> {
    if files.iter().any(|file| file.profiles.contains_key(profile)) {
        return Ok(());
    }
    let known = || files.iter().flat_map(|file| file.profiles.keys()).map(String::as_str);
    let places: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let places = if places.is_empty() { "there is no configuration".to_owned() } else { places.join(", ") };
    let resembling = did_you_mean(profile, known());
    Err(Failure::Usage(format!("--profile: no [profile.{profile}]{resembling} ({places})")))
}

/// Reads the values of a file.
struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    settable: &'a [Settable],
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;

impl Reader<'_> {
    fn setting(&self, key: &Key<'_>, value: &Spanned<DeValue<'_>>, profile: Option<&str>) -> Result<Setting, String> {
        let name = key.get_ref().as_ref();
        let Some(option) = self.settable.iter().find(|option| option.in_files && option.key == name) else {
            return Err(self.unknown(key));
        };
        let origin = Origin::File(self.name.to_owned(), self.line(key.span().start), profile.map(str::to_owned));
        let several = match (option.arity, value.get_ref()) {
            (Arity::Flag, DeValue::Boolean(on)) => return Ok(option.flag(origin, *on)),
            (Arity::Flag, _) => return Err(self.wrong(key, &format!("{name}: expected true or false"))),
            (Arity::One { optional: true }, DeValue::Boolean(on)) => return Ok(option.flag(origin, *on)),
            (Arity::Many, DeValue::Array(values)) => {
                values.iter().map(|value| scalar(value.get_ref())).collect::<Option<Vec<_>>>()
            }
            (_, value) => scalar(value).map(|value| vec![value]),
        };
        let expected = if option.arity == Arity::Many { "a value or a list of values" } else { "one value" };
        let values = several.ok_or_else(|| self.wrong(key, &format!("{name}: expected {expected}")))?;
        Ok(option.setting(origin, &values))
    }

    /// That there is no such key.
    fn unknown(&self, key: &Key<'_>) -> String {
        let name = key.get_ref().as_ref();
        let sections = ["keys", "profile"].into_iter();
        let known = self.settable.iter().filter(|option| option.in_files).map(|option| option.key.as_str());
        let resembling = did_you_mean(name, known.chain(sections));
        self.wrong(key, &format!("unknown key '{name}'{resembling}"))
    }

    fn wrong(&self, key: &Key<'_>, problem: &str) -> String {
        let place = if self.name.is_empty() { "line" } else { self.name };
        lines_for_terminal(&format!("{place}:{}: {problem}", self.line(key.span().start)))
    }

    /// The number of the line at an octet, from 1.
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|octet| *octet == b'\n').count() + 1
    }

    #[cfg(feature = "tui")]
    fn keys(&self, section: &Key<'_>, table: &DeTable<'_>) -> Result<Keys, String> {
        super::keys::chosen(table).map_err(|problem| self.wrong(section, &format!("[keys]: {problem}")))
    }
}

/// A value as one would type it; nothing for tables and lists.
fn scalar(value: &DeValue<'_>) -> Option<OsString> {
    Some(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string().into(),
        DeValue::Float(number) => number.as_str().into(),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => return None,
    })
}
