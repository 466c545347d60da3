//! Searching by what is in files.

use openkoi_sdk::{
    Failure, JsonSchema, Result,
    files::{CHUNK, FileSystem},
    tool::Output,
    walk::{join, normal, without_parents},
};
use openkoi_text::{Breaks, Charset, Format, Hints, Text};
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::{
    lines,
    scope::{self, Missed, Pattern, Scope, count, named},
};

/// Larger files are passed over: they are data, and reading them is what takes time.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// A file that is named is searched up to this size: saved outputs are long.
const MAX_NAMED: u64 = 16 * 1024 * 1024;
/// The most files that are read, and the most bytes of them. Both stay below the limits of the manifest, so that a
/// search that is too wide ends with what it found.
const MAX_READ_FILES: usize = 100_000;
const MAX_READ: u64 = 512 * 1024 * 1024;
const DEFAULT_RESULTS: usize = 100;
const MAX_RESULTS: usize = 1000;
/// The longest text of an answer, whatever the number of results.
const MAX_TEXT: usize = 48 * 1024;

#[openkoi_sdk::arguments]
pub(crate) struct SearchContent {
    /// Regular expression, without look-around.
    #[schemars(length(min = 1))]
    pattern: String,
    /// Plain text instead.
    #[serde(default)]
    literal: bool,
    /// Directory or file.
    #[serde(default)]
    path: Option<String>,
    /// Like `*.rs`, `src/**/*.{ts,tsx}` or `!*.lock`.
    #[serde(default)]
    glob: Option<String>,
    #[serde(default)]
    ignore_case: bool,
    // Lines around a match.
    #[serde(default)]
    context: usize,
    #[serde(default)]
    mode: Mode,
    // 100 if left out.
    #[serde(default)]
    max_results: Option<usize>,
    // Ignored files too.
    #[serde(default)]
    all: bool,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "openkoi_sdk::schemars", inline)]
pub(crate) enum Mode {
    #[default]
    Content,
    Files,
    Count,
}

/// A search under way.
struct Search<'a> {
    regex: Regex,
    arguments: &'a SearchContent,
    limit: usize,
    text: String,
    matches: usize,
    files: usize,
    full: bool,
    read_files: usize,
    read: u64,
    /// Files that were passed over because they are too large, and because they are no text.
    large: Vec<String>,
    binary: Vec<String>,
    /// Files in a charset that nothing tells, where the pattern has letters that are not ASCII.
    unknown: Vec<String>,
    /// True if a file was searched in parts.
    in_parts: bool,
}

pub(crate) fn run(files: &impl FileSystem, arguments: &SearchContent) -> Result<Output> {
    let path = without_parents(files, arguments.path.as_deref().unwrap_or("."));
    let exists = |text: &str| files.stat(&join(&normal(&path), text)).is_ok();
    let glob = arguments.glob.as_deref();
    let glob = glob.map(|glob| Pattern::parse(glob, "/glob", exists)).transpose()?;
    let scope = Scope { path: &path, glob, ignore_files: !arguments.all };
    let most = if files.stat(&path)?.is_file() { MAX_NAMED } else { MAX_FILE };
    let mut search = Search {
        regex: regex(arguments)?,
        arguments,
        limit: arguments.max_results.unwrap_or(DEFAULT_RESULTS).clamp(1, MAX_RESULTS),
        text: String::new(),
        matches: 0,
        files: 0,
        full: false,
        read_files: 0,
        read: 0,
        large: Vec::new(),
        binary: Vec::new(),
        unknown: Vec::new(),
        in_parts: false,
    };
    let missed = scope::each_file(files, &scope, |path, _, stat| {
        if stat.size > most && most == MAX_NAMED {
            search.in_parts(files, path, stat.size)?;
        } else if stat.size > most {
            search.large.push(path.to_owned());
        } else {
            search.account(stat.size)?;
            let contents = files.read_to_end(path, most)?;
            match readable(files, path, contents) {
                Some(file) => {
                    if file.is_unknown && !arguments.pattern.is_ascii() {
                        search.unknown.push(path.to_owned());
                    }
                    search.file(path, &file.contents, 0);
                }
                None => search.binary.push(path.to_owned()),
            }
        }
        Ok(!search.full)
    })?;
    Ok(search.output(&missed))
}

