//! What the place of a file says of how it is written.

use openkoi_sdk::{files::FileSystem, walk::normal};

use crate::{
    charset::{By, Named},
    editorconfig::{self, Said},
    lines::End,
};

/// The most that is read of an `.editorconfig`.
const MOST: u64 = 64 * 1024;
/// Kinds of files that are in UTF-8 by their own standards, whatever files are in where they lie.
const UTF8_KINDS: [&str; 16] = [
    "cjs", "go", "js", "json", "jsonc", "jsx", "mjs", "py", "pyi", "rs", "swift", "toml", "ts",
    "tsx", "yaml", "yml",
];

/// What is said of a file from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints {
    said: Said,
    setting: Option<Named>,
    is_utf8_kind: bool,
}

impl Hints {
    /// Asks the directories of the file at `path`, and the user's setting.
    pub fn of(files: &impl FileSystem, path: &str) -> Self {
        let path = normal(path);
        let kind = path.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
        let is_utf8_kind = kind.is_some_and(|(_, kind)| UTF8_KINDS.contains(&kind));
        let setting = files.encoding().ok().flatten();
        let setting = setting.and_then(|name| Named::of(&name, By::Setting));
        Self { said: said(files, &path), setting, is_utf8_kind }
    }

    /// Returns who might know the charset of a file with bytes that are not ASCII, the surest first.
    pub(crate) fn charsets(&self) -> impl Iterator<Item = Named> {
        self.said.charset.into_iter().chain(self.setting)
    }

    /// Returns the charset for the first letters that are not ASCII in a file.
    pub(crate) fn new_text(&self) -> Option<Named> {
        self.said.charset.or(self.setting.filter(|_| !self.is_utf8_kind))
    }

    /// Returns the end for the lines of a new file.
    pub fn end(&self) -> Option<End> {
        self.said.end
    }
}

/// Reads the `.editorconfig` files from the outermost to the nearest one. The workspace is the outermost directory.
fn said(files: &impl FileSystem, path: &str) -> Said {
    let mut found = Vec::new();
    let mut directory = path;
    while let Some((parent, _)) =
        directory.rsplit_once('/').or((!directory.is_empty()).then_some(("", "")))
    {
        directory = parent;
        let (name, relative) = match parent {
            "" if path.starts_with('/') => break,
            "" => (".editorconfig".to_owned(), path),
            _ => (format!("{parent}/.editorconfig"), &path[parent.len() + 1..]),
        };
        // A file that is not there or not ours to read says nothing.
        let Ok(bytes) = files.read_to_end(&name, MOST) else { continue };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let is_root = editorconfig::read(&text, relative, &mut Said::default());
        found.push((text, relative));
        if is_root {
            break;
        }
    }
    let mut said = Said::default();
    for (text, relative) in found.iter().rev() {
        editorconfig::read(text, relative, &mut said);
    }
    said
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::files::Memory;

    use super::*;

    fn charset(path: &str) -> Option<&'static str> {
        let files = Memory::new([
            (".editorconfig", "[*]\ncharset = latin1\n"),
            ("a/.editorconfig", "[*.c]\ncharset = gbk\n"),
            ("b/.editorconfig", "root = true\n[x]\ncharset = big5\n"),
        ]);
        Hints::of(&files, path).charsets().next().map(|named| match named {
            Named::Legacy(legacy) => legacy.name(),
            _ => "another",
        })
    }

    #[test]
    fn the_nearest_directory_outranks_the_outer_ones() {
        let cases = [
            ("x.c", Some("ISO-8859-1")),
            ("a/deep/x.c", Some("GBK")),
            ("./a/x.h", Some("ISO-8859-1")),
            ("b/x.c", None),
            ("b/c/x", Some("Big5")),
        ];
        for (path, wanted) in cases {
            assert_eq!(charset(path), wanted, "{path}");
        }
    }
}
