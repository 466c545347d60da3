//! Front matter: where it ends, and what its fields mean.

use openkoi_core::evaluation::Dimension;

use super::{
    error::{FRONT_MATTER_LIMIT, SkillError},
    skill::SkillKind,
    yaml::{self, Yaml},
};

const NAME_LIMIT: usize = 64;
const DESCRIPTION_LIMIT: usize = 1_024;
const LIST_LIMIT: usize = 64;

/// The fields that matter here.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) name: Option<String>,
    pub(super) description: String,
    pub(super) kind: Option<SkillKind>,
    pub(super) categories: Vec<String>,
    pub(super) dimensions: Vec<Dimension>,
}

/// Returns the front matter and the text under it.
pub(super) fn split(text: &str) -> Result<(&str, &str), SkillError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.split_inclusive('\n');
    if lines.next().is_none_or(|line| line.trim_end() != "---") {
        return Err(SkillError::NoFrontMatter);
    }
    let start = text.find('\n').map_or(text.len(), |end| end + 1);
    let mut end = start;
    for line in lines {
        if line.trim_end() == "---" {
            let body = text.get(end + line.len()..).unwrap_or_default();
            return Ok((
                text.get(start..end).unwrap_or_default(),
                body.trim_start_matches(['\r', '\n']),
            ));
        }
        end += line.len();
        if end - start > FRONT_MATTER_LIMIT {
            break;
        }
    }
    Err(SkillError::Unclosed)
}

/// Reads the fields.
pub(super) fn read(text: &str) -> Result<Header, SkillError> {
    let root = yaml::parse(text)?;
    if !matches!(root, Yaml::Map(_)) {
        return Err(SkillError::Field { field: "name", wanted: "a field of a YAML map" });
    }
    let name = optional(&root, "name", "text")?;
    Ok(Header {
        name: name.map(|text| self::name(text.to_owned())).transpose()?,
        description: description(&root)?,
        kind: kind(&root)?,
        categories: categories(&root)?,
        dimensions: dimensions(&root)?,
    })
}

/// Accepts a name that is safe to show, to type and to use as a file.
pub(super) fn name(text: String) -> Result<String, SkillError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits =
        (1..=NAME_LIMIT).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('.');
    if fits {
        return Ok(text);
    }
    let wanted = "up to 64 letters, digits, `-`, `_` or `.`";
    Err(SkillError::Field { field: "name", wanted })
}

fn description(root: &Yaml) -> Result<String, SkillError> {
    let wanted = "a text of up to 1,024 characters";
    let text = optional(root, "description", wanted)?.unwrap_or_default().trim();
    if text.is_empty() || text.chars().count() > DESCRIPTION_LIMIT {
        return Err(SkillError::Field { field: "description", wanted });
    }
    Ok(text.to_owned())
}

fn kind(root: &Yaml) -> Result<Option<SkillKind>, SkillError> {
    let wanted = "`task` or `evaluator`";
    match optional(root, "kind", wanted)? {
        None => Ok(None),
        Some("task") => Ok(Some(SkillKind::Task)),
        Some("evaluator") => Ok(Some(SkillKind::Evaluator)),
        Some(_) => Err(SkillError::Field { field: "kind", wanted }),
    }
}

/// Returns a text field; an empty one counts as absent.
fn optional<'a>(
    root: &'a Yaml,
    field: &'static str,
    wanted: &'static str,
) -> Result<Option<&'a str>, SkillError> {
    match root.field(field) {
        None | Some(Yaml::Null) => Ok(None),
        Some(value) => value.text().map(Some).ok_or(SkillError::Field { field, wanted }),
    }
}

/// Returns a list from `metadata` or from the top, where some write it.
fn list<'a>(
    root: &'a Yaml,
    field: &'static str,
    wanted: &'static str,
) -> Result<&'a [Yaml], SkillError> {
    let nested = root.field("metadata").and_then(|metadata| metadata.field(field));
    match nested.or_else(|| root.field(field)) {
        None | Some(Yaml::Null) => Ok(&[]),
        Some(value) => value
            .list()
            .filter(|items| items.len() <= LIST_LIMIT)
            .ok_or(SkillError::Field { field, wanted }),
    }
}

