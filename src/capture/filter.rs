//! Capture filters: BPF expressions, compiled by libpcap for each link type as it turns up.

use std::fmt;

use super::CaptureError;
#[cfg(feature = "live")]
use super::libpcap::{message, to_dlt};
use super::preset::Preset;
use crate::decode::Frame;
#[cfg(feature = "live")]
use crate::decode::LinkType;

/// A capture filter, not tied to a link type.
pub struct Filter {
    name: String,
    /// Expressions for the same thing, the best first; the first that compiles for a link type is used.
    alternatives: Vec<String>,
    #[cfg(feature = "live")]
    programs: Vec<(LinkType, pcap::BpfProgram)>,
}

#[cfg(feature = "live")]
impl Filter {
    /// From an expression as a user writes it. Whether it compiles is seen when the first frame comes.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Usage`] in a build without libpcap.
    pub fn expression(expression: &str) -> Result<Self, CaptureError> {
        let expression = expression.trim().to_owned();
        Ok(Self { name: expression.clone(), alternatives: vec![expression], programs: Vec::new() })
    }

    /// From a preset.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Usage`] in a build without libpcap.
    pub fn preset(preset: &Preset) -> Result<Self, CaptureError> {
        let alternatives = preset.alternatives().collect();
        Ok(Self { name: preset.name.to_owned(), alternatives, programs: Vec::new() })
    }

    /// The expression to use for a link type: the first alternative that compiles for it.
    ///
    /// # Errors
    ///
    /// [`CaptureError::BadFilter`] when none does.
    pub fn for_link(&self, link: LinkType) -> Result<&str, CaptureError> {
        self.compile(link).map(|(expression, _)| expression)
    }

    /// Whether the filter takes this frame.
    pub(super) fn accepts(&mut self, frame: &Frame<'_>) -> Result<bool, CaptureError> {
        if let Some((_, program)) = self.programs.iter().find(|(link, _)| *link == frame.link) {
            return Ok(program.filter(frame.data));
        }
        let (_, program) = self.compile(frame.link)?;
        let accepted = program.filter(frame.data);
        self.programs.push((frame.link, program));
        Ok(accepted)
    }

    fn compile(&self, link: LinkType) -> Result<(&str, pcap::BpfProgram), CaptureError> {
        let mut first = None;
        for expression in &self.alternatives {
            match compile(expression, link) {
                Ok(program) => return Ok((expression, program)),
                Err(error) => first.get_or_insert((expression, error)),
            };
        }
        let (expression, reason) = first.map_or_else(Default::default, |(e, r)| (e.clone(), r));
        let place = place_of(&expression, link, &reason);
        let link = super::linktype::link_name(link);
        Err(CaptureError::BadFilter { expression, link, reason, place })
    }
}

#[cfg(not(feature = "live"))]
impl Filter {
    /// From an expression as a user writes it.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Usage`] in a build without libpcap, such as this.
    pub fn expression(_: &str) -> Result<Self, CaptureError> {
        Err(CaptureError::Usage("capture filters need libpcap; this build is without it (feature \"live\")".to_owned()))
    }

    /// From a preset.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Usage`] in a build without libpcap, such as this.
    pub fn preset(preset: &Preset) -> Result<Self, CaptureError> {
        Self::expression(preset.name)
    }

    pub(super) fn accepts(&mut self, _: &Frame<'_>) -> Result<bool, CaptureError> {
        Self::expression("").map(|_| true)
    }
}

/// As the user named it: the expression, or the name of the preset.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").field("name", &self.name).field("alternatives", &self.alternatives).finish()
    }
}

#[cfg(feature = "live")]
fn compile(expression: &str, link: LinkType) -> Result<pcap::BpfProgram, String> {
    let dead = pcap::Capture::dead(pcap::Linktype(to_dlt(link)));
    dead.and_then(|dead| dead.compile(expression, true)).map_err(message)
}

/// Where in the expression the error is.
#[cfg(feature = "live")]
fn place_of(_expression: &str, _link: LinkType, _reason: &str) -> Option<usize> {
    None
}
