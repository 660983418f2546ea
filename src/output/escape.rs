//! Text from outside, made harmless for where it goes: names of files, interfaces, hosts and processes, filters,
//! comments, addresses of the command line.
//!
//! Everywhere the same characters are refused ([`is_unsafe`]): those that a terminal obeys, that turn the direction of
//! what follows, or that nobody sees. Each place refuses what is markup there besides.

/// Whether a character must not reach anybody's eyes as it is: controls (C0, C1), directions, zero width, separators of
/// lines, tags, and what is no character.
pub const fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
        || c as u32 & 0xfffe == 0xfffe
}

/// What stands for an unsafe character where its number would not help.
pub const REPLACEMENT: char = '\u{fffd}';

/// For a terminal and for messages: unsafe characters by their number, as `\u{1b}`.
pub fn for_terminal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    safe
}

/// The same for a message of several lines.
pub fn lines_for_terminal(text: &str) -> String {
    text.split('\n').map(for_terminal).collect::<Vec<_>>().join("\n")
}

/// Text with what XML and HTML must not see escaped, attributes included, and characters that XML cannot hold replaced.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(' '),
            c if is_unsafe(c) => safe.push(REPLACEMENT),
            c => safe.push(c),
        }
    }
    safe
}

/// Text with what Markdown would take for markup escaped.
pub fn escape_markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '<' | '>' => {
                safe.push('\\');
                safe.push(c);
            }
            '&' => safe.push_str("&amp;"),
            '\n' | '\t' => safe.push(' '),
            c if is_unsafe(c) => safe.push(REPLACEMENT),
            c => safe.push(c),
        }
    }
    safe
}

/// A label of a Mermaid diagram: what ends a statement or opens an entity or a tag there is left out.
pub fn for_mermaid(text: &str) -> String {
    let safe = |c| match c {
        '\n' | '\t' => ' ',
        ';' | '#' | '<' | '>' | '"' | '`' | '&' | '{' | '}' | '%' => ' ',
        c if is_unsafe(c) => REPLACEMENT,
        c => c,
    };
    text.chars().map(safe).collect()
}

/// A field of CSV: what a spreadsheet would take for a formula is led by an apostrophe, numbers are left alone.
pub fn for_spreadsheet(field: &str) -> Option<String> {
    let is_formula = field
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
        && field.parse::<f64>().is_err();
    let is_clean = !field.chars().any(is_unsafe);
    if is_clean && !is_formula {
        return None;
    }
    let safe: String = field.chars().map(|c| if is_unsafe(c) { REPLACEMENT } else { c }).collect();
    Some(if is_formula { format!("'{safe}") } else { safe })
}

/// A value of Zeek's logs: tabs, backslashes and unsafe characters as `\x09`, octet by octet.
pub fn for_zeek(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\\' || is_unsafe(c) {
            let mut octets = [0; 4];
            c.encode_utf8(&mut octets).bytes().for_each(|octet| safe.push_str(&format!("\\x{octet:02x}")));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character there is, alone and between letters.
    fn all() -> impl Iterator<Item = (char, String)> {
        ('\0'..=char::MAX).map(|c| (c, format!("a{c}b")))
    }

    fn has_unsafe(text: &str) -> bool {
        text.chars().any(is_unsafe)
    }

    #[test]
    fn what_terminals_obey_and_nobody_sees_is_unsafe() {
        let bad = "\0\x07\x08\x1b\x7f\u{80}\u{9b}\u{9d}\
                   \u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{2028}\u{2029}\u{202a}\u{202e}\
                   \u{2060}\u{2066}\u{2069}\u{feff}\u{fffe}\u{1fffe}\u{10ffff}\u{e0001}\u{e0041}";
        assert!(bad.chars().all(is_unsafe));
        assert!("az09 ~ÀßñΩжאبกあ漢字한글🙂\u{301}\u{fffd}".chars().all(|c| !is_unsafe(c)));
    }

    #[test]
    fn no_sink_lets_an_unsafe_character_through() {
        for (c, text) in all() {
            let sinks = [
                for_terminal(&text),
                escape(&text),
                escape_markdown(&text),
                for_mermaid(&text),
                for_spreadsheet(&text).unwrap_or_else(|| text.clone()),
                for_zeek(&text),
            ];
            for (n, safe) in sinks.iter().enumerate() {
                assert!(!has_unsafe(safe), "{n}: {c:?} gave {safe:?}");
                // Nothing is swallowed.
                assert!(safe.starts_with('a') && safe.ends_with('b') && safe.len() > 2, "{n}: {safe:?}");
            }
        }
    }

    #[test]
    fn no_markup_gets_out_of_its_place() {
        for (c, text) in all() {
            let html = escape(&text);
            assert!(!html.contains(['<', '>', '"', '\'']), "{c:?}: {html}");
            assert!(!html.contains('&') || html.contains(';'), "{c:?}: {html}");
            let mermaid = for_mermaid(&text);
            assert!(!mermaid.contains(['\n', ';', '#', '<', '>', '"', '`', '{', '}', '&']), "{c:?}: {mermaid}");
            let zeek = for_zeek(&text);
            assert!(!zeek.contains(['\t', '\n', '\r']), "{c:?}: {zeek}");
            let markdown = escape_markdown(&text);
            let markup = ['`', '*', '_', '[', ']', '<', '>', '|', '#', '~'];
            let open = markdown.char_indices().any(|(at, m)| markup.contains(&m) && !markdown[..at].ends_with('\\'));
            assert!(!open && !markdown.contains('\n'), "{c:?}: {markdown}");
        }
    }

    #[test]
    fn formulas_are_text_and_numbers_stay_numbers() {
        for formula in ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "|cmd", "-"] {
            assert!(for_spreadsheet(formula).is_some_and(|safe| safe.starts_with('\'')), "{formula}");
        }
        for plain in ["", "-5", "+5", "-0.25", "1e9", "2001:db8::1", "a=b", "ShADFf"] {
            assert_eq!(for_spreadsheet(plain), None, "{plain}");
        }
    }

    #[test]
    fn messages_keep_their_lines() {
        assert_eq!(lines_for_terminal("a\x1b[2J\n  b\u{202e}"), "a\\u{1b}[2J\n  b\\u{202e}");
        assert_eq!(for_zeek("a\tb\\c\u{2028}"), "a\\x09b\\x5cc\\xe2\\x80\\xa8");
    }
}