fn regex(arguments: &SearchContent) -> Result<Regex> {
    let pattern = if arguments.literal {
        regex::escape(&arguments.pattern)
    } else {
        arguments.pattern.clone()
    };
    let built = RegexBuilder::new(&pattern)
        .multi_line(true)
        .crlf(true)
        .case_insensitive(arguments.ignore_case)
        .size_limit(4 * 1024 * 1024)
        .build();
    built.map_err(|error| Failure::invalid("/pattern", explain(&error)))
}

/// The parser draws the pattern and points at the place; the last line says what is wrong.
fn explain(error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim();
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    format!("not a regular expression: {reason}; set `literal` to look for plain text")
}

fn is_legacy(format: Format) -> bool {
    matches!(format.charset, Charset::Legacy(_))
}

/// Returns the bytes that are searched: those of a file in UTF-8 or in a charset that nothing tells as they are, those of
/// others in UTF-8; none of a file that is not text.
fn readable(files: &impl FileSystem, path: &str, contents: Vec<u8>) -> Option<Readable> {
    let hints = || Hints::of(files, path);
    let format = Format::of(&contents, &hints)?;
    let as_they_are = matches!(format.charset, Charset::Utf8 | Charset::Unknown);
    let mut contents = contents;
    if !as_they_are {
        contents = Text::decode(&contents, &hints)?.text.into_bytes();
    } else if format.mark {
        // A mark is no part of the first line.
        contents.drain(..format.mark().len());
    }
    if format.breaks == Breaks::Returns {
        contents.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
    }
    Some(Readable { contents, is_unknown: format.charset == Charset::Unknown })
}

/// A file as it is searched.
struct Readable {
    contents: Vec<u8>,
    /// True if its letters are not known but for those of ASCII.
    is_unknown: bool,
}

