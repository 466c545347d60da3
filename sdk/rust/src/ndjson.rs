//! Newline-delimited JSON, as it arrives: bytes in, values out, cut anywhere.

use serde::de::DeserializeOwned;

use crate::{Failure, Result, lines::Lines};

/// Reads one value a line. Blank lines are skipped, invalid UTF-8 is replaced, a byte order mark is ignored.
#[derive(Debug)]
pub struct Reader(Lines);

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Begins a stream.
    pub fn new() -> Self {
        Self(Lines::new("ndjson-line-bytes", false))
    }

    /// Takes the next bytes and returns the values that they complete.
    ///
    /// # Errors
    ///
    /// [`Failure::Limited`] for a line of more than 1 MiB, [`Failure::Failed`] for one that is no `T`.
    pub fn push<T: DeserializeOwned>(&mut self, bytes: &[u8]) -> Result<Vec<T>> {
        let mut values = Vec::new();
        self.0.push(bytes, |line| {
            values.extend(value(line)?);
            Ok(())
        })?;
        Ok(values)
    }

    /// Ends the stream and returns the value of a last line without an end.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] if the stream was cut inside of a value.
    pub fn finish<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let Some(line) = self.0.finish() else {
            return Ok(None);
        };
        value(&line).map_err(|_| Failure::unavailable("the stream was cut short"))
    }
}

fn value<T: DeserializeOwned>(line: &str) -> Result<Option<T>> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(line)?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const STREAM: &[u8] = b"\xEF\xBB\xBF{\"a\":1}\r\n\n[2]\n\"\xC3\xA4\"\n{\"last\":true}";

    fn read(pieces: &[&[u8]]) -> Vec<Value> {
        let mut reader = Reader::new();
        let mut values = Vec::new();
        for piece in pieces {
            values.extend(reader.push::<Value>(piece).unwrap());
        }
        values.extend(reader.finish::<Value>().unwrap());
        values
    }

    #[test]
    fn every_cut_gives_the_same_values() {
        let whole = vec![json!({"a": 1}), json!([2]), json!("ä"), json!({"last": true})];

        for cut in 0..=STREAM.len() {
            assert_eq!(read(&[&STREAM[..cut], &STREAM[cut..]]), whole, "cut at {cut}");
        }
        assert_eq!(read(&STREAM.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn a_stream_that_ends_inside_a_value_was_cut_short() {
        let mut reader = Reader::new();

        assert_eq!(reader.push::<Value>(b"{\"a\":").unwrap(), Vec::<Value>::new());

        assert!(matches!(reader.finish::<Value>(), Err(Failure::Unavailable(_))));
    }
}
