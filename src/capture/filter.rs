//! Capture filters: BPF expressions, compiled by libpcap for each link type as it turns up.

use std::fmt;

use super::CaptureError;
#[cfg(feature = "live")]
use super::bpf::Program;
#[cfg(feature = "live")]
use super::libpcap::{message, to_dlt};
use super::preset::Preset;
#[cfg(feature = "live")]
use crate::decode::link::LINK_LAYERS;
use crate::decode::{Frame, LinkType};

/// A capture filter, not tied to a link type.
pub struct Filter {
    name: String,
    /// Expressions for the same thing, the best first; the first that compiles for a link type is used.
    alternatives: Vec<String>,
    /// By link type; none for a link type that no alternative fits.
    #[cfg(feature = "live")]
    programs: Vec<(LinkType, Option<Program>)>,
    /// Why the first such link type was refused.
    #[cfg(feature = "live")]
    refusal: Option<CaptureError>,
}

/// What a filter makes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "live"), allow(dead_code, reason = "without libpcap there is no filter"))]
pub(super) enum Filtered {
    /// It takes it.
    Taken,
    /// It does not.
    Refused,
    /// It does not compile for the frame's link type.
    Unfit,
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
        Ok(Self::new(expression.clone(), vec![expression]))
    }

    /// From the text of a filter file: lines that begin with `#` are comments, and a line `%else` parts expressions
    /// that are tried in order, as in a preset. `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Usage`] in a build without libpcap.
    pub fn file(name: &str, text: &str) -> Result<Self, CaptureError> {
        Ok(Self::new(name.to_owned(), super::preset::parse(text)))
    }

    /// From a preset.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Usage`] in a build without libpcap.
    pub fn preset(preset: &Preset) -> Result<Self, CaptureError> {
        Ok(Self::new(preset.name.to_owned(), preset.alternatives()))
    }

    const fn new(name: String, alternatives: Vec<String>) -> Self {
        Self { name, alternatives, programs: Vec::new(), refusal: None }
    }

    /// The expression to use for a link type: the first alternative that compiles for it.
    ///
    /// # Errors
    ///
    /// [`CaptureError::BadFilter`] when none does.
    pub fn for_link(&self, link: LinkType) -> Result<&str, CaptureError> {
        self.compile(link).map(|(expression, _)| expression)
    }

    /// Looks whether the filter compiles for one of the link types at least, before a frame comes.
    ///
    /// # Errors
    ///
    /// [`CaptureError::BadFilter`] for the first of them where it compiles for none.
    pub(super) fn check(&mut self, links: impl IntoIterator<Item = LinkType>) -> Result<(), CaptureError> {
        let mut checked = false;
        for link in links {
            if self.program(link).is_some() {
                return Ok(());
            }
            checked = true;
        }
        match self.refusal.take() {
            Some(error) if checked => Err(error),
            _ => Ok(()),
        }
    }

    /// Compiles it now for every link type that is decoded, where it fits: to look up the names in it (hosts, ports)
    /// may need what is given up before the first frame comes.
    pub fn prepare(&mut self) {
        for link in LINK_LAYERS.iter().flat_map(|layer| layer.types) {
            let compiled = self.alternatives.iter().find_map(|expression| compile(expression, *link).ok());
            self.programs.extend(compiled.map(|program| (*link, Some(program))));
        }
    }

    /// What the filter makes of this frame.
    pub(super) fn judge(&mut self, frame: &Frame<'_>) -> Filtered {
        match self.program(frame.link) {
            Some(program) if program.accepts(frame.data, frame.wire_len) => Filtered::Taken,
            Some(_) => Filtered::Refused,
            None => Filtered::Unfit,
        }
    }

    /// Why it could not look at frames of the first link type that it does not fit.
    pub(super) const fn failure(&mut self) -> Option<CaptureError> {
        self.refusal.take()
    }

    /// The program for a link type, compiled when it first comes.
    fn program(&mut self, link: LinkType) -> Option<&Program> {
        let known = self.programs.iter().position(|(of, _)| *of == link);
        let at = known.unwrap_or_else(|| {
            let compiled = self.compile(link).map(|(_, program)| program);
            let program = compiled.map_err(|error| self.refusal = self.refusal.take().or(Some(error))).ok();
            self.programs.push((link, program));
            self.programs.len() - 1
        });
        self.programs.get(at)?.1.as_ref()
    }

    fn compile(&self, link: LinkType) -> Result<(&str, Program), CaptureError> {
        let mut first = None;
        for expression in &self.alternatives {
            match compile(expression, link) {
                Ok(program) => return Ok((expression, program)),
                Err(error) => first.get_or_insert((expression, error)),
            };
        }
        let (expression, reason) = first.map_or_else(Default::default, |(e, r)| (e.clone(), r));
        let place = place_of(&expression, link, &reason);
        let link = crate::decode::link::link_name(link);
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
        Err(CaptureError::Usage("this build does not support capture filters (feature 'live')".to_owned()))
    }

    /// From the text of a filter file.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Usage`] in a build without libpcap, such as this.
    pub fn file(_: &str, text: &str) -> Result<Self, CaptureError> {
        Self::expression(text)
    }

    /// From a preset.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Usage`] in a build without libpcap, such as this.
    pub fn preset(preset: &Preset) -> Result<Self, CaptureError> {
        Self::expression(preset.name)
    }

    /// Nothing to do in a build without libpcap.
    pub fn prepare(&mut self) {}

    pub(super) fn check(&mut self, _: impl IntoIterator<Item = LinkType>) -> Result<(), CaptureError> {
        Self::expression("").map(drop)
    }

    pub(super) fn judge(&mut self, _: &Frame<'_>) -> Filtered {
        Filtered::Unfit
    }

    pub(super) fn failure(&mut self) -> Option<CaptureError> {
        self.check([]).err()
    }
}

