//! Runners that only write for people: a tick or a cross before each test, and counts at the end.

use openkoi_sdk::evaluator::Outcome;

use super::case::{Case, Report};

/// Reads ticks and crosses and the counts; nothing if there is neither.
pub(crate) fn read(output: &str) -> Option<Report> {
    let mut cases = Vec::new();
    for line in output.lines() {
        let text = line.trim();
        // What failed is told once more, at length.
        if matches!(text, "✖ failing tests:" | "Failed Tests") {
            break;
        }
        cases.extend(case(text));
    }
    let mut counts = Counts::default();
    for line in output.lines() {
        counts.line(line.trim());
    }
    if cases.is_empty() && counts.ran.is_none() {
        return None;
    }
    let mut report = Report::counted(cases);
    report.ran = counts.ran.or(report.ran);
    Some(report)
}

fn case(text: &str) -> Option<Case> {
    let mut chars = text.chars();
    let outcome = match chars.next()? {
        '✔' | '✓' | '√' => Outcome::Passed,
        '✖' | '✕' | '×' | '✗' => Outcome::Failed,
        '﹣' | '↓' | '○' => Outcome::Skipped,
        _ => return None,
    };
    let name = untimed(chars.as_str().strip_prefix(' ')?.trim());
    (!name.is_empty()).then(|| Case::new(name, outcome))
}

/// Takes the time from the end: `(1.2ms)`, `(5 ms)`, `12ms`; it is another one in the next run.
fn untimed(name: &str) -> &str {
    let name = name.strip_suffix(" # SKIP").unwrap_or(name);
    let name = name.strip_suffix(" # TODO").unwrap_or(name);
    let time = |text: &str| {
        let number = text.trim_end_matches(['m', 's', ' ']);
        number.len() < text.len() && number.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    if let Some((rest, inside)) = name.rsplit_once(" (")
        && inside.strip_suffix(')').is_some_and(time)
    {
        return rest;
    }
    match name.rsplit_once(' ') {
        Some((rest, last)) if time(last) && last.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => name,
    }
}

#[derive(Default)]
struct Counts {
    ran: Option<u32>,
}

impl Counts {
    /// `ℹ tests 7`; `Tests: 1 failed, 2 passed, 3 total`; `Tests  2 passed (2)`; `5 passing (3ms)`.
    fn line(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let found = match words.as_slice() {
            ["ℹ" | "#", "tests", count] => count.parse().ok(),
            ["Tests:" | "Tests", rest @ ..] => before(rest, &["passed", "failed"]),
            [count, "passing" | "failing", ..] => match (count.parse::<u32>(), self.ran) {
                (Ok(count), _) if words[1] == "passing" => Some(count),
                (Ok(count), Some(passing)) => Some(passing + count),
                _ => None,
            },
            _ => None,
        };
        self.ran = found.or(self.ran);
    }
}

fn before(words: &[&str], wanted: &[&str]) -> Option<u32> {
    let mut sum = None;
    for pair in words.windows(2) {
        if wanted.contains(&pair[1].trim_end_matches(','))
            && let Ok(count) = pair[0].parse::<u32>()
        {
            sum = Some(sum.unwrap_or(0) + count);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::{Reporter, tests::lines};

    #[test]
    fn ticks_and_crosses_are_read_without_their_times() {
        let output = "▶ group\n  ✔ inner (0.16109ms)\n  ✖ bad inner (0.172727ms)\n    Error: x\n\n\
                      ﹣ skipped (0.15ms) # SKIP\nℹ tests 3\nℹ pass 1\n\n✖ failing tests:\n\n✖ bad inner (0.1ms)\n";

        let report = Reporter::Any.read(output).unwrap();

        assert_eq!(
            lines(&report),
            ["Passed inner", "Failed bad inner", "Skipped skipped", "Some(3) []"]
        );
    }

    #[test]
    fn counts_alone_are_a_report() {
        for (output, ran) in [
            ("PASS ./a.test.js\nTests:       1 failed, 2 passed, 3 total\n", 3),
            (" Test Files  1 passed (1)\n      Tests  2 passed (2)\n", 2),
            ("  5 passing (3ms)\n  1 failing\n", 6),
        ] {
            let report = Reporter::Any.read(output).unwrap();
            assert_eq!(report.ran, Some(ran), "{output}");
        }
    }

    #[test]
    fn other_output_is_not_read_as_a_report() {
        assert_eq!(Reporter::Any.read("done in 3s\nall good\n"), None);
    }
}
