//! Patterns of the table over names and paths.

/// Returns whether a path is meant by a pattern of the table.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let folder = pattern.ends_with('/');
    let wanted: Vec<&str> = pattern.trim_end_matches('/').split('/').collect();
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |at: &[&str]| at.iter().zip(&wanted).all(|(part, one)| is_like(part, one));
    if folder {
        // The last part is the file: it lies in a folder, and is none.
        return parts[..parts.len() - 1].windows(wanted.len()).any(fits);
    }
    parts.len() >= wanted.len() && fits(&parts[parts.len() - wanted.len()..])
}

/// Returns whether a name is like a pattern in which `*` stands for anything.
pub(crate) fn is_like(name: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    if !rest.contains('*') {
        return name.len() >= rest.len() && name.ends_with(rest);
    }
    loop {
        if is_like(name, rest) {
            return true;
        }
        let mut chars = name.chars();
        if chars.next().is_none() {
            return false;
        }
        name = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_files_by_name_by_folder_and_by_the_end_of_their_path() {
        for (pattern, path, expected) in [
            ("*_test.go", "a/b/x_test.go", true),
            ("*_test.go", "a/x_test.go/y", false),
            ("test_*.py", "test_a.py", true),
            ("*.test.*", "src/a.test.tsx", true),
            ("*.test.*", "src/atest.tsx", false),
            ("spec/", "spec/a/b.rb", true),
            ("spec/", "engines/x/spec/b.rb", true),
            ("spec/", "spec", false),
            ("src/test/", "core/src/test/java/A.java", true),
            ("src/test/", "src/tests/A.java", false),
            ("bin/*.sh", "a/bin/b.sh", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
