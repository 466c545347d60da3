//! Lines of a stream that arrives in pieces, cut anywhere.

use crate::{Failure, Result};

/// The longest line that is accepted, in bytes.
pub(crate) const MAX_LINE: usize = 1024 * 1024;

/// Splits bytes at `\n`, `\r\n` and, if asked to, at a lone `\r`.
#[derive(Debug)]
pub(crate) struct Lines {
    partial: Vec<u8>,
    lone_cr: bool,
    /// The last byte was a `\r` that ended a line: a `\n` that follows belongs to it.
    after_cr: bool,
    at_start: bool,
    limit: &'static str,
}

impl Lines {
    pub(crate) fn new(limit: &'static str, lone_cr: bool) -> Self {
        Self { partial: Vec::new(), lone_cr, after_cr: false, at_start: true, limit }
    }

    /// Takes the next bytes and hands each complete line to `line`, without its end.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        mut line: impl FnMut(&str) -> Result<()>,
    ) -> Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) && rest[0] == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end =
                rest.iter().position(|&byte| byte == b'\n' || (self.lone_cr && byte == b'\r'));
            let taken = end.unwrap_or(rest.len());
            if self.partial.len() + taken > MAX_LINE {
                return Err(Failure::limited(self.limit, MAX_LINE as u64));
            }
            self.partial.extend_from_slice(&rest[..taken]);
            let Some(end) = end else { return Ok(()) };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            line(&self.take())?;
        }
        Ok(())
    }

    /// Returns what came after the last line's end, if anything did.
    pub(crate) fn finish(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.partial);
        let mut line: &[u8] = &bytes;
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if !self.lone_cr {
            line = line.strip_suffix(b"\r").unwrap_or(line);
        }
        String::from_utf8_lossy(line).into_owned()
    }
}
