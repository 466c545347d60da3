//! Removing and moving files.

use openkoi_sdk::{Failure, Result, files::FileSystem, tool::Output};

use crate::{format, suggest};

#[openkoi_sdk::arguments]
pub(crate) struct RemoveFile {
    pub(crate) path: String,
}

#[openkoi_sdk::arguments]
pub(crate) struct MoveFile {
    pub(crate) from: String,
    pub(crate) to: String,
}

pub(crate) fn remove(files: &impl FileSystem, arguments: &RemoveFile) -> Result<Output> {
    let path = arguments.path.as_str();
    let stat = files.stat(path).map_err(|failure| suggest::not_found(files, path, failure))?;
    if stat.is_directory() && !files.list(path)?.is_empty() {
        return Err(Failure::conflict(format!(
            "`{path}` is not empty; remove what is in it first"
        )));
    }
    files.remove(path)?;
    let what =
        if stat.is_directory() { "an empty directory".to_owned() } else { format::size(stat.size) };
    Ok(Output::text(format!("removed `{path}` ({what})")).summary("removed"))
}

pub(crate) fn rename(files: &impl FileSystem, arguments: &MoveFile) -> Result<Output> {
    let (from, to) = (arguments.from.as_str(), arguments.to.as_str());
    files.stat(from).map_err(|failure| suggest::not_found(files, from, failure))?;
    if files.stat_if_exists(to)?.is_some() {
        return Err(Failure::conflict(format!("`{to}` exists already")));
    }
    if let Some((parent, _)) = to.trim_end_matches('/').rsplit_once('/')
        && !parent.is_empty()
        && files.stat_if_exists(parent)?.is_none()
    {
        files.create_directory(parent)?;
    }
    files.rename(from, to)?;
    Ok(Output::text(format!("moved `{from}` to `{to}`")).summary("moved"))
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::files::Memory;

    use super::*;
    use openkoi_sdk::tool::Context;

    fn call(files: &Memory, tool: &str, json: &str) -> String {
        crate::dispatch(files, tool, json, &Context::default())
            .map_or_else(|failure| failure.to_string(), |output| output.text)
    }

    #[test]
    fn a_file_is_removed_and_a_full_directory_is_not() {
        let files = Memory::new([("d/a.txt", "x")]);

        assert_eq!(
            call(&files, "remove_file", r#"{"path": "d"}"#),
            "`d` is not empty; remove what is in it first"
        );
        assert_eq!(
            call(&files, "remove_file", r#"{"path": "d/a.txt"}"#),
            "removed `d/a.txt` (1 bytes)"
        );
        assert_eq!(
            call(&files, "remove_file", r#"{"path": "d"}"#),
            "removed `d` (an empty directory)"
        );
        assert!(matches!(files.stat("d"), Err(Failure::NotFound(_))));
    }

    #[test]
    fn a_file_is_moved_where_nothing_is() {
        let files = Memory::new([("a.txt", "x"), ("b.txt", "y")]);

        assert_eq!(
            call(&files, "move_file", r#"{"from": "a.txt", "to": "b.txt"}"#),
            "`b.txt` exists already"
        );
        assert_eq!(
            call(&files, "move_file", r#"{"from": "a.txt", "to": "n/c.txt"}"#),
            "moved `a.txt` to `n/c.txt`"
        );
        assert_eq!(files.text("n/c.txt").unwrap(), "x");
        assert_eq!(files.text("b.txt").unwrap(), "y");
    }
}
