//! JSON, one value after the other into a vector of octets.
//!
//! The same text as serde_json writes, but that every character that must not reach anybody's eyes
//! ([`is_unsafe`]) is written as `\u2028`. Events are what a flood makes most of: the names of fields are known to need
//! no escape, nearly every text is found plain eight octets at a time, and nothing passes through [`std::io::Write`].

use core::fmt::{self, Display, Write as _};

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::escape::is_unsafe;

/// Appends `value` to `out`.
///
/// # Errors
///
/// What `value` itself refuses, and integers of more than 64 bits; `out` then ends in a part of it.
pub(super) fn write_json(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) -> fmt::Result {
    value.serialize(JsonWriter(out))
}

/// Appends `text` as a JSON string.
#[inline]
fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_text(text, out);
    out.push(b'"');
}

#[inline]
fn write_text(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_escaped(text, out);
    }
}

/// Whether no octet needs an escape, nor may be part of a character that does.
#[inline]
fn is_plain(octets: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut words = octets.chunks_exact(8);
    let mut found = 0;
    for word in &mut words {
        let word = word.try_into().map_or(0, u64::from_ne_bytes);
        let is_zero = |x: u64| x.wrapping_sub(ONES) & !x;
        let below_space = word.wrapping_sub(ONES * 0x20) & !word;
        let from_delete = word | word.wrapping_add(ONES);
        found |= below_space | from_delete | is_zero(word ^ (ONES * 0x22)) | is_zero(word ^ (ONES * 0x5c));
    }
    let rest = words.remainder().iter();
    found & HIGH == 0
        && rest.fold(true, |plain, octet| plain & matches!(octet, b' '..=b'~') & !matches!(octet, b'"' | b'\\'))
}

#[cold]
fn write_escaped(text: &str, out: &mut Vec<u8>) {
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            c if is_unsafe(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Writes one value.
struct JsonWriter<'a>(&'a mut Vec<u8>);

impl<'a> JsonWriter<'a> {
    fn integer(self, n: impl itoa::Integer) -> fmt::Result {
        self.0.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
        Ok(())
    }

    /// A floating-point number, which is rare.
    fn float(self, number: impl Serialize) -> fmt::Result {
        serde_json::to_writer(self.0, &number).map_err(|_| fmt::Error)
    }

    #[inline]
    fn parts(self, begin: &'static [u8], end: &'static [u8]) -> JsonParts<'a> {
        self.0.extend_from_slice(begin);
        JsonParts { out: self.0, is_first: true, end }
    }

    /// What is in `variant`, between `begin` and `end`.
    fn variant(self, variant: &str, begin: &'static [u8], end: &'static [u8]) -> JsonParts<'a> {
        self.0.push(b'{');
        write_json_string(variant, self.0);
        self.0.push(b':');
        self.parts(begin, end)
    }
}

/// Writes the parts of a list, a map or a structure.
struct JsonParts<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    end: &'static [u8],
}

impl JsonParts<'_> {
    #[inline]
    fn next(&mut self) {
        if !core::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
    }

    #[inline]
    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> fmt::Result {
        self.next();
        value.serialize(JsonWriter(self.out))
    }

    /// A field, whose name needs no escape.
    #[inline]
    fn field(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> fmt::Result {
        debug_assert!(is_plain(name.as_bytes()), "{name:?}");
        self.out.reserve(name.len() + 4);
        self.next();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(JsonWriter(self.out))
    }

    #[inline]
    fn finish(self) -> fmt::Result {
        self.out.extend_from_slice(self.end);
        Ok(())
    }
}

impl<'a> Serializer for JsonWriter<'a> {
    type Ok = ();
    type Error = fmt::Error;
    type SerializeSeq = JsonParts<'a>;
    type SerializeTuple = JsonParts<'a>;
    type SerializeTupleStruct = JsonParts<'a>;
    type SerializeTupleVariant = JsonParts<'a>;
    type SerializeMap = JsonParts<'a>;
    type SerializeStruct = JsonParts<'a>;
    type SerializeStructVariant = JsonParts<'a>;

