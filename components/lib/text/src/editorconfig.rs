//! `.editorconfig`: what it says of the charset and the line ends of a file.

use openkoi_sdk::glob::Glob;

use crate::{
    charset::{By, Named},
    lines::End,
};

/// What one or several files say of one path.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    pub charset: Option<Named>,
    pub end: Option<End>,
}

/// Adds what the text of one file says of the file at `path`, relative to its directory. Returns whether it is the
/// outermost one. A later section outranks an earlier one.
pub(crate) fn read(text: &str, path: &str, said: &mut Said) -> bool {
    let (mut holds, mut in_section, mut is_root) = (false, false, false);
    for line in text.trim_start_matches('\u{FEFF}').lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(pattern) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (holds, in_section) = (matches(pattern, path), true);
            continue;
        }
        let Some((key, value)) = line.split_once(['=', ':']) else { continue };
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim().to_ascii_lowercase());
        match key.as_str() {
            "root" if !in_section => is_root = value == "true",
            "charset" if holds => said.charset = Named::of(&value, By::EditorConfig),
            "end_of_line" if holds => said.end = end(&value),
            _ => {}
        }
    }
    is_root
}

fn end(value: &str) -> Option<End> {
    match value {
        "lf" => Some(End::LF),
        "crlf" => Some(End::CRLF),
        "cr" => Some(End::CR),
        _ => None,
    }
}

/// A pattern without a slash is about names in any directory.
fn matches(pattern: &str, path: &str) -> bool {
    let anywhere = format!("**/{pattern}");
    let pattern = match pattern.strip_prefix('/') {
        Some(rest) => rest,
        None if pattern.contains('/') => pattern,
        None => &anywhere,
    };
    // Here a star alone matches directories too, as in `**`.
    Glob::new(pattern).is_ok_and(|glob| glob.matches(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charset(text: &str, path: &str) -> Option<&'static str> {
        let mut said = Said::default();
        read(text, path, &mut said);
        said.charset.map(|named| match named {
            Named::Legacy(legacy) => legacy.name(),
            Named::Utf8 => "UTF-8",
            Named::Utf8Mark => "UTF-8 with a mark",
            Named::Utf16Le => "UTF-16LE",
            Named::Utf16Be => "UTF-16BE",
        })
    }

    #[test]
    fn the_last_section_that_matches_says_it() {
        let text = "root = true\n[*]\ncharset = utf-8\n; a note\n[*.{c,h}]\nCharset = GBK\n[/doc/**.txt]\ncharset=latin1\n[src/x.c]\ncharset = unset\n";
        let cases = [
            ("a.rs", Some("UTF-8")),
            ("deep/a.h", Some("GBK")),
            ("doc/a.txt", Some("ISO-8859-1")),
            ("src/x.c", None),
        ];
        for (path, wanted) in cases {
            assert_eq!(charset(text, path), wanted, "{path}");
        }
    }

    #[test]
    fn the_outermost_file_and_the_ends_of_lines_are_known() {
        let mut said = Said::default();
        assert!(read("root=true\n[*.bat]\nend_of_line = crlf\n", "a.bat", &mut said));
        assert_eq!(said.end, Some(End::CRLF));
        assert!(!read("[*]\nroot = true\n", "a", &mut said));
    }
}
