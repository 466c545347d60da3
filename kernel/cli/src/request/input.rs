//! What was piped, as a part of a request. A long text is shortened there, and kept whole in a file that the request
//! names, so that the model can look further.

use crate::{context::Context, error::CommandError};

/// The most bytes of piped text that a request has in it.
const LONGEST: usize = 100 << 10;
/// How many of them are from the beginning. The end tells more: that is where programs say what went wrong.
const HEAD: usize = 30 << 10;

/// Returns the text, or its beginning and end with the name of the file that has all of it.
pub(super) fn fitted(text: String, context: &Context) -> Result<String, CommandError> {
    if text.len() <= LONGEST {
        return Ok(text);
    }
    let path = context.app.keep_input(text.as_bytes())?;
    let (head, tail) = ends(&text);
    let omitted = text.len() - head.len() - tail.len();
    let note = format!("[{omitted} bytes left out; the whole input is in {}]", path.display());
    context.printer.notice(&format!(
        "standard input is long: {omitted} of {} bytes are left out of the request; the whole is in {}",
        text.len(),
        path.display()
    ));
    Ok(format!("{head}\n{note}\n{tail}"))
}

/// Returns the beginning and the end of a long text, cut where lines end if there are lines.
fn ends(text: &str) -> (&str, &str) {
    let head = text.get(..text.floor_char_boundary(HEAD)).unwrap_or_default();
    let head = head.rfind('\n').and_then(|end| head.get(..end)).unwrap_or(head);
    let from = text.ceil_char_boundary(text.len() - (LONGEST - HEAD));
    let tail = text.get(from..).unwrap_or_default();
    let tail = tail.find('\n').and_then(|end| tail.get(end + 1..)).filter(|tail| !tail.is_empty());
    (head, tail.unwrap_or_else(|| text.get(from..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn a_short_text_is_the_text() {
        let world = World::new();

        assert_eq!(fitted("it broke\n".into(), &world.context()).unwrap(), "it broke\n");
        assert!(!world.home().join("tool-output").exists());
    }

    #[test]
    fn a_long_text_keeps_its_ends_and_names_the_file_that_has_all_of_it() {
        let world = World::new();
        let lines = (0..60_000).map(|number| format!("line {number} ü\n"));
        let text: String = lines.collect();

        let shown = fitted(text.clone(), &world.context()).unwrap();

        assert!(shown.len() < LONGEST + 500, "{}", shown.len());
        assert!(shown.starts_with("line 0 ü\n") && shown.ends_with("line 59999 ü\n"));
        let (_, place) = shown.split_once("the whole input is in ").unwrap();
        let kept = std::fs::read_to_string(place.split_once(']').unwrap().0).unwrap();
        assert!(kept == text, "all of it is kept");
    }

    #[test]
    fn a_text_without_lines_is_cut_between_characters() {
        let text = "ü".repeat(LONGEST);

        let (head, tail) = ends(&text);

        assert_eq!((head.len(), tail.len()), (HEAD, LONGEST - HEAD));
    }
}