fn categories(root: &Yaml) -> Result<Vec<String>, SkillError> {
    let (field, wanted) = ("categories", "a list of at most 64 texts");
    let items = list(root, field, wanted)?.iter();
    let texts = items.map(|item| item.text().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or(SkillError::Field { field, wanted })
}

fn dimensions(root: &Yaml) -> Result<Vec<Dimension>, SkillError> {
    let (field, wanted) = ("dimensions", "a list of `{ name, weight }` with weights above 0");
    let mut dimensions: Vec<Dimension> = Vec::new();
    for item in list(root, field, wanted)? {
        let dimension = dimension(item).ok_or(SkillError::Field { field, wanted })?;
        if dimensions.iter().any(|known| known.name == dimension.name) {
            return Err(SkillError::Field { field, wanted: "a list without the same name twice" });
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

fn dimension(item: &Yaml) -> Option<Dimension> {
    let name = name(item.field("name")?.text()?.to_owned()).ok()?;
    let weight: f64 = item.field("weight")?.text()?.parse().ok()?;
    (weight.is_finite() && weight > 0.0).then_some(Dimension { name, weight })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_ends_at_its_second_mark_whatever_the_line_ends() {
        let unix = split("---\nname: a\n---\n\n# Body\n---\n").unwrap();
        let windows = split("\u{feff}---\r\nname: a\r\n---\r\n# Body").unwrap();

        assert_eq!(unix, ("name: a\n", "# Body\n---\n"));
        assert_eq!(windows, ("name: a\r\n", "# Body"));
    }

    #[test]
    fn text_without_whole_front_matter_is_refused() {
        let endless = format!("---\n{}", "a: b\n".repeat(20_000));
        assert_eq!(split(""), Err(SkillError::NoFrontMatter));
        assert_eq!(split("# Title\n---\n"), Err(SkillError::NoFrontMatter));
        assert_eq!(split("---\nname: a\n"), Err(SkillError::Unclosed));
        assert_eq!(split("---"), Err(SkillError::Unclosed));
        assert_eq!(split(&endless), Err(SkillError::Unclosed));
        assert_eq!(split(&format!("{endless}---\n")), Err(SkillError::Unclosed));
    }

    #[test]
    fn the_readme_evaluator_is_read_as_written_and_as_printed() {
        let nested = "name: my-evaluator\nkind: evaluator\ndescription: Judges.\nmetadata:\n  \
                      categories: [\"database\"]\n  dimensions:\n    - { name: safety, weight: 0.4 }\n";
        let flat = "name: my-evaluator\nkind: evaluator\ndescription: Judges.\nmetadata:\n\
                    categories: [\"database\"]\ndimensions:\n- { name: safety, weight: 0.4 }\n";
        let expected = Header {
            name: Some("my-evaluator".to_owned()),
            description: "Judges.".to_owned(),
            kind: Some(SkillKind::Evaluator),
            categories: vec!["database".to_owned()],
            dimensions: vec![Dimension { name: "safety".to_owned(), weight: 0.4 }],
        };

        assert_eq!(read(nested), Ok(expected));
        assert_eq!(read(flat), read(nested));
    }

    #[test]
    fn fields_of_other_programs_are_left_alone() {
        let text = "name: weather\ndescription: >\n  Get the weather.\nhomepage: somewhere\n\
                    allowed-tools: Bash(git:*) Read\nlicense: MIT\n\
                    metadata: {\"openclaw\": {\"emoji\": \"x\", \"requires\": {\"bins\": [\"curl\"]},\n  \
                    \"install\": [{\"id\": \"brew\"}]}}\n";

        let header = read(text).unwrap();

        assert_eq!(header.description, "Get the weather.");
        assert_eq!((header.kind, header.categories.len()), (None, 0));
    }

    #[test]
    fn a_field_of_the_wrong_form_is_named() {
        let good = "name: a\ndescription: b\n";
        let cases = [
            ("description: b\nname: [a]", "name"),
            ("description: b\nname: ../a", "name"),
            ("description: b\nname: .a", "name"),
            ("name: a", "description"),
            ("name: a\ndescription: ''", "description"),
            (&format!("{good}kind: judge"), "kind"),
            (&format!("{good}categories: code"), "categories"),
            (&format!("{good}dimensions: [{{ name: x, weight: 0 }}]"), "dimensions"),
            (&format!("{good}dimensions: [{{ name: x, weight: .nan }}]"), "dimensions"),
            (&format!("{good}dimensions: [{{ name: x, weight: inf }}]"), "dimensions"),
            (&format!("{good}dimensions: [{{ name: x }}]"), "dimensions"),
            (
                &format!("{good}dimensions: [{{ name: x, weight: 1 }}, {{ name: x, weight: 1 }}]"),
                "dimensions",
            ),
            ("- a", "name"),
        ];
        for (text, named) in cases {
            let Err(SkillError::Field { field, .. }) = read(text) else {
                panic!("accepted {text:?}");
            };
            assert_eq!(field, named, "{text}");
        }
    }
}
