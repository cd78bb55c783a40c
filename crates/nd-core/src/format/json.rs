//! A JSON file, read in place.
//!
//! The text is checked once and is not turned into a tree: an index of its brackets makes it possible to step over any
//! value, so that reading costs time in proportion to the text and memory in proportion to what is kept of it,
//! whatever the text holds. A [`Node`] is a value in that text together with its path, which every error carries.

mod scan;
mod value;

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::Limits;
use crate::error::LoadError;
use scan::{Bracket, skip_space, string_end};
pub(super) use value::Value;

/// Longest string that is read, in bytes: names and notes are far shorter.
const MAX_STRING: usize = 1 << 16;

/// Longest piece of the file that an error repeats, in bytes.
const MAX_QUOTE: usize = 64;

/// Largest size that a file may declare, whatever the limits: products of two of these and a small number fit 64 bits.
const MAX_SIZE: usize = 1 << 28;

/// Checked JSON text and where its brackets close.
#[derive(Debug)]
pub(super) struct Document<'a> {
    text: &'a str,
    /// Each array and object, by the place where it opens.
    brackets: Vec<Bracket>,
    max_members: usize,
}

impl<'a> Document<'a> {
    /// Checks a file that may begin with a byte order mark.
    pub(super) fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, LoadError> {
        let max_size = limits.file_size.min(u32::MAX as usize);
        check("the size of the file in bytes", max_size, bytes.len())?;
        let text = std::str::from_utf8(bytes)
            .map_err(|error| scan::mistake(bytes, error.valid_up_to(), "the text is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(Self { text, brackets: scan::index(text.as_bytes(), limits)?, max_members: limits.json_members })
    }

    /// The file's one value.
    pub(super) fn root(&'a self) -> Node<'a> {
        let start = skip_space(self.text.as_bytes(), 0);
        Node { document: self, start, end: self.end(start), path: String::new() }
    }

    /// The array or object that opens at `start`.
    fn bracket(&self, start: usize) -> &Bracket {
        let place = self.brackets.binary_search_by_key(&start, |bracket| bracket.open as usize);
        &self.brackets[place.expect("every bracket is in the index")]
    }

    /// Where the value that starts at `start` ends.
    fn end(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        match bytes[start] {
            b'[' | b'{' => self.bracket(start).close as usize + 1,
            b'"' => string_end(bytes, start),
            _ => {
                let scalar = bytes[start..].iter();
                start
                    + scalar
                        .take_while(|byte| !matches!(byte, b',' | b']' | b'}' | b' ' | b'\t'..=b'\r'))
                        .count()
            }
        }
    }
}

/// An error where the file as a whole has more of something than it may.
pub(super) fn check(what: &'static str, max: usize, found: usize) -> Result<(), LoadError> {
    if found <= max {
        return Ok(());
    }
    Err(LoadError::LimitExceeded { path: String::new(), what, max: max as u64, found: found as u64 })
}

/// A value of the file and its path.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    document: &'a Document<'a>,
    start: usize,
    end: usize,
    path: String,
}

impl<'a> Node<'a> {
    /// The value as the file has it.
    pub(super) fn text(&self) -> &'a str {
        &self.document.text[self.start..self.end]
    }

    /// Where the value is, such as `config.layers[1].dilations[3]`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The value as an error repeats it.
    pub(super) fn quote(&self) -> String {
        quote(self.text())
    }

    /// The name of the value's type.
    fn kind(&self) -> &'static str {
        kind(self.text())
    }

    /// An error: the value's type is another than `expected`.
    pub(super) fn wrong_type(&self, expected: &'static str) -> LoadError {
        LoadError::WrongType { path: self.path.clone(), expected, found: self.kind() }
    }

    /// An error: the value is not `expected`.
    pub(super) fn invalid(&self, expected: impl Into<String>) -> LoadError {
        LoadError::InvalidValue { path: self.path.clone(), expected: expected.into(), found: self.quote() }
    }

    /// An error: the value, a width or length, is not the one that its surroundings need.
    pub(super) fn mismatch(&self, expected: usize, found: usize) -> LoadError {
        LoadError::ShapeMismatch { path: self.path.clone(), expected, found }
    }

    /// An error: the value names a kind of network that is not known.
    pub(super) fn unknown_architecture(&self) -> LoadError {
        let found = self.quote().trim_matches('"').to_owned();
        LoadError::UnsupportedArchitecture { path: self.path.clone(), found }
    }

    /// An error: the value names an activation function that is not known.
    pub(super) fn unknown_activation(&self) -> LoadError {
        let found = self.quote().trim_matches('"').to_owned();
        LoadError::UnsupportedActivation { path: self.path.clone(), found }
    }

    /// An error: the value asks for `what`, which is not supported.
    pub(super) fn unsupported(&self, what: impl Into<String>) -> LoadError {
        LoadError::UnsupportedFeature { path: self.path.clone(), what: what.into() }
    }

