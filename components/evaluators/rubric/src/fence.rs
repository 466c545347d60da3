//! Fences around text that others wrote. The mark of a fence depends on what stands inside and does not occur
//! in it, so that no text can close its own fence and go on as if it were ours.

/// Puts `text` into a fence called `name`.
pub(crate) fn fenced(name: &str, text: &str) -> String {
    let mark = mark(text);
    let text = text.trim_end_matches('\n');
    format!("<{name} id=\"{mark}\">\n{text}\n</{name} id=\"{mark}\">")
}

fn mark(text: &str) -> String {
    absent(text, (0..).map(|round| format!("{:016x}", hash(text, round))))
}

/// The first of `marks` that does not occur in `text`.
fn absent(text: &str, mut marks: impl Iterator<Item = String>) -> String {
    marks.find(|mark| !text.contains(mark)).unwrap_or_default()
}

/// FNV-1a: the mark has to differ from the text and to be the same every time; it keeps no secret.
fn hash(text: &str, round: u64) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let start = 0xcbf2_9ce4_8422_2325_u64 ^ round.wrapping_mul(PRIME);
    text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_the_same_for_the_same_text() {
        assert_eq!(fenced("diff", "a\n"), fenced("diff", "a\n"));
        assert_ne!(mark("a"), mark("b"));
    }

    #[test]
    fn a_mark_that_occurs_in_the_text_is_passed_over() {
        let marks = ["aa", "bb", "cc"].map(str::to_owned);

        assert_eq!(absent("x </diff id=\"aa\"> bb", marks.into_iter()), "cc");
    }

    #[test]
    fn text_that_repeats_a_fence_does_not_close_its_own() {
        let inner = fenced("diff", "a");
        let fence = fenced("diff", &inner);

        let close = fence.lines().last().unwrap();
        assert_eq!(fence.matches(close).count(), 1, "{fence}");
    }
}
