//! The places of a file that a text which does not occur in it may have meant.

use crate::format;

/// The part of a long text that is compared.
const COMPARED_LINES: usize = 40;
/// Files of more lines are only searched for the first line.
const MAX_WORK: usize = 2_000_000;

/// Says what the file has instead of `old`.
pub(crate) fn describe(text: &str, old: &str) -> String {
    if let Some(stripped) = without_numbers(old)
        && text.contains(&stripped)
    {
        return "this text does not occur in the file; leave out the line numbers, which are not part of it".to_owned();
    }
    let lines: Vec<&str> = text.lines().collect();
    let wanted: Vec<&str> = old.lines().collect();
    match closest(&lines, &wanted) {
        Some(place) => {
            let shown = format::numbered(lines[place.at..place.end].iter().copied(), place.at + 1);
            format!("this text does not occur in the file; {}:\n{shown}", place.says())
        }
        None => "this text does not occur in the file, nor anything like it; read the file again"
            .to_owned(),
    }
}

struct Place {
    at: usize,
    end: usize,
    only_space: bool,
}

impl Place {
    fn says(&self) -> &'static str {
        if self.only_space {
            "these lines differ from it only in white space"
        } else {
            "these lines are the closest to it"
        }
    }
}

/// Slides the wanted lines over the file and takes the place where they fit best, if they fit at all.
fn closest(lines: &[&str], wanted: &[&str]) -> Option<Place> {
    let mut wanted: Vec<&str> = wanted.iter().take(COMPARED_LINES).copied().collect();
    if lines.len() * wanted.len() > MAX_WORK {
        wanted.truncate(1);
    }
    let starts = lines.len().checked_sub(wanted.len().min(lines.len()))?;
    let scored = (0..=starts).map(|at| (score(&lines[at..], &wanted), at));
    let (best, at) = scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
    let end = (at + wanted.len()).min(lines.len());
    (best >= 0.5 && end > at).then_some(Place { at, end, only_space: best >= 1.0 })
}

/// 1 if all lines agree but for white space.
fn score(lines: &[&str], wanted: &[&str]) -> f64 {
    let alike: f64 = lines.iter().zip(wanted).map(|(line, wanted)| likeness(line, wanted)).sum();
    alike / wanted.len() as f64
}

/// The share of two lines that agrees from both ends, white space left out.
fn likeness(a: &str, b: &str) -> f64 {
    let significant = |line: &str| line.chars().filter(|c| !c.is_whitespace()).collect::<Vec<_>>();
    let (a, b) = (significant(a), significant(b));
    if a == b {
        return 1.0;
    }
    let shorter = a.len().min(b.len());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let end =
        a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count().min(shorter - start);
    // Never a full score: these lines do differ.
    (start + end) as f64 / (a.len().max(b.len()) + 1) as f64
}

/// Drops the numbers of `read_file` if every line has one.
fn without_numbers(old: &str) -> Option<String> {
    let lines: Option<Vec<&str>> = old
        .lines()
        .map(|line| {
            let (number, rest) = line.split_once('\t')?;
            number.trim().parse::<usize>().ok().map(|_| rest)
        })
        .collect();
    lines.filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "fn main() {\n    let a = 1;\n    let b = 2;\n}\n";

    #[test]
    fn white_space_that_differs_is_shown() {
        assert_eq!(
            describe(FILE, "let a = 1;\nlet b = 2;"),
            "this text does not occur in the file; these lines differ from it only in white space:\n     2\t    let a = 1;\n     3\t    let b = 2;\n"
        );
    }

    #[test]
    fn the_closest_lines_are_shown() {
        assert_eq!(
            describe(FILE, "    let b = 3;\n}"),
            "this text does not occur in the file; these lines are the closest to it:\n     3\t    let b = 2;\n     4\t}\n"
        );
    }

    #[test]
    fn line_numbers_are_recognised() {
        assert!(
            describe(FILE, "     2\t    let a = 1;\n     3\t    let b = 2;")
                .contains("leave out the line numbers")
        );
    }

    #[test]
    fn nothing_is_shown_where_nothing_is_alike() {
        assert!(describe(FILE, "SELECT * FROM tasks").ends_with("read the file again"));
        assert!(describe("", "x").ends_with("read the file again"));
        assert!(describe("x\n", "a\nb\nc\nd").ends_with("read the file again"));
    }
}
