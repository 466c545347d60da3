//! Files that somebody who named one that is not there may have meant.

use openkoi_sdk::{
    Failure,
    files::{FileSystem, Kind},
    walk::{Walk, normal},
};

/// The number of entries of the tree that are looked at.
const SEARCHED: usize = 5000;

/// Adds to a failure "does not exist" what may have been meant.
pub(crate) fn not_found(files: &impl FileSystem, path: &str, failure: Failure) -> Failure {
    if !matches!(failure, Failure::NotFound(_)) {
        return failure;
    }
    if is_dangling(files, path) {
        return Failure::not_found(format!("what the link `{path}` leads to"));
    }
    let near = similar(files, path);
    match near.as_slice() {
        [] => Failure::not_found(format!("`{path}`")),
        near => Failure::not_found(format!("`{path}` (did you mean {}?)", near.join(" or "))),
    }
}

fn is_dangling(files: &impl FileSystem, path: &str) -> bool {
    let path = normal(path);
    let (directory, name) = path.rsplit_once('/').unwrap_or((".", &path));
    let listed = files.list(directory).unwrap_or_default();
    listed.iter().any(|entry| entry.name == name && entry.stat.kind == Kind::Link)
}

/// Returns up to three paths, the closest first, in backquotes.
fn similar(files: &impl FileSystem, path: &str) -> Vec<String> {
    let wanted = normal(path).to_lowercase();
    let name = wanted.rsplit('/').next().unwrap_or(&wanted);
    let walk = Walk::new(files, "").take(SEARCHED).filter_map(Result::ok);
    let mut near: Vec<(usize, String)> = walk
        .filter_map(|found| {
            let path = found.relative.to_lowercase();
            let found_name = path.rsplit('/').next().unwrap_or(&path);
            let off = distance(name, found_name);
            let same_place =
                usize::from(path.len() - found_name.len() != wanted.len() - name.len());
            (off <= allowed(name)).then(|| (2 * off + same_place, format!("`{}`", found.relative)))
        })
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, path)| path).collect()
}

fn allowed(name: &str) -> usize {
    (name.chars().count() / 4).clamp(1, 3)
}

/// Counts the letters to insert, drop, change or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::files::Memory;

    use super::*;

    fn sentence(path: &str) -> String {
        let files = Memory::new([
            ("src/main.rs", ""),
            ("src/lib.rs", ""),
            ("tests/main.rs", ""),
            ("README.md", ""),
        ]);
        not_found(&files, path, Failure::not_found(path)).to_string()
    }

    #[test]
    fn a_near_name_is_suggested() {
        assert_eq!(
            sentence("src/mian.rs"),
            "`src/mian.rs` (did you mean `src/main.rs` or `tests/main.rs`?) does not exist"
        );
        assert_eq!(sentence("readme.md"), "`readme.md` (did you mean `README.md`?) does not exist");
        assert_eq!(sentence("lib.rs"), "`lib.rs` (did you mean `src/lib.rs`?) does not exist");
        assert_eq!(sentence("src/other.py"), "`src/other.py` does not exist");
    }
}
