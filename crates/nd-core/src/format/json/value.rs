//! JSON to be written.

use std::fmt::{Debug, Write as _};

use crate::error::WriteError;

/// A value; numbers are written with the fewest digits that give the same number when they are read.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::format) enum Value {
    Null,
    /// JSON text as it stands.
    Text(String),
    F32(f32),
    F64(f64),
    F32s(Vec<f32>),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Value {
    pub(in crate::format) fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    pub(in crate::format) fn array<V: Into<Self>>(items: impl IntoIterator<Item = V>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }

    /// The file that holds this object, each of its members on a line of its own.
    pub(in crate::format) fn into_file(self) -> Result<Vec<u8>, WriteError> {
        let mut text = String::new();
        self.write(&mut text, "", ",\n")?;
        text.push('\n');
        Ok(text.into_bytes())
    }

    /// Adds the text of the value, whose place in the file is `path`.
    pub(in crate::format) fn write(
        &self,
        text: &mut String,
        path: &str,
        comma: &str,
    ) -> Result<(), WriteError> {
        match self {
            Self::Null => text.push_str("null"),
            Self::Text(own) => text.push_str(own),
            Self::F32(number) if number.is_finite() => push(text, number),
            Self::F64(number) if number.is_finite() => push(text, number),
            Self::F32(_) | Self::F64(_) => return Err(WriteError::NonFinite { path: path.to_owned() }),
            Self::F32s(numbers) => {
                text.push('[');
                for (index, &number) in numbers.iter().enumerate() {
                    text.push_str(if index > 0 { ", " } else { "" });
                    if !number.is_finite() {
                        return Err(WriteError::NonFinite { path: format!("{path}[{index}]") });
                    }
                    push(text, &number);
                }
                text.push(']');
            }
            Self::Array(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index > 0 { ", " } else { "" });
                    item.write(text, &format!("{path}[{index}]"), ", ")?;
                }
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    text.push_str(if index > 0 { comma } else { "" });
                    text.push_str(&quoted(key));
                    text.push_str(": ");
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    value.write(text, &path, ", ")?;
                }
                text.push('}');
            }
        }
        Ok(())
    }
}

/// Adds a finite number: Debug writes what is very large or small with an exponent, as JSON does.
fn push(text: &mut String, number: &impl Debug) {
    write!(text, "{number:?}").expect("there is no end to a String");
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is always JSON")
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Text(value.to_string())
    }
}

impl From<f32> for Value {
    fn from(number: f32) -> Self {
        Self::F32(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::F64(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(quoted(text))
    }
}

impl From<&[f32]> for Value {
    fn from(numbers: &[f32]) -> Self {
        Self::F32s(numbers.to_vec())
    }
}
