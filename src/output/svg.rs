//! A flow as a picture in a file: a self-contained SVG without scripts, fonts or links. Several flows stand one below the other.

use core::fmt::Write as _;

use super::picture::{self, Picture, Style, Theme, WIDTH, escape};
use super::{Out, Settings, StepsShown, Writer};
use crate::engine::{Event, Sink};

/// How many flows one picture shows; further ones are counted.
const MAX_PICTURES: usize = 64;

/// The SVG format.
pub(super) struct Svg {
    out: Out,
    settings: Settings,
    pictures: Vec<Picture>,
    /// Flows that had no room.
    left_out: u64,
}

impl Svg {
    pub(super) fn new(out: Out, settings: &Settings) -> Self {
        Self { out, settings: settings.clone(), pictures: Vec::new(), left_out: 0 }
    }

    fn page(&self) -> String {
        let locale = self.settings.locale;
        let mut note = String::new();
        if self.pictures.is_empty() {
            locale.pick("no connection", "연결이 없습니다").clone_into(&mut note);
        } else if self.left_out > 0 {
            note = match locale {
                super::Locale::En => format!("{} more connections are not drawn; --flow chooses one", self.left_out),
                super::Locale::Ko => format!("연결 {}개는 그리지 않음 (--flow로 선택)", self.left_out),
            };
        }
        document(&self.pictures, self.settings.pictures.theme, locale.name(), &note)
    }
}

impl Sink for Svg {
    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::FlowEnd { flow, .. } if self.pictures.len() < MAX_PICTURES => {
                self.pictures.push(picture::draw(flow, &style(&self.settings)));
            }
            Event::FlowEnd { .. } => self.left_out += 1,
            Event::SessionEnd { .. } => {
                let page = self.page();
                self.out.buffer.extend_from_slice(page.as_bytes());
                self.out.end_line();
            }
            _ => {}
        }
    }
}

impl Writer for Svg {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}

/// How pictures are drawn under these settings.
pub(super) fn style(settings: &Settings) -> Style {
    Style {
        locale: settings.locale,
        part: settings.pictures.part,
        scale: settings.pictures.scale,
        fold: settings.steps != StepsShown::All,
        rule_id: settings.rule_id,
    }
}

/// One document of all `pictures`, and a `note` at the bottom where it is not empty.
fn document(pictures: &[Picture], theme: Theme, language: &str, note: &str) -> String {
    let gap = 24;
    let note_height = if note.is_empty() { 0 } else { 40 };
    let heights: u32 = pictures.iter().map(|p| p.height + gap).sum::<u32>().saturating_sub(gap);
    let height = heights + note_height;
    let title: Vec<&str> = pictures.iter().map(|p| p.title.as_str()).collect();
    let title = if title.is_empty() { note.to_owned() } else { title.join("; ") };
    let description: Vec<&str> = pictures.iter().map(|p| p.description.as_str()).collect();
    let mut page = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"synscope\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\" xml:lang=\"{language}\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n<style>{}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>\n",
        escape(&title),
        escape(&description.join(" / ")),
        picture::style_sheet(theme),
    );
    let mut y = 0;
    for picture in pictures {
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
