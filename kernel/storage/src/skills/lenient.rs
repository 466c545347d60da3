//! Front matter as it is found: fields one by one, where the whole is no YAML.
//!
//! Other programs read a field whose text has a colon, an indentation with tabs, a key that is there twice. Each field
//! is read by itself here, so that one that is no YAML is text and the others are what they are.

use super::{
    skill::SkillNotice,
    yaml::{self, DEPTH_LIMIT, Yaml, YamlError},
};

/// The longest name of a field.
const KEY_LIMIT: usize = 64;

/// One field of front matter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) value: Yaml,
    /// The line of the file, from 1.
    pub(super) line: usize,
    /// What stands behind the colon, as one text.
    pub(super) text: String,
}

/// The lines of one field.
struct Lines<'a> {
    key: &'a str,
    line: usize,
    /// What stands behind the colon in its own line.
    inline: &'a str,
    own: &'a str,
    below: Vec<&'a str>,
}

/// Reads the fields of front matter whose first line is the file's line `first`.
pub(super) fn read(text: &str, first: usize, notices: &mut Vec<SkillNotice>) -> Vec<Field> {
    let (found, strays) = split(text, first);
    let strict = yaml::parse(text);
    if let (Ok(Yaml::Map(pairs)), true) = (&strict, strays.is_empty()) {
        let field = |(key, value): &(String, Yaml)| {
            let lines = found.iter().find(|lines| lines.key == key);
            Field {
                key: key.clone(),
                value: value.clone(),
                line: lines.map_or(first, |lines| lines.line),
                text: lines.map(Lines::text).unwrap_or_default(),
            }
        };
        return pairs.iter().map(field).collect();
    }
    let before = notices.len();
    notices.extend(
        strays.iter().map(|line| SkillNotice::fault(*line, "this line is no field, and not read")),
    );
    let mut fields: Vec<Field> = Vec::new();
    for lines in &found {
        let value = lines.value(0).unwrap_or_else(|(value, error)| {
            let wrong =
                format!("`{}` is not valid YAML ({error}); its text is taken as it is", lines.key);
            notices.push(SkillNotice::fault(lines.line, wrong));
            value
        });
        if fields.iter().any(|field| field.key == lines.key) {
            let twice = format!("`{}` is there twice; this one counts", lines.key);
            notices.push(SkillNotice::fault(lines.line, twice));
            fields.retain(|field| field.key != lines.key);
        }
        let (key, text) = (lines.key.to_owned(), lines.text());
        fields.push(Field { key, value, line: lines.line, text });
    }
    if let Err(error) = strict
        && notices.len() == before
    {
        let wrong =
            format!("the front matter is not valid YAML ({error}); it is read field by field");
        notices.push(SkillNotice::fault(first + error.line.saturating_sub(1), wrong));
    }
    fields
}

/// Returns the lines of each field, and the numbers of those before the first that are nothing.
fn split(text: &str, first: usize) -> (Vec<Lines<'_>>, Vec<usize>) {
    let (mut found, mut strays): (Vec<Lines<'_>>, Vec<usize>) = (Vec::new(), Vec::new());
    for (number, own) in text.lines().enumerate() {
        match (key(own), found.last_mut()) {
            (Some((key, inline)), _) => {
                let (line, below) = (first + number, Vec::new());
                found.push(Lines { key, line, inline, own, below });
            }
            (None, Some(last)) => last.below.push(own),
            (None, None) if own.trim().is_empty() || own.starts_with('#') => {}
            (None, None) => strays.push(first + number),
        }
    }
    (found, strays)
}

/// Returns the key of a line that begins a field, and what stands behind its colon.
fn key(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once(':')?;
    let key = key.trim_end().trim_matches(['"', '\'']);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '$');
    let is_key = (1..=KEY_LIMIT).contains(&key.len())
        && key.chars().all(plain)
        && !key.starts_with('-')
        // An address or a time is no key.
        && !rest.starts_with(['/', ':']);
    is_key.then_some((key, rest.trim()))
}