/// The same filter, which has refused nothing yet.
impl Clone for Filter {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            alternatives: self.alternatives.clone(),
            #[cfg(feature = "live")]
            programs: self.programs.clone(),
            #[cfg(feature = "live")]
            refusal: None,
        }
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
fn compile(expression: &str, link: LinkType) -> Result<Program, String> {
    let dead = pcap::Capture::dead(pcap::Linktype(to_dlt(link)));
    let compiled = dead.and_then(|dead| dead.compile(expression, true)).map_err(message)?;
    Program::new(&compiled).ok_or_else(|| "the compiled program cannot be read".to_owned())
}

/// Where in the expression the error is. libpcap does not report it, but its quotation can be found, and a syntax
/// error is at the first word up to which nothing that could follow makes an expression of it.
#[cfg(feature = "live")]
fn place_of(expression: &str, link: LinkType, reason: &str) -> Option<usize> {
    let quoted = reason.split(['\'', '"']).nth(1).filter(|word| !word.is_empty());
    if let Some(place) = quoted.and_then(|word| expression.find(word)) {
        return Some(place);
    }
    if !reason.contains("syntax error") {
        return None;
    }
    // What cannot go on after one word cannot go on after the next one: so it is found in few steps.
    let words = words(expression);
    let wrong = words.partition_point(|word| may_go_on(expression.get(..word.end).unwrap_or_default(), link));
    Some(words.get(wrong).map_or(expression.len(), |word| word.start))
}

/// Whether something could follow that makes this a whole expression.
#[cfg(feature = "live")]
fn may_go_on(start: &str, link: LinkType) -> bool {
    const ENDINGS: [&str; 10] =
        ["", " 1", " = 1", " 1 = 1", " tcp", " 1.2.3.4", " 1:2:3:4:5:6", " port 1", "0] = 1", "] = 1"];
    let open = start.matches('(').count().saturating_sub(start.matches(')').count()).min(8);
    ENDINGS.iter().any(|ending| {
        // A mistake at the end that is not one of syntax: libpcap stops there, before it generates and optimises code,
        // whose time grows faster than the expression.
        let whole = format!("{start}{ending}{} and ip[0:3] = 0", ")".repeat(open));
        compile(&whole, link).map_or_else(|reason| !reason.contains("syntax error"), |_| true)
    })
}

/// The words of an expression: letters and digits together, operators together, every other character for itself.
#[cfg(feature = "live")]
fn words(expression: &str) -> Vec<std::ops::Range<usize>> {
    let mut words: Vec<std::ops::Range<usize>> = Vec::new();
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '\\');
    let of_operator = |c: char| matches!(c, '!' | '=' | '<' | '>' | '&' | '|');
    let mut previous = ' ';
    for (at, c) in expression.char_indices() {
        let end = at + c.len_utf8();
        match words.last_mut() {
            Some(word) if of_name(previous) && of_name(c) || of_operator(previous) && of_operator(c) => word.end = end,
            _ if !c.is_whitespace() => words.push(at..end),
            _ => {}
        }
        previous = c;
    }
    words
}

#[cfg(all(test, feature = "live"))]
mod tests {
    use super::*;

    /// Marks the place in the expression with `>`.
    fn marked(expression: &str) -> String {
        let filter = Filter::expression(expression).expect("libpcap");
        let Err(CaptureError::BadFilter { place, .. }) = filter.for_link(LinkType(1)) else { panic!("compiles") };
        let Some(place) = place else { return "nowhere".to_owned() };
        format!("{}>{}", &expression[..place], &expression[place..])
    }

    #[test]
    fn finds_the_place_of_an_error() {
        assert_eq!(marked("tcp prot 80"), "tcp >prot 80");
        assert_eq!(marked("tcp and and udp"), "tcp and >and udp");
        assert_eq!(marked("tcp port 80)"), "tcp port 80>)");
        assert_eq!(marked("(tcp or udp"), "(tcp or udp>");
        assert_eq!(marked("tcp and"), "tcp and>");
        assert_eq!(marked("tcp[tcpflags] & tcp-syn != 0 or oops ]"), "tcp[tcpflags] & tcp-syn != 0 or >oops ]");
        assert_eq!(marked("tcp and port nosuchport"), "tcp and port >nosuchport");
    }

    /// A search word by word took a minute for this.
    #[test]
    fn the_place_is_found_in_a_long_expression() {
        let long = |end: &str| {
            let terms: Vec<_> = (0..300).map(|n| format!("(host 192.0.2.{} and port {n})", n % 250)).collect();
            marked(&format!("{}{end}", terms.join(" or ")))
        };
        let start = std::time::Instant::now();
        assert!(long(" or prot 80").ends_with(" or >prot 80"), "{}", long(" or prot 80"));
        assert!(long(" or or tcp").ends_with(" or >or tcp"));
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    #[test]
    fn an_empty_expression_takes_everything() {
        assert_eq!(Filter::expression(" ").unwrap().for_link(LinkType(1)).unwrap(), "");
    }
}
