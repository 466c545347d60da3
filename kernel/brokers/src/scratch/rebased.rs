//! What names the workspace by its absolute path, as it names a copy of it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The largest file of an environment that is looked at: scripts that name their interpreter are short.
pub(super) const LARGEST: u64 = 256 << 10;

/// Returns the target of a link, if it leads into the workspace by its absolute path.
pub(super) fn target(target: &OsStr, original: &Path, copy: &Path) -> Option<OsString> {
    let below = Path::new(target).strip_prefix(original).ok()?;
    let is_root = below.as_os_str().is_empty();
    Some(if is_root { copy.to_owned() } else { copy.join(below) }.into_os_string())
}

/// Tells whether a file of a Python environment says by an absolute path where the environment is, or where the packages
/// are that are installed from the workspace. Its directory has the name `directory`.
pub(super) fn names_places(directory: Option<&OsStr>, name: &OsStr) -> bool {
    let name = name.as_bytes();
    directory.is_some_and(|one| one == "bin")
        || name.ends_with(b".pth")
        || name.ends_with(b".egg-link")
        || name.starts_with(b"__editable__")
}

/// Returns `bytes` with `copy` in place of `original`, wherever it stands as a whole path.
pub(super) fn text(bytes: &[u8], original: &Path, copy: &Path) -> Vec<u8> {
    let (from, to) = (original.as_os_str().as_bytes(), copy.as_os_str().as_bytes());
    let mut made = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    for at in memchr::memmem::find_iter(bytes, from) {
        let begun = bytes.len() - rest.len();
        let after = bytes.get(at + from.len());
        let is_whole =
            after.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte)));
        if at < begun || !is_whole {
            continue;
        }
        made.extend_from_slice(&rest[..at - begun]);
        made.extend_from_slice(to);
        rest = &bytes[at + from.len()..];
    }
    made.extend_from_slice(rest);
    made
}

/// Returns the line that names a store of objects to git; nothing if it cannot be named in a line.
pub(super) fn alternate(objects: &Path) -> Option<Vec<u8>> {
    let path = objects.as_os_str().as_bytes();
    let is_plain = !path.contains(&b'\n') && !path.starts_with(b"#") && !path.starts_with(b"\"");
    is_plain.then(|| [path, b"\n"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_replaced_where_it_stands_whole() {
        let rebased = |bytes: &str| {
            let made = text(bytes.as_bytes(), Path::new("/w/a"), Path::new("/c"));
            String::from_utf8(made).unwrap()
        };
        for (before, after) in [
            ("#!/w/a/.venv/bin/python\n", "#!/c/.venv/bin/python\n"),
            ("'/w/a' \"/w/a\"", "'/c' \"/c\""),
            ("/w/a", "/c"),
            ("/w/ab /w/a.b /w/a-b /w/a_b", "/w/ab /w/a.b /w/a-b /w/a_b"),
            ("", ""),
        ] {
            assert_eq!(rebased(before), after);
        }
    }

    #[test]
    fn a_link_into_the_workspace_leads_into_the_copy_and_others_stay() {
        let to = |path: &str| target(OsStr::new(path), Path::new("/w/a"), Path::new("/c"));

        assert_eq!(to("/w/a/b").unwrap(), "/c/b");
        assert_eq!(to("/w/a").unwrap(), "/c");
        for other in ["/w/ab", "../a/b", "/usr/bin/python3"] {
            assert_eq!(to(other), None, "{other}");
        }
    }

    #[test]
    fn a_store_of_objects_is_named_in_one_line_or_copied() {
        assert_eq!(alternate(Path::new("/w/.git/objects")).unwrap(), b"/w/.git/objects\n");
        assert_eq!(alternate(Path::new("/w\n/.git/objects")), None);
    }
}