    /// An error where there is more of something than there may be.
    pub(super) fn limit(&self, what: &'static str, max: usize, found: u64) -> Result<(), LoadError> {
        if found <= max as u64 {
            return Ok(());
        }
        Err(LoadError::LimitExceeded { path: self.path.clone(), what, max: max as u64, found })
    }

    pub(super) fn is_null(&self) -> bool {
        self.text() == "null"
    }

    pub(super) fn is_array(&self) -> bool {
        self.text().starts_with('[')
    }

    pub(super) fn is_object(&self) -> bool {
        self.text().starts_with('{')
    }

    pub(super) fn bool(&self) -> Result<bool, LoadError> {
        match self.text() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong_type("true or false")),
        }
    }

    /// A string of ordinary length.
    pub(super) fn string(&self) -> Result<Cow<'a, str>, LoadError> {
        let text = self.text();
        if !text.starts_with('"') {
            return Err(self.wrong_type("a string"));
        }
        self.limit("the length of a text", MAX_STRING, text.len() as u64)?;
        Ok(unquote(text))
    }

    /// A finite number.
    pub(super) fn number(&self) -> Result<f64, LoadError> {
        let number = parse_number(self.text()).ok_or_else(|| self.wrong_type("a number"))?;
        if number.is_finite() { Ok(number) } else { Err(self.invalid("a finite number")) }
    }

    /// A number that a 32-bit float can hold.
    pub(super) fn f32(&self) -> Result<f32, LoadError> {
        narrow(self.number()?).ok_or_else(|| self.invalid("a finite 32-bit number"))
    }

    /// A whole number in a range whose upper end is the limit of `what`; `8.0` is one.
    pub(super) fn size(&self, what: &'static str, range: RangeInclusive<usize>) -> Result<usize, LoadError> {
        let number = parse_number(self.text()).ok_or_else(|| self.wrong_type("a number"))?;
        if number.fract() != 0.0 || number < *range.start() as f64 {
            return Err(self.invalid(format!("a whole number of at least {}", range.start())));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; saturates"
        )]
        let number = number as u64;
        self.limit(what, MAX_SIZE.min(*range.end()), number)?;
        Ok(usize::try_from(number).expect("at most the end of the range"))
    }

    /// The members of an object.
    pub(super) fn object(self) -> Result<Object<'a>, LoadError> {
        if !self.is_object() {
            return Err(self.wrong_type("an object"));
        }
        let bytes = self.document.text.as_bytes();
        let count = self.document.bracket(self.start).count;
        self.limit("the number of keys", self.document.max_members, u64::from(count))?;
        let mut members = Vec::with_capacity(count as usize);
        let mut place = skip_space(bytes, self.start + 1);
        while bytes[place] != b'}' {
            let key = &self.document.text[place..string_end(bytes, place)];
            let colon = skip_space(bytes, place + key.len());
            let start = skip_space(bytes, colon + 1);
            let end = self.document.end(start);
            members.push(Member { key: unquote(key), start, end });
            place = next(bytes, end);
        }
        Ok(Object { node: self, members })
    }

    /// How many elements an array has.
    pub(super) fn count(&self) -> Result<usize, LoadError> {
        if !self.is_array() {
            return Err(self.wrong_type("an array"));
        }
        Ok(self.document.bracket(self.start).count as usize)
    }

    /// The elements of an array of at most `max` of `what`.
    pub(super) fn items(&self, what: &'static str, max: usize) -> Result<Vec<Self>, LoadError> {
        let count = self.count()?;
        self.limit(what, max, count as u64)?;
        let bytes = self.document.text.as_bytes();
        let mut place = skip_space(bytes, self.start + 1);
        let item = |index| {
            let (start, end) = (place, self.document.end(place));
            place = next(bytes, end);
            Self { document: self.document, start, end, path: format!("{}[{index}]", self.path) }
        };
        Ok((0..count).map(item).collect())
    }

    /// The numbers of a flat array, to be taken from the front.
    pub(super) fn numbers(self) -> Result<Numbers<'a>, LoadError> {
        self.count()?;
        let place = skip_space(self.document.text.as_bytes(), self.start + 1);
        Ok(Numbers { node: self, place, index: 0 })
    }

    /// All numbers of a flat array of at most `max`.
    pub(super) fn f32s(self, max: usize) -> Result<Vec<f32>, LoadError> {
        let count = self.count()?;
        self.limit("the number of weights", max, count as u64)?;
        self.numbers()?.take(count)
    }

    /// All numbers of a flat array of `expected`.
    pub(super) fn f32s_exact(self, expected: usize) -> Result<Vec<f32>, LoadError> {
        let found = self.count()?;
        if found == expected { self.numbers()?.take(found) } else { Err(self.mismatch(expected, found)) }
    }
}

/// The numbers of a flat array, taken from the front.
#[derive(Debug)]
pub(super) struct Numbers<'a> {
    node: Node<'a>,
    place: usize,
    index: usize,
}

