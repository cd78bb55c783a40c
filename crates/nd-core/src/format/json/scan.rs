//! The one pass over the text that checks it and indexes its brackets.

use super::check;
use crate::error::LoadError;
use crate::format::Limits;

/// An array or object; places are in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bracket {
    pub(super) open: u32,
    pub(super) close: u32,
    /// Elements or members.
    pub(super) count: u32,
}

/// Checks that a text is JSON (RFC 8259), and finds its arrays and objects. The text is shorter than 4 GiB.
pub(super) fn index(text: &[u8], limits: &Limits) -> Result<Vec<Bracket>, LoadError> {
    let mut scanner = Scanner { text, place: 0, limits, brackets: Vec::new(), open: Vec::new() };
    scanner.document()?;
    Ok(scanner.brackets)
}

/// An error at a place in a text, as a line and a column.
pub(super) fn mistake(text: &[u8], place: usize, message: &str) -> LoadError {
    let lines = text[..place].split(|&byte| byte == b'\n');
    let (line, last) = lines.enumerate().last().unwrap_or_default();
    LoadError::NotJson { line: line + 1, column: last.len() + 1, message: message.to_owned() }
}

/// The first place from `start` on without white space.
pub(super) fn skip_space(text: &[u8], start: usize) -> usize {
    let space = text[start..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    start + space.count()
}

/// Behind the string that starts at `start`; the text is checked JSON.
pub(super) fn string_end(text: &[u8], start: usize) -> usize {
    let mut place = start + 1;
    while text[place] != b'"' {
        place += if text[place] == b'\\' { 2 } else { 1 };
    }
    place + 1
}

struct Scanner<'a> {
    text: &'a [u8],
    place: usize,
    limits: &'a Limits,
    brackets: Vec<Bracket>,
    /// The brackets around `place`, by their number.
    open: Vec<usize>,
}

impl Scanner<'_> {
    /// One value and nothing behind it. Nesting is kept track of without recursion.
    fn document(&mut self) -> Result<(), LoadError> {
        loop {
            self.skip_space();
            match self.peek() {
                Some(b'[' | b'{') => {
                    if self.open()? {
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal("true")?,
                Some(b'f') => self.literal("false")?,
                Some(b'n') => self.literal("null")?,
                Some(b'N') => return Err(self.mistake("NaN is not a number of JSON")),
                Some(b'I') => return Err(self.mistake("Infinity is not a number of JSON")),
                _ => return Err(self.mistake("expected a value")),
            }
            if self.end_of_value()? {
                return Ok(());
            }
        }
    }

    /// Steps from the end of a value to the next value; true at the end of the text.
    fn end_of_value(&mut self) -> Result<bool, LoadError> {
        loop {
            self.skip_space();
            let Some(&bracket) = self.open.last() else {
                return if self.peek().is_none() {
                    Ok(true)
                } else {
                    Err(self.mistake("expected the end of the file"))
                };
            };
            self.brackets[bracket].count += 1;
            let is_object = self.text[self.brackets[bracket].open as usize] == b'{';
            match self.peek() {
                Some(b',') => {
                    self.place += 1;
                    if is_object {
                        self.key()?;
                    }
                    return Ok(false);
                }
                Some(b'}') if is_object => self.close(),
                Some(b']') if !is_object => self.close(),
                _ if is_object => return Err(self.mistake("expected a comma or }")),
                _ => return Err(self.mistake("expected a comma or ]")),
            }
        }
    }

    /// Opens an array or object, and steps to its first value; false where it is empty, and closed already.
    fn open(&mut self) -> Result<bool, LoadError> {
        check("the depth of arrays and objects", self.limits.json_depth, self.open.len() + 1)?;
        check("the number of arrays and objects", self.limits.json_nodes, self.brackets.len() + 1)?;
        let is_object = self.text[self.place] == b'{';
        self.open.push(self.brackets.len());
        let open = self.offset();
        self.brackets.push(Bracket { open, close: open, count: 0 });
        self.place += 1;
        self.skip_space();
        match (self.peek(), is_object) {
            (Some(b']'), false) | (Some(b'}'), true) => {
                self.close();
                return Ok(false);
            }
            (_, true) => self.key()?,
            _ => {}
        }
        Ok(true)
    }

    fn close(&mut self) {
        let close = self.offset();
        let bracket = self.open.pop().expect("the caller has seen one");
        self.brackets[bracket].close = close;
        self.place += 1;
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<(), LoadError> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(self.mistake("expected a key"));
        }
        self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.mistake("expected a colon"));
        }
        self.place += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), LoadError> {
        self.place += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.place += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.place += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.place += 1,
                        Some(b'u') => {
                            let digits = self.text.get(self.place + 1..self.place + 5);
                            if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                                return Err(self.mistake("expected four hexadecimal digits"));
                            }
                            self.place += 5;
                        }
                        _ => return Err(self.mistake("there is no such escape")),
                    }
                }
                Some(0..0x20) => return Err(self.mistake("a string has no control characters")),
                Some(_) => self.place += 1,
                None => return Err(self.mistake("the file ends in a string")),
            }
        }
    }

    fn number(&mut self) -> Result<(), LoadError> {
        if self.peek() == Some(b'-') {
            self.place += 1;
        }
        match self.peek() {
            Some(b'0') => self.place += 1,
            Some(b'I') => return Err(self.mistake("Infinity is not a number of JSON")),
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.place += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.place += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.place += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), LoadError> {
        let count = self.text[self.place..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.place += count;
        if count > 0 { Ok(()) } else { Err(self.mistake("expected a digit")) }
    }

    fn literal(&mut self, literal: &str) -> Result<(), LoadError> {
        if !self.text[self.place..].starts_with(literal.as_bytes()) {
            return Err(self.mistake("expected a value"));
        }
        self.place += literal.len();
        Ok(())
    }

    fn skip_space(&mut self) {
        self.place = skip_space(self.text, self.place);
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.place).copied()
    }

    fn offset(&self) -> u32 {
        u32::try_from(self.place).expect("the text is shorter than 4 GiB")
    }

    fn mistake(&self, message: &str) -> LoadError {
        let message = if self.place < self.text.len() { message } else { "the file ends too early" };
        mistake(self.text, self.place, message)
    }
}

