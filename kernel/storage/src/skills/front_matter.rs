//! Front matter: where it ends, and what its fields mean.

use openkoi_core::evaluation::Dimension;
use serde_json::Value;

use super::{
    error::{FRONT_MATTER_LIMIT, SkillError},
    lenient::{self, Field},
    requirements::{Requirements, names},
    skill::{SkillKind, SkillNotice},
    yaml::Yaml,
};

/// The longest name and the longest description of the specification, in characters.
const NAME_LIMIT: usize = 64;
const DESCRIPTION_LIMIT: usize = 1_024;
const LIST_LIMIT: usize = 64;
/// The fields that the specification has, and those that this program reads besides.
const FIELDS: [&str; 6] =
    ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];
const OWN_FIELDS: [&str; 7] =
    ["kind", "categories", "tags", "dimensions", "requires", "os", "disable-model-invocation"];

/// A file in its two parts.
#[derive(Debug, PartialEq)]
pub(super) struct Parts<'a> {
    /// The front matter; absent if there is none.
    pub(super) header: Option<&'a str>,
    /// The line in which the front matter begins, from 1.
    pub(super) header_line: usize,
    pub(super) body: &'a str,
    /// The line in which the text under it begins.
    pub(super) body_line: usize,
}

/// The fields that matter here.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    /// The name as it is written, and its line.
    pub(super) name: Option<(String, usize)>,
    pub(super) description: Option<String>,
    pub(super) kind: Option<SkillKind>,
    pub(super) categories: Vec<String>,
    pub(super) dimensions: Result<Vec<Dimension>, Odd>,
    pub(super) requirements: Requirements,
    pub(super) is_for_people: bool,
    pub(super) fields: Value,
}

/// What is wrong with the axes of an evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Odd(pub(super) &'static str);

/// Returns the front matter and the text under it.
///
/// # Errors
///
/// When the front matter is longer than is read.
pub(super) fn split<'a>(
    text: &'a str,
    notices: &mut Vec<SkillNotice>,
) -> Result<Parts<'a>, SkillError> {
    let text = text.trim_start_matches('\u{feff}');
    let blank = text.lines().take_while(|line| line.trim().is_empty()).count();
    let start: usize = text.split_inclusive('\n').take(blank).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let mut lines = rest.split_inclusive('\n');
    let Some(mark) = lines.next().filter(|line| line.trim_end() == "---") else {
        notices.push(SkillNotice::fault(1, "it does not begin with front matter (`---`)"));
        return Ok(Parts { header: None, header_line: 1, body: rest, body_line: blank + 1 });
    };
    if blank > 0 {
        notices.push(SkillNotice::fault(1, "its front matter does not begin in the first line"));
    }
    let (from, mut to, mut count) = (mark.len(), mark.len(), 0);
    let mut end = None;
    // Where nothing ends it, it goes as far as it looks like fields.
    let mut open_end = None;
    for line in lines {
        if matches!(line.trim_end(), "---" | "...") {
            end = Some((to, to + line.len(), count + 1));
            break;
        }
        let is_text = line.trim().is_empty() || line.starts_with('#');
        if open_end.is_none() && is_text && count > 0 {
            open_end = Some((to, to, count));
        }
        (to, count) = (to + line.len(), count + 1);
        if to - from > FRONT_MATTER_LIMIT {
            break;
        }
    }
    let header_line = blank + 2;
    let is_closed = end.is_some();
    let end = end.or(open_end).or((to - from <= FRONT_MATTER_LIMIT).then_some((to, to, count)));
    let (to, body, count) = end.ok_or(SkillError::Unclosed)?;
    if !is_closed {
        let line = header_line + count;
        notices.push(SkillNotice::fault(line, "no closing `---` ends its front matter"));
    }
    let body = rest.get(body..).unwrap_or_default();
    let blank = body.lines().take_while(|line| line.trim().is_empty()).count();
    Ok(Parts {
        header: rest.get(from..to),
        header_line,
        body: body.trim_start_matches(['\r', '\n']),
        body_line: header_line + count + blank,
    })
}

/// Reads the fields as [`read`] does, for a skill that was bundled: their values may be in JSON.
pub(super) fn read_bundled(text: &str, first: usize, notices: &mut Vec<SkillNotice>) -> Header {
    let Some(Yaml::Map(pairs)) = Yaml::of_json(text) else { return read(text, first, notices) };
    let field = |(key, value)| Field { key, value, line: first, text: String::new() };
    meant(pairs.into_iter().map(field).collect(), first, notices)
}

/// Reads the fields. What is doubtful about them is added to `notices`.
pub(super) fn read(text: &str, first: usize, notices: &mut Vec<SkillNotice>) -> Header {
    meant(lenient::read(text, first, notices), first, notices)
}

