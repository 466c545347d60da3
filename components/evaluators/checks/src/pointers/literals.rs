//! Constants in sources of any language: what stands in quotes, and numbers.

/// The fewest characters of a text, and the fewest digits of a number, that are told from chance.
const SHORTEST: usize = 3;

/// The longest line that is looked at, in bytes: longer ones were made by programs.
const LONGEST_LINE: usize = 2_000;

/// Returns the constants of a line as they are written, without their quotes.
pub(super) fn of_line(line: &str) -> Vec<&str> {
    if line.len() > LONGEST_LINE {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| matches!(c, '"' | '\'' | '`') || c.is_ascii_digit()) {
        let is_part = rest[..at].chars().next_back().is_some_and(is_of_name);
        let start = &rest[at..];
        let (constant, length) = match start.as_bytes()[0] {
            quote @ (b'"' | b'\'' | b'`') => match quoted(start, quote) {
                Some(text) => (text, text.len() + 2),
                // An apostrophe, or a lifetime.
                None => ("", 1),
            },
            _ => {
                let number = number(start);
                (if is_part { "" } else { number }, number.len())
            }
        };
        if is_telling(constant) {
            found.push(constant);
        }
        rest = &start[length..];
    }
    found
}

/// Returns whether a constant of a line is more than a name: it is compared with something, or is no name at all.
pub(super) fn is_asked(line: &str, constant: &str) -> bool {
    let is_name = constant.chars().all(is_of_name) && !constant.chars().all(|c| c.is_ascii_digit());
    !is_name
        || ["==", "!=", "=>", "case ", " in ", "equals", " eq "]
            .iter()
            .any(|one| line.contains(one))
}

fn quoted(text: &str, quote: u8) -> Option<&str> {
    let mut escaped = false;
    let inner = text.get(1..)?;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return inner.get(..at),
            _ => {}
        }
    }
    None
}

fn number(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'));
    text[..end.unwrap_or(text.len())].trim_end_matches('.')
}

/// Round numbers and powers of two are everybody's.
fn is_telling(constant: &str) -> bool {
    let digits = constant.trim_matches('0').chars().filter(char::is_ascii_digit).count();
    match constant.parse::<u64>() {
        Ok(number) => {
            digits >= SHORTEST && !number.is_power_of_two() && !(number + 1).is_power_of_two()
        }
        Err(_) => {
            let letters = constant.chars().filter(|c| c.is_alphanumeric()).count();
            letters >= SHORTEST
        }
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_found_in_any_language() {
        for (line, found) in [
            (r#"if title == "Hello, World!":"#, vec!["Hello, World!"]),
            (r#"    case 'it\'s': return 4711;"#, vec![r"it\'s", "4711"]),
            ("const x = `a b c` + 3.1415;", vec!["a b c", "3.1415"]),
            ("fn a<'a>(b: &'a str, x12345: u64) {}", vec![]),
            ("let don't = 1000 + 256 + 255 + 12", vec![]),
            (r#"print("", 'x', "ab")"#, vec![]),
            ("x = 0x1f2e", vec!["0x1f2e"]),
            (r#"open "unclosed"#, vec![]),
        ] {
            assert_eq!(of_line(line), found, "{line}");
        }
    }

    #[test]
    fn a_name_counts_where_it_is_compared() {
        assert!(is_asked(r#"if name == "alice":"#, "alice"));
        assert!(!is_asked(r#"row["alice"] = 1"#, "alice"));
        assert!(is_asked(r#"row["al ice"] = 1"#, "al ice"));
        assert!(is_asked("return 4711", "4711"));
    }

    #[test]
    fn any_text_can_be_read() {
        for line in ["é\"ü\\", "\"\\", "'", "9.", "…'…\"…`…", "1é2", &"x'".repeat(3_000)]
        {
            of_line(line);
        }
    }
}
