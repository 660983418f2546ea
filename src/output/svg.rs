//! A flow as a picture in a file: a self-contained SVG without scripts, fonts or links. Several flows stand one below
//! the other.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use super::escape::escape;
use super::picture::{self, Picture, Style, WIDTH};
use super::picture_options::Theme;
use super::report::Report;
use super::{Locale, Settings, StepsShown};
use crate::engine::Totals;
use crate::flow::Flow;

/// How many flows one picture shows; further ones are counted.
const MAX_PICTURES: usize = 64;

/// The SVG format.
pub(super) struct Svg {
    settings: Settings,
    /// By the number of the flow.
    pictures: BTreeMap<u64, Picture>,
    /// Flows that had no room.
    left_out: u64,
}

impl Svg {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), pictures: BTreeMap::new(), left_out: 0 }
    }

    /// What is said at the bottom.
    fn note(&self) -> String {
        let locale = self.settings.locale;
        match (self.pictures.is_empty(), self.left_out) {
            (true, _) => locale.pick("no connection", "연결이 없습니다").to_owned(),
            (false, 0) => String::new(),
            (false, n) if self.settings.flows_where.is_some() => match locale {
                Locale::En => format!("{n} more connections match; --flow chooses one, -T html shows all"),
                Locale::Ko => format!("조건에 맞는 연결이 {n}개 더 있음 (--flow로 선택, -T html로 모두 보기)"),
            },
            (false, n) => match locale {
                Locale::En => format!("{n} more connections are not drawn; --flow chooses one"),
                Locale::Ko => format!("연결 {n}개는 그리지 않음 (--flow로 선택)"),
            },
        }
    }
}

impl Report for Svg {
    fn flow(&mut self, flow: &Flow) {
        let room = if self.settings.flows_where.is_some() { 1 } else { MAX_PICTURES };
        // Flows come as they end; those that began first are drawn.
        let full = self.pictures.len() >= room;
        if full && self.pictures.last_key_value().is_some_and(|(last, _)| *last < flow.id) {
            self.left_out += 1;
            return;
        }
        self.pictures.insert(flow.id, picture::draw(flow, &style(&self.settings)));
        if full {
            self.pictures.pop_last();
            self.left_out += 1;
        }
    }

    fn page(&mut self, _totals: &Totals) -> String {
        document(&self.pictures, self.settings.pictures.theme, self.settings.locale.name(), &self.note())
    }
}

/// How pictures are drawn under these settings.
pub(super) fn style(settings: &Settings) -> Style {
    Style {
        locale: settings.locale,
        part: settings.pictures.part,
        scale: settings.pictures.scale,
        fold: settings.steps != Some(StepsShown::All),
    }
}

/// One document of all `pictures`, and a `note` at the bottom where it is not empty.
fn document(pictures: &BTreeMap<u64, Picture>, theme: Theme, language: &str, note: &str) -> String {
    let gap = 24;
    let note_height = if note.is_empty() { 0 } else { 40 };
    let heights: u32 = pictures.values().map(|p| p.height + gap).sum::<u32>().saturating_sub(gap);
    let height = heights + note_height;
    let title: Vec<&str> = pictures.values().map(|p| p.title.as_str()).collect();
    let title = if title.is_empty() { note.to_owned() } else { title.join("; ") };
    let description: Vec<&str> = pictures.values().map(|p| p.description.as_str()).collect();
    // One picture is printed on one page; of several, each page has what fits.
    let on_one_page = if pictures.len() == 1 { "@media print{svg.synscope{max-height:100vh}}" } else { "" };
    let mut page = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"synscope\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\" \
         xml:lang=\"{language}\">\n<title id=\"title\">{}</title>\n<desc \
         id=\"desc\">{}</desc>\n<style>{}{on_one_page}</style>\n<rect class=\"paper\" width=\"{WIDTH}\" \
         height=\"{height}\"/>\n",
        escape(&title),
        escape(&description.join(" / ")),
        picture::style_sheet(theme),
    );
    let mut y = 0;
    for picture in pictures.values() {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "<g transform=\"translate(0 {y})\">\n{}</g>", picture.body);
        y += picture.height + gap;
    }
    if !note.is_empty() {
        let _ = writeln!(page, "<text x=\"16\" y=\"{}\">{}</text>", height - 14, escape(note));
    }
    page.push_str("</svg>\n");
    page
}

/// `picture` as an element of an HTML page that has the style sheet already.
pub(super) fn element(picture: &Picture, id: &str) -> String {
    format!(
        "<svg class=\"synscope\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-labelledby=\"t{id} d{id}\">\n<title id=\"t{id}\">{}</title>\n<desc id=\"d{id}\">{}</desc>\n{}</svg>\n",
        escape(&picture.title),
        escape(&picture.description),
        picture.body,
        height = picture.height,
    )
}
