//! Text of eighty columns that grows by lines, paragraphs and sections.

use core::fmt::Write as _;

/// Columns of a page.
const WIDTH: usize = 80;

/// A page.
#[derive(Debug, Default)]
pub(super) struct Page(pub(super) String);

impl Page {
    pub(super) fn line(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{}", line.trim_end());
    }

    /// A title, with an empty line before it if anything is.
    pub(super) fn title(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.line(title);
    }

    /// A title and its rows; nothing at all without rows.
    pub(super) fn section(&mut self, title: &str, rows: impl Iterator<Item = String>) {
        let mut rows = rows.peekable();
        if rows.peek().is_some() {
            self.title(title);
            rows.for_each(|row| self.line(&row));
        }
    }

    /// `first`, then `text` behind it, broken between words; lines after the first begin in column `indent`.
    pub(super) fn wrapped(&mut self, first: &str, indent: usize, text: &str) {
        let mut line = first.to_owned();
        for word in text.split_whitespace() {
            let columns = line.chars().count();
            let gap = usize::from(!line.is_empty() && !line.ends_with(' '));
            if columns + gap + word.chars().count() > WIDTH && columns > indent {
                self.line(&line);
                line = " ".repeat(indent);
            } else if gap > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_between_words_and_nothing_is_lost() {
        let words: Vec<String> = (0..60).map(|n| "x".repeat(n % 13 + 1)).collect();
        let mut page = Page::default();
        page.wrapped("    3  ", 7, &words.join(" "));
        assert!(page.0.lines().all(|line| line.len() <= WIDTH), "{}", page.0);
        assert!(page.0.lines().skip(1).all(|line| line.starts_with("       x")), "{}", page.0);
        assert_eq!(page.0.split_whitespace().skip(1).collect::<Vec<_>>(), words);
    }

    #[test]
    fn a_word_wider_than_the_page_has_a_line_of_its_own() {
        let mut page = Page::default();
        page.wrapped("abc", 2, &format!("{} cd", "y".repeat(100)));
        assert_eq!(page.0.lines().count(), 3, "{}", page.0);
    }
}