impl Lines<'_> {
    /// Returns the value, or what it is taken for and why it is no YAML.
    fn value(&self, depth: usize) -> Result<Yaml, (Yaml, YamlError)> {
        let whole = [self.own].into_iter().chain(self.below.iter().copied());
        let whole = whole.collect::<Vec<_>>().join("\n");
        let error = match yaml::parse(&whole) {
            Ok(Yaml::Map(mut pairs)) if pairs.len() == 1 => {
                return Ok(pairs.pop().map_or(Yaml::Null, |(_, value)| value));
            }
            Ok(_) => YamlError { line: 1, message: "it is no field".to_owned() },
            Err(error) => error,
        };
        // A tab is no indentation in YAML, and one in many files.
        if let Ok(Yaml::Map(mut pairs)) = yaml::parse(&whole.replace('\t', "  "))
            && let (Some((_, value)), true) = (pairs.pop(), pairs.is_empty())
        {
            return Err((value, error));
        }
        Err((self.taken(depth), error))
    }

    /// Returns what a value is taken for that is no YAML: a map of its lines, or their text.
    fn taken(&self, depth: usize) -> Yaml {
        if self.inline.is_empty() && depth < DEPTH_LIMIT {
            let inner = unindented(&self.below);
            let (found, strays) = split(&inner, 1);
            if strays.is_empty() && !found.is_empty() {
                let pair = |lines: &Lines<'_>| {
                    let value = lines.value(depth + 1).unwrap_or_else(|(value, _)| value);
                    (lines.key.to_owned(), value)
                };
                return Yaml::Map(found.iter().map(pair).collect());
            }
        }
        Yaml::Text(self.text())
    }

    /// Returns what stands behind the colon as one text, without the marks of a block and without quotes.
    fn text(&self) -> String {
        let inline = match self.inline {
            "|" | ">" | "|-" | ">-" | "|+" | ">+" => "",
            other => other,
        };
        let lines = [inline].into_iter().chain(self.below.iter().map(|line| line.trim()));
        let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote).map(str::to_owned));
        unquoted.unwrap_or(text)
    }
}

/// Returns lines without the indentation that they share. A tab counts as two blanks.
fn unindented(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| line.replace('\t', "  ")).collect();
    let indent = |line: &String| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let cut = lines.iter().map(|line| line.get(shared..).unwrap_or_default());
    cut.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> (Vec<(String, Yaml)>, Vec<String>) {
        let mut notices = Vec::new();
        let fields = read(text, 2, &mut notices);
        let said = notices.iter().map(|notice| format!("{}: {}", notice.line, notice.text));
        (fields.into_iter().map(|field| (field.key, field.value)).collect(), said.collect())
    }

    /// Front matter, its fields, and the number of notices.
    type Case = (&'static str, Vec<(String, Yaml)>, usize);

    fn text(key: &str, value: &str) -> (String, Yaml) {
        (key.to_owned(), Yaml::Text(value.to_owned()))
    }

    #[test]
    fn one_field_that_is_no_yaml_is_text_and_the_others_are_what_they_are() {
        let found =
            "name: pdf\ndescription: Use when: a PDF is there. Note: slow\nlicense: [MIT]\n";

        let (fields, said) = fields(found);

        let license = Yaml::List(vec![Yaml::Text("MIT".to_owned())]);
        let expected = [
            text("name", "pdf"),
            text("description", "Use when: a PDF is there. Note: slow"),
            ("license".to_owned(), license),
        ];
        assert_eq!(fields, expected);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("3: `description` is not valid YAML"), "{said:?}");
    }

    #[test]
    fn what_the_corpus_has_is_read_and_said() {
        let inner = Yaml::Map(vec![text("author", "Ada"), text("short", "Do: this")]);
        let cases: [Case; 9] = [
            ("name: a\nname: b\n", vec![text("name", "b")], 1),
            ("name:\ta\n", vec![text("name", "a")], 1),
            (
                "metadata:\n\tauthor: Ada\n\tshort: Do: this\n",
                vec![("metadata".to_owned(), inner.clone())],
                1,
            ),
            (
                "description: one\ntwo three\nname: x\n",
                vec![text("description", "one two three"), text("name", "x")],
                1,
            ),
            ("description: !important do it\n", vec![text("description", "!important do it")], 1),
            (
                "description: @user asks\r\nname: x\r\n",
                vec![text("description", "@user asks"), text("name", "x")],
                1,
            ),
            ("description: \"half: open\n", vec![text("description", "\"half: open")], 1),
            (
                "description: [Beta] reads: files\n",
                vec![text("description", "[Beta] reads: files")],
                1,
            ),
            ("stray\nname: a\n", vec![text("name", "a")], 1),
        ];
        for (found, expected, count) in cases {
            let (fields, said) = fields(found);
            assert_eq!(fields, expected, "{found:?}");
            assert_eq!(said.len(), count, "{found:?}: {said:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "[-\\[\\]{}:,&*!|>'\"#%@ \\r\\na-c\u{e9}\\t]{0,120}") {
            drop(fields(&text));
        }
    }
}
