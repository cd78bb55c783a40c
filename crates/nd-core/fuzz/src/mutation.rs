//! Mutations that know what JSON is.
//!
//! A text that is JSON is changed value by value: one is deleted, repeated, replaced or put in the place of another.
//! What comes out is a text again, so that a corpus can be read. Other texts, and one in four, are left to the fuzzer,
//! which changes bytes and inserts words of the dictionary.

use std::ops::Range;

use libfuzzer_sys::fuzzer_mutate;

/// The fuzzer's dictionary: one word in a line, quoted.
const DICTIONARY: &str = include_str!("../json.dict");

/// Elements of one array that are looked at: a list of weights is long, and its numbers are all alike.
const MAX_ELEMENTS: usize = 12;

/// Values inside one another that are looked at.
const MAX_DEPTH: usize = 24;

/// Values that stand for all their kind, and numbers at the edges of what formats count with.
const VALUES: &[&str] = &[
    "null", "true", "false", "0", "1", "2", "-1", "3", "8.0", "0.5", "1e-45", "-0", "1e9", "1e39", "1e300", "1e999",
    "65536", "65537", "1048577", "4294967296", "9223372036854775808", "18446744073709551616", "NaN", "-Infinity",
    "\"\"", "\"48000\"", "\"\\ud800\"", "[]", "[[]]", "[0]", "[1,1]", "[null]", "{}", "{\"active\":true}",
    "{\"type\":\"PReLU\",\"negative_slopes\":[0.5]}",
];

/// Changes the first `size` bytes of `data`, and returns how many there are then: the fuzzer's custom mutator.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) << 1 | 1);
    let text = match std::str::from_utf8(&data[..size]) {
        Ok(text) if text.trim_start().starts_with(['{', '[']) && random.below(4) > 0 => text,
        _ => return fuzzer_mutate(data, size, max_size),
    };
    let mut text = text.to_owned();
    for _ in 0..=random.below(3) {
        let Some(edited) = edit(&text, &mut random) else { return fuzzer_mutate(data, size, max_size) };
        text = edited;
    }
    if text.len() > max_size || text.as_bytes() == &data[..size] {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..text.len()].copy_from_slice(text.as_bytes());
    text.len()
}

/// Puts a value of `other` into the place of one of `text`: the fuzzer's crossover.
pub fn cross(text: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let mut random = Random(u64::from(seed) << 1 | 1);
    let whole = |random: &mut Random| {
        let (text, other) = (std::str::from_utf8(text).ok()?, std::str::from_utf8(other).ok()?);
        let (target, source) = (random.pick(&values(text)?)?, random.pick(&values(other)?)?);
        Some(replaced(text, target.value, &other[source.value]))
    };
    let crossed = whole(&mut random).map_or_else(|| text.to_vec(), String::into_bytes);
    let len = crossed.len().min(out.len());
    out[..len].copy_from_slice(&crossed[..len]);
    len
}

/// A value of a text, and its key where it is a member.
#[derive(Clone)]
struct Place {
    key: Option<Range<usize>>,
    value: Range<usize>,
}

impl Place {
    /// The key, the colon and the value.
    fn member(&self) -> Range<usize> {
        self.key.as_ref().map_or(self.value.start, |key| key.start)..self.value.end
    }
}

/// The text after one change; none where it is not JSON.
fn edit(text: &str, random: &mut Random) -> Option<String> {
    let places = values(text)?;
    let place = random.pick(&places)?;
    Some(match random.below(9) {
        0 => deleted(text, place.member()),
        1 => {
            let member = &text[place.member()];
            replaced(text, place.member().end..place.member().end, &format!(",{member}"))
        }
        2 => {
            let source = random.pick(&places)?.value;
            replaced(text, place.value, &text[source])
        }
        3 => replaced(text, place.value.clone(), &format!("[{}]", &text[place.value])),
        4 => {
            let number: f64 = text[place.value.clone()].parse().unwrap_or(1.0);
            let number = match random.below(6) {
                0 => number + 1.0,
                1 => number - 1.0,
                2 => number * 2.0,
                3 => -number,
                4 => number + 0.5,
                _ => number * 1e10,
            };
            replaced(text, place.value, &number.to_string())
        }
        5 | 6 => {
            let word = random.pick(&words())?;
            match (place.key, random.below(2)) {
                (Some(key), 0) => replaced(text, key, &word),
                (Some(key), _) => {
                    let value = &text[random.pick(&places)?.value];
                    replaced(text, key.start..key.start, &format!("{word}:{value},"))
                }
                (None, _) => replaced(text, place.value, &word),
            }
        }
        _ => replaced(text, place.value, random.pick(VALUES)?),
    })
}

/// The dictionary's words that are JSON strings, their quotes included.
fn words() -> Vec<String> {
    let words = DICTIONARY.lines().filter_map(|line| line.strip_prefix("\"\\\"")?.strip_suffix("\\\"\""));
    words.map(|word| format!("\"{word}\"")).collect()
}

fn replaced(text: &str, range: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}

/// The text without a member or an element, and without one of the commas beside it.
fn deleted(text: &str, range: Range<usize>) -> String {
    let behind = &text[range.end..];
    let rest = behind.trim_start();
    if let Some(rest) = rest.strip_prefix(',') {
        return format!("{}{rest}", &text[..range.start]);
    }
    let before = text[..range.start].trim_end();
    format!("{}{behind}", before.strip_suffix(',').unwrap_or(before))
}

/// Every value of a text that begins like JSON, of long arrays the first ones.
fn values(text: &str) -> Option<Vec<Place>> {
    let mut finder = Finder { text: text.as_bytes(), at: 0, places: Vec::new() };
    finder.value(None, 0, true)?;
    Some(finder.places)
}

struct Finder<'a> {
    text: &'a [u8],
    at: usize,
    places: Vec<Place>,
}

impl Finder<'_> {
    fn value(&mut self, key: Option<Range<usize>>, depth: usize, kept: bool) -> Option<()> {
        self.space();
        let start = self.at;
        match self.peek()? {
            open @ (b'[' | b'{') => {
                if depth == MAX_DEPTH {
                    return None;
                }
                self.at += 1;
                let mut elements = 0;
                loop {
                    self.space();
                    match self.peek()? {
                        b']' | b'}' => break,
                        b',' => self.at += 1,
                        _ => {
                            let mut key = None;
                            if open == b'{' {
                                let start = self.at;
                                self.string()?;
                                key = Some(start..self.at);
                                self.space();
                                (self.peek()? == b':').then_some(())?;
                                self.at += 1;
                            }
                            self.value(key, depth + 1, kept && elements < MAX_ELEMENTS)?;
                            elements += 1;
                        }
                    }
                }
                self.at += 1;
            }
            b'"' => self.string()?,
            _ => {
                let rest = &self.text[self.at..];
                let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
                (len > 0).then_some(())?;
                self.at += len;
            }
        }
        if kept {
            self.places.push(Place { key, value: start..self.at });
        }
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        (self.peek()? == b'"').then_some(())?;
        self.at += 1;
        while self.peek()? != b'"' {
            self.at += if self.peek()? == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        Some(())
    }

    fn space(&mut self) {
        self.at += self.text[self.at.min(self.text.len())..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// A small random number generator (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.below(from.len())].clone()) }
    }
}
