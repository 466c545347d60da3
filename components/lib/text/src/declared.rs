//! What a file says of its charset in its own first lines.
//!
//! | form | where |
//! |---|---|
//! | `<?xml … encoding="gbk"?>` | at the beginning |
//! | `<meta charset=gbk>`, `<meta … content="text/html; charset=gbk">` | in the first kilobyte |
//! | `@charset "gbk";` | at the beginning |
//! | `# … coding: gbk`, `# … coding=gbk` | in one of the first two lines, as Python, Ruby and Vim read it |
//! | `-*- coding: gbk -*-` | in one of the first two lines, as Emacs reads it |

use crate::charset::{By, Named};

/// The part of a file that is looked at.
const LOOKED_AT: usize = 1024;

/// Returns the charset that the beginning of a file names.
pub(crate) fn charset(bytes: &[u8]) -> Option<Named> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]).to_ascii_lowercase();
    let name =
        xml(&head).or_else(|| style(&head)).or_else(|| cookie(&head)).or_else(|| meta(&head))?;
    // What can be read as these letters is in no charset with two bytes a letter.
    let wide = |named: &Named| matches!(named, Named::Utf16Le | Named::Utf16Be);
    Named::of(name, By::File).filter(|named| !wide(named))
}

fn xml(head: &str) -> Option<&str> {
    let (declaration, _) = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?;
    after(declaration, "encoding")
}

fn style(head: &str) -> Option<&str> {
    quoted(head.strip_prefix("@charset ")?)
}

fn cookie(head: &str) -> Option<&str> {
    head.lines().take(2).find_map(|line| {
        let is_comment = line.trim_start().starts_with('#') || line.contains("-*-");
        is_comment.then(|| after(line, "coding")).flatten()
    })
}

fn meta(head: &str) -> Option<&str> {
    let tags = head.split('<').filter(|tag| tag.starts_with("meta"));
    tags.filter_map(|tag| after(tag.split('>').next()?, "charset")).next()
}

/// Returns the name after `word` and `=` or `:`.
fn after<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.match_indices(word).find_map(|(at, _)| {
        let rest = text[at + word.len()..].trim_start();
        quoted(rest.strip_prefix(['=', ':'])?.trim_start())
    })
}

fn quoted(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['"', '\'']);
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.:".contains(c));
    Some(&text[..end.unwrap_or(text.len())]).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<&'static str> {
        match charset(text.as_bytes())? {
            Named::Legacy(legacy) => Some(legacy.name()),
            Named::Utf8 => Some("UTF-8"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_names_its_charset_in_the_ways_of_its_kind() {
        let cases = [
            ("<?xml version=\"1.0\" encoding='ISO-8859-2'?>\n<a/>", Some("ISO-8859-2")),
            ("<!doctype html><head><meta charset=gb2312>", Some("GBK")),
            (
                "<META http-equiv=Content-Type content=\"text/html; charset=Shift_JIS\">",
                Some("Shift_JIS"),
            ),
            ("@charset \"euc-kr\";\na {}", Some("EUC-KR")),
            ("#!/usr/bin/python\n# -*- coding: cp1251 -*-\n", Some("windows-1251")),
            ("# vim: set fileencoding=koi8-r :\n", Some("KOI8-R")),
            (";; -*- mode: lisp; coding: latin-1 -*-\n", Some("ISO-8859-1")),
            ("# coding=utf-8\n", Some("UTF-8")),
            ("a\nb\n# coding: gbk\n", None),
            ("let encoding = \"gbk\";\n", None),
            ("# about coding: it is hard\n", None),
            ("<p>charset=gbk</p>", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(name(text), wanted, "{text}");
        }
    }
}