impl Search<'_> {
    fn account(&mut self, size: u64) -> Result<()> {
        self.read_files += 1;
        self.read += size;
        match (self.read_files > MAX_READ_FILES, self.read > MAX_READ) {
            (true, _) => Err(Failure::limited("searched-files", MAX_READ_FILES as u64)),
            (_, true) => Err(Failure::limited("searched-bytes", MAX_READ)),
            _ => Ok(()),
        }
    }

    /// Searches a file of any size that was named, part by part. A part ends at a line end.
    fn in_parts(&mut self, files: &impl FileSystem, path: &str, size: u64) -> Result<()> {
        self.in_parts = true;
        let (mut at, mut lines, mut rest) = (0, 0, Vec::new());
        while at < size && !self.full {
            let part = files.read_range(path, at, CHUNK)?;
            if part.is_empty() {
                break;
            }
            self.account(part.len() as u64)?;
            at += part.len() as u64;
            rest.extend(part);
            let end = match rest.iter().rposition(|byte| *byte == b'\n') {
                Some(end) if at < size => end + 1,
                None if at < size && (rest.len() as u64) < MAX_NAMED => continue,
                _ => rest.len(),
            };
            let tail = rest.split_off(end);
            let part = std::mem::replace(&mut rest, tail);
            let count = lines::split(&part).len();
            // What its first part is, a file is as a whole.
            let format = Format::of(&part, &|| Hints::of(files, path));
            if !format.is_some_and(|format| format.unit() == 1 && !is_legacy(format)) {
                let why = if lines == 0 { &mut self.binary } else { &mut self.large };
                why.push(path.to_owned());
                break;
            }
            self.file(path, &part, lines);
            lines += count;
        }
        Ok(())
    }

    /// Searches a file, or a part of one that begins after `before` lines.
    fn file(&mut self, path: &str, contents: &[u8], before: usize) {
        let left = self.limit - self.results();
        let max = if self.arguments.mode == Mode::Content { left + 1 } else { usize::MAX };
        let ranges = self.regex.find_iter(contents).map(|found| (found.start(), found.end()));
        let ranges = ranges.filter(|&(start, end)| start < contents.len() || end > start);
        let found = match self.arguments.mode {
            Mode::Files => lines::numbers(contents, ranges.take(1), max),
            Mode::Content | Mode::Count => lines::numbers(contents, ranges, max),
        };
        if found.is_empty() {
            return;
        }
        if left == 0 {
            self.full = true;
            return;
        }
        self.add(path, contents, &found, left, before);
    }

    /// What is counted against the limit.
    fn results(&self) -> usize {
        if self.arguments.mode == Mode::Content { self.matches } else { self.files }
    }

    fn add(&mut self, path: &str, contents: &[u8], found: &[usize], left: usize, before: usize) {
        let again = self.in_parts && self.files > 0;
        self.files += usize::from(!again);
        match self.arguments.mode {
            Mode::Files if again => {}
            Mode::Files => self.text.push_str(&format!("{path}\n")),
            Mode::Count if self.in_parts => {}
            Mode::Count => self.text.push_str(&format!("{path}: {}\n", found.len())),
            Mode::Content => {
                let shown = &found[..found.len().min(left)];
                let around = self.arguments.context.min(20);
                let text = lines::show(&lines::split(contents), shown, around, before);
                let head = if again { String::new() } else { format!("{path}\n") };
                self.text.push_str(&format!("{head}{text}"));
                self.full = shown.len() < found.len();
                self.matches += shown.len();
            }
        }
        if self.arguments.mode == Mode::Count {
            self.matches += found.len();
        }
        self.full |= self.text.len() > MAX_TEXT;
    }

    fn output(mut self, missed: &Missed) -> Output {
        let summary = self.summary();
        if self.files == 0 {
            self.text.push_str("[no match]\n");
        }
        if self.full {
            let note = "there are more; narrow the search, or raise `max_results`";
            self.text.push_str(&format!("[only the first {summary}; {note}]\n"));
        }
        self.text.push_str(&missed.notes());
        if self.in_parts && self.arguments.mode == Mode::Count && self.files > 0 {
            let path = self.arguments.path.as_deref().unwrap_or_default();
            self.text.insert_str(0, &format!("{path}: {}\n", self.matches));
        }
        let too_large = match self.in_parts {
            true => "not searched, too large for its charset",
            false => "not searched, too large (each is searched as `path`)",
        };
        let passed_over = [
            (&self.large, too_large),
            (&self.binary, "not searched, binary"),
            (&self.unknown, "searched for ASCII alone, since nothing tells the charset"),
        ];
        for (paths, why) in passed_over.iter().filter(|(paths, _)| !paths.is_empty()) {
            let files = count(paths.len(), "file");
            self.text.push_str(&format!("[{files} {why}: {}]\n", named(paths)));
        }
        if self.in_parts {
            let note =
                "[it is large and was searched in parts: a match of several lines may be missed]\n";
            self.text.push_str(note);
        }
        Output::text(self.text).summary(summary)
    }

    fn summary(&self) -> String {
        let files = count(self.files, "file");
        match self.arguments.mode {
            Mode::Files => files,
            Mode::Content | Mode::Count => format!("{} in {files}", count(self.matches, "match")),
        }
    }
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::{
        files::{Entry, Kind, Memory, Stat},
        serde_json::{Value, json},
    };

    use super::*;
    use openkoi_sdk::tool::Context;

    fn tree() -> Memory {
        Memory::new([
            (".gitignore", b"/target\n".as_slice()),
            ("a.bin", b"\x7FELF\0\0\0\0main"),
            ("b.txt", b"main text\nMAIN\n"),
            ("src/lib.rs", b"mod a;\n\nfn main() {}\nfn other() {\n    main();\n}\n"),
            ("src/win.rs", b"fn main() {}\r\nend\r\n"),
            ("target/x.rs", b"fn main() {}\n"),
        ])
    }

    fn search(arguments: Value) -> Output {
        crate::dispatch(&tree(), "search", &arguments.to_string(), &Context::default()).unwrap()
    }

    /// Drops the notes, which stand in brackets.
    fn found(text: &str) -> String {
        text.lines().filter(|line| !line.starts_with('[')).map(|line| format!("{line}\n")).collect()
    }

    /// A directory of files that are as large as files may be that are searched.
    struct Data;

    impl FileSystem for Data {
        fn stat(&self, _path: &str) -> Result<Stat> {
            Ok(Stat { kind: Kind::Directory, size: 0, modified_ms: 0, executable: false })
        }

        fn list(&self, path: &str) -> Result<Vec<Entry>> {
            let stat = Stat { kind: Kind::File, size: MAX_FILE, ..self.stat(path)? };
            Ok((0..200).map(|n| Entry { name: format!("f{n:03}"), stat }).collect())
        }

        fn read_range(&self, _path: &str, _offset: u64, _length: u32) -> Result<Vec<u8>> {
            Ok(b"data\n".to_vec())
        }

        fn write(&self, path: &str, _contents: &[u8], _expected: Option<&[u8]>) -> Result<()> {
            Err(Failure::unsupported(path))
        }

        fn create_directory(&self, path: &str) -> Result<()> {
            Err(Failure::unsupported(path))
        }

        fn rename(&self, from: &str, _to: &str) -> Result<()> {
            Err(Failure::unsupported(from))
        }

        fn remove(&self, path: &str) -> Result<()> {
            Err(Failure::unsupported(path))
        }
    }

    #[test]
    fn matching_lines_are_shown_by_file() {
        let output = search(json!({"pattern": "main"}));

        assert_eq!(
            output.text,
            "b.txt\n  1: main text\nsrc/lib.rs\n  3: fn main() {}\n  5:     main();\nsrc/win.rs\n  1: fn main() {}\n\
             [1 place is ignored by `.gitignore` or `.ignore` (`target/`); `all` or their `path` shows them]\n\
             [1 file not searched, binary: `a.bin`]\n"
        );
        assert_eq!(output.summary, "4 matches in 3 files");
    }

    #[test]
    fn a_glob_a_path_and_case_narrow_or_widen() {
        assert_eq!(
            search(json!({"pattern": "main", "glob": "*.txt", "ignore_case": true})).summary,
            "2 matches in 1 file"
        );
        assert_eq!(
            search(json!({"pattern": "main", "glob": "src/**"})).summary,
            "3 matches in 2 files"
        );
        assert_eq!(
            search(json!({"pattern": "main", "path": "src", "glob": "!win*"})).summary,
            "2 matches in 1 file"
        );
        assert_eq!(
            search(json!({"pattern": "main", "path": "src/win.rs"})).summary,
            "1 match in 1 file"
        );
        assert_eq!(search(json!({"pattern": "main", "all": true})).summary, "5 matches in 4 files");
    }

    #[test]
    fn paths_and_counts_are_answered_when_asked_for() {
        assert_eq!(
            found(&search(json!({"pattern": "main", "mode": "files"})).text),
            "b.txt\nsrc/lib.rs\nsrc/win.rs\n"
        );
        assert_eq!(
            found(&search(json!({"pattern": "main", "mode": "count"})).text),
            "b.txt: 1\nsrc/lib.rs: 2\nsrc/win.rs: 1\n"
        );
    }

    #[test]
    fn anchors_mean_lines_whatever_their_ends() {
        assert_eq!(
            search(json!({"pattern": r"^fn main\(\) \{\}$"})).summary,
            "2 matches in 2 files"
        );
        assert_eq!(
            search(json!({"pattern": "main()", "literal": true})).summary,
            "3 matches in 2 files"
        );
        assert_eq!(
            found(&search(json!({"pattern": r"\{\n    main"})).text),
            "src/lib.rs\n  4: fn other() {\n  5:     main();\n"
        );
    }

    #[test]
    fn context_is_shown_with_another_sign() {
        let output = search(json!({"pattern": "other", "context": 1}));

        assert_eq!(
            found(&output.text),
            "src/lib.rs\n  3- fn main() {}\n  4: fn other() {\n  5-     main();\n"
        );
    }

    #[test]
    fn a_search_that_finds_too_much_says_that_there_is_more() {
        let output = search(json!({"pattern": "main", "max_results": 2}));
        let whole = search(json!({"pattern": "main", "max_results": 4}));

        let wanted = "b.txt\n  1: main text\nsrc/lib.rs\n  3: fn main() {}\n[only the first 2 matches in 2 files; there are more; narrow the search, or raise `max_results`]\n";
        assert!(output.text.starts_with(wanted), "{}", output.text);
        assert!(!whole.text.contains("only the first"));
        let one = search(json!({"pattern": "main", "path": "src/lib.rs", "max_results": 1}));
        assert!(one.text.contains("[only the first 1 match in 1 file;"), "{}", one.text);
    }

    #[test]
    fn nothing_found_and_nothing_sensible_asked_are_said() {
        assert_eq!(search(json!({"pattern": "nowhere", "path": "src"})).text, "[no match]\n");
        let failure =
            crate::dispatch(&tree(), "search", r#"{"pattern": "a("}"#, &Context::default())
                .unwrap_err();
        assert_eq!(
            failure,
            Failure::invalid(
                "/pattern",
                "not a regular expression: unclosed group; set `literal` to look for plain text"
            )
        );
        assert!(matches!(
            crate::dispatch(
                &tree(),
                "search",
                r#"{"pattern": "a", "path": "nowhere"}"#,
                &Context::default()
            ),
            Err(Failure::NotFound(_))
        ));
    }

    #[test]
    fn a_search_that_reads_too_much_ends_with_what_it_found() {
        let output = crate::dispatch(
            &Data,
            "search",
            r#"{"pattern": "data", "mode": "count"}"#,
            &Context::default(),
        )
        .unwrap();
        let wide = crate::dispatch(
            &Data,
            "search",
            r#"{"pattern": "data", "mode": "count", "max_results": 1000}"#,
            &Context::default(),
        )
        .unwrap();

        assert_eq!(output.summary, "100 matches in 100 files");
        assert_eq!(wide.summary, "128 matches in 128 files");
        assert!(
            wide.text.ends_with(
                "f127: 1\n[stopped: the limit searched-bytes is reached; narrow the search by `path` or a glob]\n"
            ),
            "{}",
            wide.text
        );
    }

    #[test]
    fn text_with_an_odd_byte_is_searched_and_shown() {
        let files = Memory::new([
            ("caf.txt", b"caf\xE9 needle\n".as_slice()),
            ("n.mjs", b"const a = 1;\nhello\0world\nneedle\n"),
            ("u.txt", b"\xFF\xFEn\0e\0e\0d\0l\0e\0\n\0"),
        ]);

        let output =
            crate::dispatch(&files, "search", r#"{"pattern": "needle"}"#, &Context::default())
                .unwrap();

        assert_eq!(
            output.text,
            "caf.txt\n  1: caf\\xE9 needle\nn.mjs\n  3: needle\nu.txt\n  1: needle\n"
        );
    }

    #[test]
    fn text_is_found_in_its_charset_and_where_that_is_not_known_it_is_said() {
        let files = Memory::new([
            (".editorconfig", b"[*.c]\ncharset = gbk\n".as_slice()),
            ("a.c", b"// \xD6\xD0\xCE\xC4 needle\n"),
            ("b.txt", b"\xD6\xD0\xCE\xC4 needle\n"),
            ("mac.txt", b"one\rneedle\r"),
            ("mark.txt", b"\xEF\xBB\xBFneedle\n"),
        ]);
        let search = |pattern: &str| {
            let arguments = json!({"pattern": pattern}).to_string();
            crate::dispatch(&files, "search", &arguments, &Context::default()).unwrap().text
        };

        assert_eq!(
            search("中.*needle"),
            "a.c\n  1: // 中文 needle\n[1 file searched for ASCII alone, since nothing tells the charset: `b.txt`]\n"
        );
        assert_eq!(search("^needle$"), "mac.txt\n  2: needle\nmark.txt\n  1: needle\n");
    }

    #[test]
    fn a_large_file_is_searched_when_it_is_named() {
        let line = format!("{}\n", "x".repeat(1023));
        let mut large = line.repeat(17 * 1024).into_bytes();
        large.extend(b"needle\n");
        large[..7].copy_from_slice(b"needle ");
        let files = Memory::new([("big.log", large.as_slice()), ("a.txt", b"none\n")]);
        let search = |arguments: Value| {
            crate::dispatch(&files, "search", &arguments.to_string(), &Context::default())
                .unwrap()
                .text
        };

        assert_eq!(
            search(json!({"pattern": "needle"})),
            "[no match]\n[1 file not searched, too large (each is searched as `path`): `big.log`]\n"
        );
        let named = search(json!({"pattern": "^needle$", "path": "big.log"}));
        assert!(named.starts_with("big.log\n  17409: needle\n[it is large"), "{named}");
        let count = search(json!({"pattern": "needle", "path": "big.log", "mode": "count"}));
        assert!(count.starts_with("big.log: 2\n[it is large"), "{count}");
    }

    #[test]
    fn a_named_file_is_searched_though_it_is_ignored() {
        assert_eq!(
            search(json!({"pattern": "main", "glob": "target/x.rs"})).text,
            "target/x.rs\n  1: fn main() {}\n[1 place is ignored by `.gitignore` or `.ignore` (`target/`); `all` or their `path` shows them]\n"
        );
    }

    #[test]
    fn an_empty_match_shows_each_line_once() {
        assert_eq!(
            search(json!({"pattern": "x*", "path": "src/win.rs"})).text,
            "src/win.rs\n  1: fn main() {}\n  2: end\n"
        );
    }
}
