//! An explanation before it is text, HTML or Markdown.

use core::fmt::Write as _;

use crate::output::escape::{escape, escape_markdown};

/// A piece of an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading(String),
    /// A paragraph.
    Paragraph(String),
    /// A step or remark of a list.
    Item(String),
    /// Lines that stay as they are.
    Figure(String),
}

/// An explanation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Its pieces in order.
    pub blocks: Vec<Block>,
}

/// Columns of text.
const COLUMNS: usize = 80;

impl Document {
    pub(super) fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    pub(super) fn paragraph(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Paragraph(text.into()));
    }

    pub(super) fn item(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Item(text.into()));
    }

    pub(super) fn figure(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Figure(text.into()));
    }

    /// As text, 80 columns; a Korean character takes two.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for block in &self.blocks {
            match block {
                Block::Heading(heading) => {
                    let gap = if text.is_empty() { "" } else { "\n" };
                    // Writing to a String cannot fail.
                    let _ = writeln!(text, "{gap}{heading}");
                }
                Block::Paragraph(paragraph) => wrapped(&mut text, "  ", "  ", paragraph),
                Block::Item(item) => wrapped(&mut text, "  - ", "    ", item),
                Block::Figure(figure) => {
                    for line in figure.lines() {
                        let _ = writeln!(text, "  {}", line.trim_end());
                    }
                }
            }
        }
        text
    }

    /// As HTML, headings of this level.
    pub fn html(&self, level: u8) -> String {
        let mut html = String::new();
        let mut in_list = false;
        for block in &self.blocks {
            let is_item = matches!(block, Block::Item(_));
            if is_item != in_list {
                html.push_str(if is_item { "<ul>\n" } else { "</ul>\n" });
                in_list = is_item;
            }
            let _ = match block {
                Block::Heading(text) => writeln!(html, "<h{level}>{}</h{level}>", escape(text)),
                Block::Paragraph(text) => writeln!(html, "<p>{}</p>", escape(text)),
                Block::Item(text) => writeln!(html, "<li>{}</li>", escape(text)),
                Block::Figure(text) => {
                    let lines: Vec<String> = text.lines().map(escape).collect();
                    writeln!(html, "<pre>{}</pre>", lines.join("\n"))
                }
            };
        }
        if in_list {
            html.push_str("</ul>\n");
        }
        html
    }

    /// As Markdown, headings of this level.
    pub fn markdown(&self, level: usize) -> String {
        let mut text = String::new();
        let mut in_list = false;
        for block in &self.blocks {
            let is_item = matches!(block, Block::Item(_));
            if in_list && !is_item {
                text.push('\n');
            }
            in_list = is_item;
            let _ = match block {
                Block::Heading(heading) => writeln!(text, "{} {}\n", "#".repeat(level), escape_markdown(heading)),
                Block::Paragraph(paragraph) => writeln!(text, "{}\n", escape_markdown(paragraph)),
                Block::Item(item) => writeln!(text, "- {}", escape_markdown(item)),
                Block::Figure(figure) => writeln!(text, "```text\n{}\n```\n", figure.trim_end()),
            };
        }
        if in_list {
            text.push('\n');
        }
        text
    }
}

fn columns(text: &str) -> usize {
    text.chars().map(|c| if (c as u32) < 0x1100 || (0x2000..0x2e80).contains(&(c as u32)) { 1 } else { 2 }).sum()
}

fn wrapped(text: &mut String, first: &str, next: &str, paragraph: &str) {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in paragraph.split_whitespace() {
        if !empty && columns(&line) + 1 + columns(word) > COLUMNS {
            let _ = writeln!(text, "{line}");
            next.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_opened_and_closed() {
        let mut document = Document::default();
        document.heading("A <b>");
        document.item("one");
        document.item("two");
        document.paragraph("end");
        assert_eq!(document.html(2), "<h2>A &lt;b&gt;</h2>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n<p>end</p>\n");
        assert_eq!(document.markdown(2), "## A \\<b\\>\n\n- one\n- two\n\nend\n\n");
    }

    #[test]
    fn korean_is_wrapped_by_columns() {
        let mut document = Document::default();
        document.paragraph("연결 설정 ".repeat(30));
        assert!(document.text().lines().all(|line| columns(line) <= COLUMNS));
    }
}