/// Powers of ten that a 64-bit float holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// The number that starts at `start` of a checked text, and where it ends; none where something else starts there.
///
/// It is rounded twice to 64 bits. Only for a decimal that all but halves the distance between two 32-bit floats can
/// that be another float than rounding once gives, and no 32-bit float is written as such a decimal.
pub(super) fn number(text: &str, start: usize) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    let mut place = start;
    let is_negative = bytes[place] == b'-';
    place += usize::from(is_negative);
    if !bytes[place].is_ascii_digit() {
        return None;
    }
    let (mut digits, mut decimals) = (0_u64, 0_usize);
    let (mut is_fraction, mut is_plain) = (false, true);
    while let Some(&byte) = bytes.get(place) {
        match byte {
            b'0'..=b'9' => {
                // One more digit always fits below this.
                is_plain &= digits < u64::MAX / 16;
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                decimals += usize::from(is_fraction);
            }
            b'.' => is_fraction = true,
            b'e' | b'E' | b'+' | b'-' => is_plain = false,
            _ => break,
        }
        place += 1;
    }
    let number = match POWERS.get(decimals) {
        Some(power) if is_plain => {
            let number = digits as f64 / power;
            if is_negative { -number } else { number }
        }
        _ => text[start..place].parse().ok()?,
    };
    Some((number, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_json_exactly_where_another_parser_says_so() {
        let valid = r#" {"a": [1, -0.5e+3, "\u00e9\n\"", true, false, null, {}, []], "b": {"c": 0}} "#;
        let mut texts: Vec<String> = (0..=valid.len()).map(|end| valid[..end].to_owned()).collect();
        for place in 0..valid.len() {
            for byte in " {}[]\",:0159-+.eEtfnu\\\u{1}aNI".chars() {
                texts.push(format!("{}{byte}{}", &valid[..place], &valid[place + 1..]));
                texts.push(format!("{}{byte}{}", &valid[..place], &valid[place..]));
            }
        }
        for text in texts {
            let ours = index(text.as_bytes(), &Limits::default());
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text);
            assert_eq!(ours.is_ok(), theirs.is_ok(), "{text}: {ours:?}, {theirs:?}");
        }
    }

    #[test]
    fn a_number_is_the_nearest_32_bit_float() {
        let mut bits = 1_u32;
        for _ in 0..100_000 {
            // A step that is coprime to the number of floats reaches all kinds of them.
            bits = bits.wrapping_add(0x9e37_79b9);
            let float = f32::from_bits(bits);
            if !float.is_finite() {
                continue;
            }
            for text in [format!("{float}"), format!("{float:e}"), format!("{}", f64::from(float))] {
                let (number, end) = number(&text, 0).expect("a number");
                assert_eq!(super::super::narrow(number), Some(float), "{text}");
                assert_eq!(end, text.len(), "{text}");
            }
        }
        for text in ["1e999", "-1e999", "123456789012345678901234567890", "0.1234567890123456789012345678901"]
        {
            assert_eq!(number(text, 0), Some((text.parse().expect("a number"), text.len())), "{text}");
        }
        assert_eq!(number("null", 0), None, "no number");
    }
}