    fn serialize_bool(self, v: bool) -> fmt::Result {
        self.0.extend_from_slice(if v { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i8(self, v: i8) -> fmt::Result {
        self.integer(v)
    }

    fn serialize_i16(self, v: i16) -> fmt::Result {
        self.integer(v)
    }

    fn serialize_i32(self, v: i32) -> fmt::Result {
        self.integer(v)
    }

    fn serialize_i64(self, v: i64) -> fmt::Result {
        self.integer(v)
    }

    fn serialize_u8(self, v: u8) -> fmt::Result {
        self.integer(v)
    }

    fn serialize_u16(self, v: u16) -> fmt::Result {
        self.integer(v)
    }

    fn serialize_u32(self, v: u32) -> fmt::Result {
        self.integer(v)
    }

    fn serialize_u64(self, v: u64) -> fmt::Result {
        self.integer(v)
    }

    fn serialize_f32(self, v: f32) -> fmt::Result {
        self.float(v)
    }

    fn serialize_f64(self, v: f64) -> fmt::Result {
        self.float(v)
    }

    fn serialize_char(self, v: char) -> fmt::Result {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, v: &str) -> fmt::Result {
        write_json_string(v, self.0);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> fmt::Result {
        self.0.push(b'"');
        write!(JsonText(self.0), "{value}")?;
        self.0.push(b'"');
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> fmt::Result {
        self.collect_seq(v)
    }

    fn serialize_none(self) -> fmt::Result {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> fmt::Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> fmt::Result {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> fmt::Result {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> fmt::Result {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> fmt::Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> fmt::Result {
        let parts = self.variant(variant, b"", b"}");
        value.serialize(JsonWriter(parts.out))?;
        parts.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<JsonParts<'a>, fmt::Error> {
        Ok(self.parts(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<JsonParts<'a>, fmt::Error> {
        Ok(self.parts(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<JsonParts<'a>, fmt::Error> {
        Ok(self.parts(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<JsonParts<'a>, fmt::Error> {
        Ok(self.variant(variant, b"[", b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<JsonParts<'a>, fmt::Error> {
        Ok(self.parts(b"{", b"}"))
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<JsonParts<'a>, fmt::Error> {
        Ok(self.parts(b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<JsonParts<'a>, fmt::Error> {
        Ok(self.variant(variant, b"{", b"}}"))
    }
}

/// Text inside of a string.
struct JsonText<'a>(&'a mut Vec<u8>);

impl fmt::Write for JsonText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_text(text, self.0);
        Ok(())
    }
}

impl ser::SerializeSeq for JsonParts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        self.element(value)
    }

    fn end(self) -> fmt::Result {
        self.finish()
    }
}

impl ser::SerializeTuple for JsonParts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        self.element(value)
    }

    fn end(self) -> fmt::Result {
        self.finish()
    }
}

impl ser::SerializeTupleStruct for JsonParts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        self.element(value)
    }

    fn end(self) -> fmt::Result {
        self.finish()
    }
}

impl ser::SerializeTupleVariant for JsonParts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        self.element(value)
    }

    fn end(self) -> fmt::Result {
        self.finish()
    }
}

impl ser::SerializeMap for JsonParts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> fmt::Result {
        self.next();
        let at = self.out.len();
        key.serialize(JsonWriter(self.out))?;
        // Numbers are names as well, as text.
        if self.out.get(at) != Some(&b'"') {
            self.out.insert(at, b'"');
            self.out.push(b'"');
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        self.out.push(b':');
        value.serialize(JsonWriter(self.out))
    }

    fn end(self) -> fmt::Result {
        self.finish()
    }
}

impl ser::SerializeStruct for JsonParts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> fmt::Result {
        self.field(name, value)
    }

    #[inline]
    fn end(self) -> fmt::Result {
        self.finish()
    }
}

impl ser::SerializeStructVariant for JsonParts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> fmt::Result {
        self.field(name, value)
    }

    fn end(self) -> fmt::Result {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn written(value: &(impl Serialize + ?Sized)) -> String {
        let mut out = Vec::new();
        write_json(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_reads_back_and_none_is_unsafe() {
        // All that is written in another way, and what is around it.
        let tags = ('\u{1d100}'..'\u{1d200}').chain('\u{dffff}'..'\u{e1001}').chain('\u{10ff00}'..=char::MAX);
        for c in ('\0'..'\u{3200}').chain('\u{d700}'..'\u{10100}').chain('\u{1fff0}'..'\u{20010}').chain(tags) {
            // Alone, and in each place of the words that are looked at together.
            let text = format!("{c}12345{c}7890abcd{c}");
            let line = written(&text);
            assert!(!line.contains(is_unsafe), "{c:?} gave {line:?}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
            if c < '\u{7f}' || c < '\u{500}' && !is_unsafe(c) {
                assert_eq!(line, serde_json::to_string(&text).unwrap());
            }
        }
        for at in 0..24 {
            for octet in 0..0x7f {
                let mut text = [b'x'; 24];
                text[at] = octet;
                let text = str::from_utf8(&text).unwrap();
                assert_eq!(written(text), serde_json::to_string(text).unwrap());
            }
        }
    }

    /// Every kind of thing that serde knows.
    #[derive(Serialize)]
    enum Sample {
        Unit,
        Newtype(Option<f64>),
        Tuple(u8, i64, (bool, char)),
        Struct { list: Vec<Sample>, none: Option<u32>, map: BTreeMap<i32, &'static str>, nothing: (), small: f32 },
    }

    #[test]
    fn values_are_written_as_serde_json_writes_them() {
        let inner =
            vec![Sample::Unit, Sample::Newtype(Some(-0.1)), Sample::Newtype(None), Sample::Newtype(Some(1e300))];
        let map = BTreeMap::from([(-7, "a\"b"), (8, "")]);
        let sample = Sample::Struct { list: inner, none: None, map, nothing: (), small: 2.5 };
        let all = (sample, Sample::Tuple(255, i64::MIN, (true, '\u{301}')), u64::MAX, f64::NAN, Vec::<u8>::new());
        assert_eq!(written(&all), serde_json::to_string(&all).unwrap());
    }

    #[test]
    fn what_displays_itself_is_a_string() {
        struct Shown;
        impl Serialize for Shown {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&format_args!("{}-{}\u{9b}", "a\n", 5))
            }
        }
        assert_eq!(written(&Shown), r#""a\n-5\u009b""#);
    }
}