fn meant(fields: Vec<Field>, first: usize, notices: &mut Vec<SkillNotice>) -> Header {
    notices.extend(unknown(&fields));
    let line = |key: &str| fields.iter().find(|field| field.key == key).map(|field| field.line);
    let text = |key: &str, notices: &mut Vec<SkillNotice>| text_of(&fields, key, notices);
    let description = text("description", notices);
    if let Some(description) = &description
        && description.chars().count() > DESCRIPTION_LIMIT
    {
        let (count, at) = (description.chars().count(), line("description").unwrap_or(first));
        let long =
            format!("its description has {count} characters, of {DESCRIPTION_LIMIT} at most");
        notices.push(SkillNotice::fault(at, long));
    }
    let name = text("name", notices).map(|name| (name, line("name").unwrap_or(first)));
    let kind = text("kind", notices).and_then(|kind| match kind.as_str() {
        "task" => Some(SkillKind::Task),
        "evaluator" => Some(SkillKind::Evaluator),
        _ => {
            let odd = format!("`{kind}` is no kind of skill; there are `task` and `evaluator`");
            notices.push(SkillNotice::advice(line("kind").unwrap_or(first), odd));
            None
        }
    });
    let for_people = text("disable-model-invocation", notices);
    let root = Yaml::Map(fields.into_iter().map(|field| (field.key, field.value)).collect());
    Header {
        name,
        description,
        kind,
        categories: categories(&root),
        dimensions: dimensions(&root),
        requirements: Requirements::of(&root),
        is_for_people: for_people.is_some_and(|word| word.eq_ignore_ascii_case("true")),
        fields: root.json(),
    }
}

/// Returns what is to be said of fields that the specification does not have.
fn unknown(fields: &[Field]) -> impl Iterator<Item = SkillNotice> {
    let known = |key: &str| FIELDS.contains(&key) || OWN_FIELDS.contains(&key);
    let unknown = fields.iter().filter(move |field| !known(&field.key));
    unknown.map(|field| {
        let kept =
            format!("`{}` is no field of the specification, and is kept as it is", field.key);
        SkillNotice::advice(field.line, kept)
    })
}

/// Returns the text of a field; an empty one counts as absent.
fn text_of(fields: &[Field], key: &str, notices: &mut Vec<SkillNotice>) -> Option<String> {
    let field = fields.iter().find(|field| field.key == key)?;
    let text = match &field.value {
        Yaml::Null => return None,
        Yaml::Text(text) => text.trim(),
        Yaml::List(_) | Yaml::Map(_) => {
            let odd = format!("`{key}` is no text; what stands there is taken as it is");
            notices.push(SkillNotice::fault(field.line, odd));
            field.text.trim()
        }
    };
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns true if a name can be shown, typed and put into a prompt.
pub(super) fn is_usable(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | ':' | '+');
    (1..=NAME_LIMIT).contains(&name.chars().count())
        && name.chars().all(plain)
        && !name.starts_with(['-', '.', ' '])
        && !name.ends_with(' ')
}

/// Returns the name that comes closest to one that cannot be used; absent if nothing of it can.
pub(super) fn usable(name: &str) -> Option<String> {
    let kept: String =
        name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(NAME_LIMIT).collect();
    let kept = kept.trim_matches('-').to_owned();
    (!kept.is_empty()).then_some(kept)
}

/// Returns what the specification has against a name; nothing if it is as it has to be.
#[must_use]
pub fn against_specification(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.chars().count() > NAME_LIMIT {
        return Some("a name has at most 64 characters");
    }
    if !name.chars().all(plain) {
        return Some("a name has small letters, digits and hyphens");
    }
    let hyphens = name.starts_with('-') || name.ends_with('-') || name.contains("--");
    hyphens.then_some("a name neither begins nor ends with a hyphen, and has no two in a row")
}

/// Returns a value from `metadata` or from the top, where some write it.
fn value<'a>(root: &'a Yaml, field: &str) -> Option<&'a Yaml> {
    let nested = root.field("metadata").and_then(|metadata| metadata.field(field));
    nested.or_else(|| root.field(field)).filter(|value| **value != Yaml::Null)
}

fn categories(root: &Yaml) -> Vec<String> {
    let mut found = names(value(root, "categories"));
    found.extend(names(value(root, "tags")));
    found.dedup();
    found.truncate(LIST_LIMIT);
    found
}