impl Numbers<'_> {
    /// The next `count` numbers. The caller has made sure that there are as many.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<f32>, LoadError> {
        let mut numbers = Vec::with_capacity(count);
        self.extend(&mut numbers, count)?;
        Ok(numbers)
    }

    /// Adds the next `count` numbers to those that are there. The caller has made sure that there are as many.
    pub(super) fn extend(&mut self, numbers: &mut Vec<f32>, count: usize) -> Result<(), LoadError> {
        let text = self.node.document.text;
        for _ in 0..count {
            let Some((number, end)) = scan::number(text, self.place) else {
                return Err(LoadError::WrongType {
                    path: format!("{}[{}]", self.node.path, self.index),
                    expected: "a number",
                    found: kind(&text[self.place..]),
                });
            };
            let number = narrow(number).ok_or_else(|| LoadError::NonFiniteWeight {
                path: format!("{}[{}]", self.node.path, self.index),
            })?;
            numbers.push(number);
            self.index += 1;
            self.place = next(text.as_bytes(), end);
        }
        Ok(())
    }
}

/// Behind the comma that follows a value, or at the bracket that closes what the value is in.
fn next(bytes: &[u8], end: usize) -> usize {
    let place = skip_space(bytes, end);
    if bytes[place] == b',' { skip_space(bytes, place + 1) } else { place }
}

fn kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn parse_number(text: &str) -> Option<f64> {
    // The text is checked JSON, so what starts like a number is one.
    text.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        .then(|| text.parse().ok())
        .flatten()
}

/// The nearest 32-bit float, unless it is infinite.
pub(super) fn narrow(number: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit floats")]
    let number = number as f32;
    number.is_finite().then_some(number)
}

/// What a JSON string says; an escape that is no character stays as it is written.
fn unquote(text: &str) -> Cow<'_, str> {
    let raw = Cow::Borrowed(&text[1..text.len() - 1]);
    if raw.contains('\\') { serde_json::from_str(text).map_or(raw, Cow::Owned) } else { raw }
}

/// The beginning of a piece of the file.
fn quote(text: &str) -> String {
    if text.len() <= MAX_QUOTE {
        return text.to_owned();
    }
    let end = (0..=MAX_QUOTE).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// The members of an object.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    node: Node<'a>,
    members: Vec<Member<'a>>,
}

#[derive(Debug, Clone)]
struct Member<'a> {
    key: Cow<'a, str>,
    start: usize,
    end: usize,
}

impl<'a> Object<'a> {
    /// The object as a value.
    pub(super) fn node(&self) -> &Node<'a> {
        &self.node
    }

    /// The path of a member, there or not.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.node.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.node.path) }
    }

    /// Whether there is such a key, be it with `null`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.iter().any(|member| member.key == key)
    }

    /// Every member with the text of its value.
    pub(super) fn members(&self) -> impl Iterator<Item = (String, Value)> {
        let text = self.node.document.text;
        let value = |member: &Member<'_>| Value::Text(text[member.start..member.end].to_owned());
        self.members.iter().map(move |member| (member.key.clone().into_owned(), value(member)))
    }

    /// The members whose keys are none of `known`, with the text of their values.
    pub(super) fn others(&self, known: &[&str]) -> Vec<(String, String)> {
        let text = self.node.document.text;
        let others = self.members.iter().filter(|member| !known.contains(&&*member.key));
        others
            .map(|member| (member.key.clone().into_owned(), text[member.start..member.end].to_owned()))
            .collect()
    }

    /// Bytes of what is kept as it is: the metadata, and the members of which nothing is known.
    pub(super) fn kept_len(&self, known: &[&str]) -> u64 {
        let kept = |member: &&Member<'_>| member.key == "metadata" || !known.contains(&&*member.key);
        self.members
            .iter()
            .filter(kept)
            .map(|member| (member.key.len() + member.end - member.start) as u64)
            .sum()
    }

    /// The first keys, as an error lists them.
    pub(super) fn keys(&self) -> Vec<String> {
        let first = self.members.iter().take(16);
        // A key may hold what a terminal would obey.
        first.map(|member| quote(&member.key).escape_debug().to_string()).collect()
    }

    /// A member that may be missing; `null` is as good as missing. Of several with one key, the last counts.
    pub(super) fn opt(&self, key: &str) -> Option<Node<'a>> {
        let member = self.members.iter().rfind(|member| member.key == key)?;
        let path = self.path_of(key);
        let node = Node { document: self.node.document, start: member.start, end: member.end, path };
        (!node.is_null()).then_some(node)
    }

    /// A member that must be there.
    pub(super) fn get(&self, key: &str) -> Result<Node<'a>, LoadError> {
        self.opt(key).ok_or_else(|| {
            let path = self.path_of(key);
            if self.has(key) {
                LoadError::WrongType { path, expected: "a value", found: "null" }
            } else {
                LoadError::MissingKey { path }
            }
        })
    }
}
