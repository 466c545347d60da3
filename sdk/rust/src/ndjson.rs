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

    /// Takes the next bytes and adds the values that they complete to `values`.
    ///
    /// # Errors
    ///
    /// [`Failure::Limited`] for a line of more than 1 MiB, [`Failure::Failed`] for one that is not a `T`.
    pub fn push<T: DeserializeOwned>(&mut self, bytes: &[u8], values: &mut Vec<T>) -> Result<()> {
        self.0.push(bytes, |line| {
            values.extend(value(line)?);
            Ok(())
        })
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
            reader.push(piece, &mut values).unwrap();
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
        let (mut reader, mut values) = (Reader::new(), Vec::<Value>::new());

        reader.push(b"{\"a\":", &mut values).unwrap();

        assert_eq!(values, Vec::<Value>::new());
        assert!(matches!(reader.finish::<Value>(), Err(Failure::Unavailable(_))));
    }

    #[test]
    fn what_came_before_a_line_that_is_not_json_is_kept() {
        let (mut reader, mut values) = (Reader::new(), Vec::<Value>::new());

        let failure = reader.push(b"[1]\noops\n[2]\n", &mut values);

        assert!(matches!(failure, Err(Failure::Failed(_))), "{failure:?}");
        assert_eq!(values, [json!([1])]);
    }
}