fn dimensions(root: &Yaml) -> Result<Vec<Dimension>, Odd> {
    let odd = Odd("a list of `{ name, weight }` with weights above 0");
    let Some(value) = value(root, "dimensions") else { return Ok(Vec::new()) };
    let items = value.list().filter(|items| items.len() <= LIST_LIMIT).ok_or(odd)?;
    let mut dimensions: Vec<Dimension> = Vec::new();
    for item in items {
        let dimension = dimension(item).ok_or(odd)?;
        if dimensions.iter().any(|known| known.name == dimension.name) {
            return Err(Odd("a list without the same name twice"));
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

fn dimension(item: &Yaml) -> Option<Dimension> {
    let name = item.field("name")?.text()?.to_owned();
    let weight: f64 = item.field("weight")?.text()?.parse().ok()?;
    (is_usable(&name) && weight.is_finite() && weight > 0.0).then_some(Dimension { name, weight })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Option<&str>, &str, usize, Vec<usize>) {
        let mut notices = Vec::new();
        let parts = split(text, &mut notices).unwrap();
        let lines = notices.iter().map(|notice| notice.line).collect();
        (parts.header, parts.body, parts.body_line, lines)
    }

    fn header(text: &str) -> (Header, Vec<SkillNotice>) {
        let mut notices = Vec::new();
        (read(text, 2, &mut notices), notices)
    }

    #[test]
    fn front_matter_ends_at_its_second_mark_whatever_the_line_ends() {
        let unix = parts("---\nname: a\n---\n\n# Body\n---\n");
        let windows = parts("\u{feff}---\r\nname: a\r\n---\r\n# Body");

        assert_eq!(unix, (Some("name: a\n"), "# Body\n---\n", 5, vec![]));
        assert_eq!(windows, (Some("name: a\r\n"), "# Body", 4, vec![]));
    }

    #[test]
    fn text_without_whole_front_matter_is_read_as_far_as_it_goes_and_that_is_said() {
        assert_eq!(parts("# Title\n---\n"), (None, "# Title\n---\n", 1, vec![1]));
        assert_eq!(parts("\n\n---\na: b\n---\nx"), (Some("a: b\n"), "x", 6, vec![1]));
        assert_eq!(parts("---\na: b\n\n# Body\n"), (Some("a: b\n"), "# Body\n", 4, vec![3]));
        assert_eq!(parts("---\na: b"), (Some("a: b"), "", 3, vec![3]));
        assert_eq!(parts("---"), (Some(""), "", 2, vec![2]));
    }

    #[test]
    fn endless_front_matter_is_refused() {
        let endless = format!("---\n{}", "a: b\n".repeat(20_000));
        for text in [endless.clone(), format!("{endless}---\n")] {
            assert_eq!(split(&text, &mut Vec::new()), Err(SkillError::Unclosed));
        }
    }

    #[test]
    fn the_readme_evaluator_is_read_as_written_and_as_printed() {
        let nested = "name: my-evaluator\nkind: evaluator\ndescription: Judges.\nmetadata:\n  \
                      categories: [\"database\"]\n  dimensions:\n    - { name: safety, weight: 0.4 }\n";
        let flat = "name: my-evaluator\nkind: evaluator\ndescription: Judges.\nmetadata:\n\
                    categories: [\"database\"]\ndimensions:\n- { name: safety, weight: 0.4 }\n";
        for text in [nested, flat] {
            let (header, notices) = header(text);

            assert_eq!(header.name, Some(("my-evaluator".to_owned(), 2)));
            assert_eq!(header.description.as_deref(), Some("Judges."));
            assert_eq!(header.kind, Some(SkillKind::Evaluator));
            assert_eq!(header.categories, ["database"]);
            let safety = Dimension { name: "safety".to_owned(), weight: 0.4 };
            assert_eq!(header.dimensions, Ok(vec![safety]));
            assert_eq!(notices, []);
        }
    }

    #[test]
    fn fields_of_other_programs_are_kept() {
        let text = "name: weather\ndescription: >\n  Get the weather.\nhomepage: somewhere\n\
                    allowed-tools: Bash(git:*) Read\nlicense: MIT\n\
                    metadata: {\"openclaw\": {\"emoji\": \"x\", \"requires\": {\"bins\": [\"curl\"]},\n  \
                    \"install\": [{\"id\": \"brew\"}]}}\n";

        let (header, notices) = header(text);

        assert_eq!(header.description.as_deref(), Some("Get the weather."));
        assert_eq!(header.requirements.programs, ["curl"]);
        assert_eq!(header.fields["allowed-tools"], "Bash(git:*) Read");
        assert_eq!(header.fields["metadata"]["openclaw"]["install"][0]["id"], "brew");
        let said: Vec<(usize, bool)> = notices.iter().map(|one| (one.line, one.is_fault)).collect();
        assert_eq!(said, [(5, false)], "{notices:?}");
    }

    #[test]
    fn axes_of_the_wrong_form_are_refused() {
        for text in [
            "dimensions: [{ name: x, weight: 0 }]",
            "dimensions: [{ name: x, weight: .nan }]",
            "dimensions: [{ name: x, weight: inf }]",
            "dimensions: [{ name: x }]",
            "dimensions: [{ name: x, weight: 1 }, { name: x, weight: 1 }]",
            "dimensions: safety",
        ] {
            assert!(header(text).0.dimensions.is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_held_against_the_specification_and_against_what_can_be_shown() {
        for (name, usable, fits) in [
            ("pdf-tools", true, true),
            ("PDF tools", true, false),
            ("größe", true, false),
            ("a--b", true, false),
            ("a-", true, false),
            ("../a", false, false),
            ("a\u{1b}[2J", false, false),
            ("a\"b", false, false),
        ] {
            assert_eq!(
                (is_usable(name), against_specification(name).is_none()),
                (usable, fits),
                "{name}"
            );
        }
        assert_eq!(usable("../a b\u{1b}").as_deref(), Some("a-b"));
        assert_eq!(usable("///"), None);
    }
}
