//! Text to [`Expression`], by recursive descent. Every refusal names a place.

use regex::{Regex, RegexBuilder};

use super::error::FilterError;
use super::expression::Expression;
use super::field::{self, Field, Kind, Unit};
use super::names::{self, Named};
use super::test::Test;
use crate::network::{self, IpNet};
use crate::suggest::{did_you_mean, slip_of};
use crate::time::{MICROSECOND, MILLISECOND, SECOND};

/// How deep parentheses and negations may nest.
const MAX_DEPTH: usize = 64;
/// Bound of a compiled pattern, octets.
const MAX_PATTERN: usize = 1 << 20;

type Parsed<T> = Result<T, FilterError>;

/// Reads a whole filter.
pub(super) fn parse(text: &str) -> Parsed<Expression> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    parser.space();
    if parser.rest().is_empty() {
        return Ok(Expression::All(Vec::new()));
    }
    let expression = parser.any()?;
    if parser.rest().is_empty() { Ok(expression) } else { Err(parser.wrong("unmatched ')'")) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn wrong(&self, problem: impl Into<String>) -> FilterError {
        FilterError { problem: problem.into(), place: self.at }
    }

    /// Takes `symbol` if it comes next.
    fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len();
            self.space();
        }
        found
    }

    /// Takes `word` if it comes next and nothing that would make it another word follows.
    fn keyword(&mut self, word: &str) -> bool {
        let found = self.rest().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            && self.rest()[word.len()..].chars().next().is_none_or(|c| c.is_whitespace() || c == '(' || c == ')');
        if found {
            self.at += word.len();
            self.space();
        }
        found
    }

    fn any(&mut self) -> Parsed<Expression> {
        let mut some = vec![self.all()?];
        while self.keyword("or") || self.symbol("||") {
            some.push(self.all()?);
        }
        Ok(if some.len() == 1 { some.remove(0) } else { Expression::Any(some) })
    }

    fn all(&mut self) -> Parsed<Expression> {
        let mut all = vec![self.not()?];
        loop {
            let joined = self.keyword("and") || self.symbol("&&");
            let ends = self.rest().is_empty() || self.rest().starts_with(')') || self.rest().starts_with("||");
            if !joined && (ends || self.is_keyword("or")) {
                break;
            }
            all.push(self.not()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expression::All(all) })
    }

    fn is_keyword(&mut self, word: &str) -> bool {
        let at = self.at;
        let found = self.keyword(word);
        self.at = at;
        found
    }

    fn not(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong(format!("nesting exceeds {MAX_DEPTH} levels")));
        }
        let expression = if self.keyword("not") || self.symbol("!") || self.symbol("-") {
            Expression::Not(Box::new(self.not()?))
        } else if self.symbol("(") {
            let inner = self.any()?;
            if !self.symbol(")") {
                return Err(self.wrong("missing ')'"));
            }
            inner
        } else {
            self.term()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn term(&mut self) -> Parsed<Expression> {
        for word in ["or", "and"] {
            if self.is_keyword(word) {
                return Err(self.wrong(format!("missing expression before '{word}'")));
            }
        }
        match self.rest().chars().next() {
            None => Err(self.wrong("missing expression at the end")),
            Some(')') => Err(self.wrong("missing expression before ')'")),
            Some('/') => Ok(Expression::Pattern(self.pattern()?)),
            Some('"') => Ok(Expression::Text(self.quoted()?.to_lowercase())),
            Some(_) => self.word_or_field(),
        }
    }

    fn word_or_field(&mut self) -> Parsed<Expression> {
        let token_end =
            self.rest().find(|c: char| c.is_whitespace() || c == '(' || c == ')').unwrap_or(self.rest().len());
        let token = &self.rest()[..token_end];
        if let Some(network) = network(token) {
            self.at += token_end;
            self.space();
            return Ok(Expression::Network(network));
        }
        let name_end = token.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_')).unwrap_or(token_end);
        let start = self.at;
        let name = &token[..name_end];
        let after = &self.rest()[name_end..];
        let spaced = after.trim_start();
        // Between a field and its comparison there may be a space, as in C; before ":" and "~" there may not.
        let has_operator =
            after.starts_with([':', '~']) || spaced.starts_with(['=', '<', '>']) || spaced.starts_with("!=");
        let has_operator = has_operator || (is_whole(name, token) && word_operator(spaced).is_some());
        if name.is_empty() || !has_operator {
            slip(token).map_or(Ok(()), |problem| Err(FilterError { problem, place: start }))?;
            self.at += token_end;
            self.space();
            // Everything here is TCP.
            let all = token.eq_ignore_ascii_case("tcp");
            return Ok(if all { Expression::All(Vec::new()) } else { Expression::Text(token.to_lowercase()) });
        }
        let Some(named) = names::find(name) else {
            return Err(FilterError { problem: names::unknown(name), place: start });
        };
        self.at += name_end;
        self.space();
        match named {
            Named::Field(field) => self.comparison(field),
            Named::Flag(flag) => self.flag(flag),
        }
    }

    fn comparison(&mut self, field: &'static Field) -> Parsed<Expression> {
        let place = self.at;
        let operator = self.operator();
        let test = match operator {
            "~" => Test::Pattern(self.pattern_value()?),
            ">" | ">=" | "<" | "<=" => self.bound(field, operator, place)?,
            _ => self.values(field, operator == ":")?,
        };
        self.space();
        if operator == "~" && matches!(field.kind, Kind::Number(..) | Kind::Flag(_)) {
            return Err(FilterError {
                problem: format!("field '{}' is not text; ~ does not apply", field.name),
                place,
            });
        }
        let expression = Expression::Field(field, test);
        Ok(if operator == "!=" { Expression::Not(Box::new(expression)) } else { expression })
    }

    /// Takes the operator that comes next, in any spelling.
    fn operator(&mut self) -> &'static str {
        let (length, operator) = word_operator(self.rest()).unwrap_or_else(|| {
            let symbols = ["!=", ">=", "<=", "==", ":", "=", ">", "<", "~"];
            let symbol = symbols.into_iter().find(|symbol| self.rest().starts_with(symbol)).unwrap_or(":");
            (symbol.len(), symbol)
        });
        self.at += length;
        self.space();
        operator
    }

    /// A flag of a step and whether it is set: `tcp.flags.syn==1`.
    fn flag(&mut self, flag: &'static str) -> Parsed<Expression> {
        let operator = self.operator();
        let place = self.at;
        let typed = self.bare();
        let set = match typed.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => true,
            "0" | "false" | "no" => false,
            _ => return Err(FilterError { problem: "expected 1 or 0".to_owned(), place }),
        };
        if !["=", "==", ":", "!="].contains(&operator) {
            return Err(FilterError { problem: format!("a flag is 1 or 0; {operator} does not apply"), place });
        }
        self.at += typed.len();
        self.space();
        let Some(Named::Field(field)) = names::find("flag") else {
            return Err(FilterError { problem: names::unknown("flag"), place });
        };
        let expression = Expression::Field(field, Test::Words(vec![flag.to_owned()]));
        let negated = set == (operator == "!=");
        Ok(if negated { Expression::Not(Box::new(expression)) } else { expression })
    }

    fn bound(&mut self, field: &'static Field, operator: &str, place: usize) -> Parsed<Test> {
        let Kind::Number(unit, _) = field.kind else {
            let problem = format!("field '{}' is not a number; {operator} does not apply", field.name);
            return Err(FilterError { problem, place });
        };
        let (n, _) = self.number(unit, field)?;
        let range = match operator {
            ">" => (n.saturating_add(1), i64::MAX),
            ">=" => (n, i64::MAX),
            "<" => (i64::MIN, n.saturating_sub(1)),
            _ => (i64::MIN, n),
        };
        Ok(Test::Ranges(vec![range]))
    }

    /// One value, or several in braces.
    fn values(&mut self, field: &'static Field, contains: bool) -> Parsed<Test> {
        if self.rest().starts_with('/') {
            return match field.kind {
                Kind::Number(..) | Kind::Flag(_) => Err(self.wrong(format!("field '{}' is not text", field.name))),
                _ => Ok(Test::Pattern(self.pattern()?)),
            };
        }
        let mut test = empty(field, contains);
        if !self.symbol("{") {
            self.value(field, &mut test)?;
            return Ok(test);
        }
        loop {
            self.value(field, &mut test)?;
            self.space();
            if self.symbol("}") {
                return Ok(test);
            }
            // Wireshark separates values by spaces, too.
            let is_next = self.symbol(",") || !self.rest().is_empty() && !self.rest().starts_with(['(', ')']);
            if !is_next {
                return Err(self.wrong("expected ',' or '}'"));
            }
        }
    }

    fn value(&mut self, field: &'static Field, test: &mut Test) -> Parsed<()> {
        match (field.kind, test) {
            (Kind::Number(unit, _), Test::Ranges(ranges)) => {
                let (from, to) = self.number(unit, field)?;
                if !self.rest().starts_with("..") {
                    ranges.push((from, to));
                    return Ok(());
                }
                self.at += 2;
                let place = self.at;
                let (_, to) = self.number(unit, field)?;
                if to < from {
                    return Err(FilterError { problem: "empty range".to_owned(), place });
                }
                ranges.push((from, to));
            }
            (Kind::Address(_), Test::Networks(networks)) => {
                let typed = self.bare();
                let found = network(typed).ok_or_else(|| self.wrong("expected an address, like 10.0.0.0/8 or fd00::1"));
                networks.push(found?);
                self.at += typed.len();
            }
            (Kind::Word(known, _), Test::Words(words)) => words.push(self.word(field, &known())?),
            (Kind::Flag(_), Test::Flag(wanted)) => {
                let typed = self.bare();
                *wanted = match typed.to_ascii_lowercase().as_str() {
                    "yes" | "true" | "on" | "1" => true,
                    "no" | "false" | "off" | "0" => false,
                    _ => return Err(self.wrong("expected yes or no")),
                };
                self.at += typed.len();
            }
            (_, Test::Contains(texts)) => texts.push(self.text()?.to_lowercase()),
            (_, Test::Texts(texts)) => texts.push(self.text()?),
            _ => return Err(self.wrong("unsupported value")),
        }
        Ok(())
    }

    fn word(&mut self, field: &'static Field, known: &[&'static str]) -> Parsed<String> {
        let place = self.at;
        let typed = self.text()?;
        let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
        let found = known.iter().find(|word| plain(word) == plain(&typed));
        found.map(|word| (*word).to_owned()).ok_or_else(|| FilterError {
            problem: format!("unknown {} '{typed}'{}", field.name, did_you_mean(&plain(&typed), known.iter().copied())),
            place,
        })
    }

    fn text(&mut self) -> Parsed<String> {
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let typed = self.bare();
        if typed.is_empty() {
            return Err(self.wrong("missing value"));
        }
        self.at += typed.len();
        Ok(typed.to_owned())
    }

    /// What comes next up to a space, a parenthesis, or the end of a list's item.
    fn bare(&self) -> &'a str {
        let end = self.rest().find(|c: char| c.is_whitespace() || "(){},".contains(c)).unwrap_or(self.rest().len());
        &self.rest()[..end]
    }

    fn quoted(&mut self) -> Parsed<String> {
        let open = self.at;
        let inner = &self.rest()[1..];
        let Some(end) = inner.find('"') else {
            return Err(FilterError { problem: "missing closing quotation mark".to_owned(), place: open });
        };
        self.at += end + 2;
        self.space();
        Ok(inner[..end].to_owned())
    }

    fn pattern_value(&mut self) -> Parsed<Regex> {
        if self.rest().starts_with('/') {
            return self.pattern();
        }
        let place = self.at;
        let typed = self.text()?;
        regex(&typed, place)
    }

    fn pattern(&mut self) -> Parsed<Regex> {
        let open = self.at;
        let inner = &self.rest()[1..];
        let mut escaped = false;
        let end = inner.find(|c: char| {
            let ends = c == '/' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let Some(end) = end else {
            return Err(FilterError { problem: "missing closing '/'".to_owned(), place: open });
        };
        self.at += end + 2;
        self.space();
        regex(&inner[..end].replace("\\/", "/"), open + 1)
    }

    /// A number in `unit`: the closed range of values that it stands for (a severity's word stands for itself).
    fn number(&mut self, unit: Unit, field: &'static Field) -> Parsed<(i64, i64)> {
        let typed = self.bare();
        let typed = typed.split_once("..").map_or(typed, |(from, _)| from);
        let place = self.at;
        self.at += typed.len();
        let wrong = |problem: String| FilterError { problem, place };
        if unit == Unit::Severity {
            let known = ["info", "note", "warn", "alert"];
            let found = field::severity(&typed.to_ascii_lowercase());
            return found.map(|n| (n, n)).ok_or_else(|| {
                wrong(format!("expected info, note, warn or alert{}", did_you_mean(typed, known.into_iter())))
            });
        }
        let digits = typed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(typed.len());
        let (digits, suffix) = typed.split_at(digits);
        let factor = factor(unit, suffix)
            .ok_or_else(|| FilterError { problem: unit_problem(unit, field, suffix), place: place + digits.len() })?;
        let value: f64 = digits.parse().map_err(|_| wrong(format!("field '{}' is a number", field.name)))?;
        let value = value * factor;
        if factor <= 1.0 && value.fract() != 0.0 {
            return Err(wrong("expected a whole number".to_owned()));
        }
        let value = value as i64;
        Ok((value, value))
    }
}

/// Operators that are words (Wireshark's), and what each means.
const WORD_OPERATORS: &[(&str, &str)] = &[
    ("eq", "="),
    ("ne", "!="),
    ("gt", ">"),
    ("ge", ">="),
    ("lt", "<"),
    ("le", "<="),
    ("contains", ":"),
    ("matches", "~"),
    ("in", ":"),
];

/// The operator that is a word and comes next, and how long it is.
fn word_operator(rest: &str) -> Option<(usize, &'static str)> {
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let word = &rest[..end];
    let followed = rest[end..].starts_with([' ', '\t', '{', '"']);
    let found = WORD_OPERATORS.iter().find(|(name, _)| followed && name.eq_ignore_ascii_case(word));
    found.map(|(name, symbol)| (name.len(), *symbol))
}

/// Whether the token is the name of a field and nothing else.
fn is_whole(name: &str, token: &str) -> bool {
    name.len() == token.len() && names::find(name).is_some()
}

/// Why a word alone is a slip: it is a field without a value, or nearly a word that flows have.
fn slip(token: &str) -> Option<String> {
    if let Some(named) = names::find(token) {
        return Some(match named {
            Named::Field(field) => format!("field '{token}' requires a value: {}:VALUE", field.name),
            Named::Flag(_) => format!("'{token}' requires a value: {token}==1"),
        });
    }
    let typed = token.to_lowercase();
    let words = || {
        let fields = ["phase", "outcome", "event"].iter().filter_map(|name| names::find(name));
        fields.flat_map(|named| match named {
            Named::Field(Field { kind: Kind::Word(words, _), .. }) => words(),
            _ => Vec::new(),
        })
    };
    // What is no address, and too short to be a slip of anything, is searched for.
    let is_word = typed.len() > 3 && typed.chars().all(|c| c.is_alphabetic() || c == '-' || c == '_');
    if !is_word || words().any(|word| word.contains(&typed)) {
        return None;
    }
    let near = slip_of(&typed, words())?;
    Some(format!("no '{token}'; did you mean '{near}'? To search for it as text, write \"{token}\""))
}

fn empty(field: &'static Field, contains: bool) -> Test {
    match field.kind {
        Kind::Number(..) => Test::Ranges(Vec::new()),
        Kind::Address(_) => Test::Networks(Vec::new()),
        Kind::Word(..) => Test::Words(Vec::new()),
        Kind::Flag(_) => Test::Flag(true),
        Kind::Text(_) if contains => Test::Contains(Vec::new()),
        Kind::Text(_) => Test::Texts(Vec::new()),
    }
}

fn factor(unit: Unit, suffix: &str) -> Option<f64> {
    let nanoseconds = |n: i64| Some(n as f64);
    match (unit, suffix) {
        (Unit::Time, "ns") | (Unit::Count | Unit::Size, "") | (Unit::Size, "B") => Some(1.0),
        (Unit::Time, "us" | "µs") => nanoseconds(MICROSECOND),
        (Unit::Time, "ms") => nanoseconds(MILLISECOND),
        (Unit::Time, "s") => nanoseconds(SECOND),
        (Unit::Time, "m" | "min") => nanoseconds(60 * SECOND),
        (Unit::Time, "h") => nanoseconds(3_600 * SECOND),
        (Unit::Size, "kB" | "k" | "K") => Some(1e3),
        (Unit::Size, "MB" | "M") => Some(1e6),
        (Unit::Size, "GB" | "G") => Some(1e9),
        _ => None,
    }
}

fn unit_problem(unit: Unit, field: &Field, suffix: &str) -> String {
    match unit {
        Unit::Time if suffix.is_empty() => format!("field '{}' requires a unit: us, ms, s, m or h", field.name),
        Unit::Time => format!("unknown unit of time '{suffix}'; expected us, ms, s, m or h"),
        Unit::Size => format!("unknown unit of size '{suffix}'; expected B, kB or MB"),
        Unit::Count | Unit::Severity => format!("field '{}' is a number", field.name),
    }
}

fn regex(pattern: &str, place: usize) -> Parsed<Regex> {
    RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build().map_err(|error| {
        let text = error.to_string();
        let problem = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        FilterError { problem: format!("invalid regular expression: {problem}"), place }
    })
}

fn network(typed: &str) -> Option<IpNet> {
    let (address, length) = typed.split_at(typed.find('/').unwrap_or(typed.len()));
    network::parse(&(address.trim_start_matches('[').trim_end_matches(']').to_owned() + length)).ok()
}
