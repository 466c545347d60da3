//! Reads and changes files of the workspace.
//!
//! What a model is shown, it can paste back: a line end stands for either kind, and a byte that is no character has a
//! visible form. What an edit does not replace is copied byte for byte. A change is made only to what was read: if the
//! file changed in between, the host refuses to write.

mod change;
mod closest;
mod diff;
mod directory;
mod edit;
mod format;
mod manage;
mod picture;
mod place;
mod read;
mod suggest;
mod write;

use openkoi_sdk::{
    Result, arguments, export_tool,
    files::{FileSystem, Host},
    tool::{self, Context, Output, Tool},
    walk::without_parents,
};

struct Files;

impl Tool for Files {
    fn call(name: &str, arguments: &str, _context: &Context) -> Result<Output> {
        call(&Host, name, arguments)
    }
}

export_tool!(Files);

fn call(files: &impl FileSystem, name: &str, json: &str) -> Result<Output> {
    let plain = |path: &mut String| *path = without_parents(files, path);
    match name {
        "read_file" => {
            let mut arguments: read::ReadFile = arguments::parse(json)?;
            plain(&mut arguments.path);
            read::run(files, &arguments)
        }
        "write_file" => {
            let mut arguments: write::WriteFile = arguments::parse(json)?;
            plain(&mut arguments.path);
            write::run(files, &arguments)
        }
        "edit_file" => {
            let mut arguments: edit::EditFile = arguments::parse(json)?;
            plain(&mut arguments.path);
            edit::run(files, &arguments)
        }
        "list_directory" => {
            let mut arguments: directory::ListDirectory = arguments::parse(json)?;
            arguments.path.as_mut().map(plain);
            directory::run(files, &arguments)
        }
        "remove_file" => {
            let mut arguments: manage::RemoveFile = arguments::parse(json)?;
            plain(&mut arguments.path);
            manage::remove(files, &arguments)
        }
        "move_file" => {
            let mut arguments: manage::MoveFile = arguments::parse(json)?;
            plain(&mut arguments.from);
            plain(&mut arguments.to);
            manage::rename(files, &arguments)
        }
        other => tool::unknown(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_says_what_the_types_say() {
        openkoi_sdk::assert_manifest!(
            "read_file" => read::ReadFile,
            "write_file" => write::WriteFile,
            "edit_file" => edit::EditFile,
            "list_directory" => directory::ListDirectory,
            "remove_file" => manage::RemoveFile,
            "move_file" => manage::MoveFile,
        );
    }

    #[test]
    fn a_tool_that_is_not_here_is_not_found() {
        let files = openkoi_sdk::files::Memory::default();

        let failure = call(&files, "format_disk", "{}").unwrap_err();

        assert_eq!(failure.to_string(), "the tool `format_disk` does not exist");
    }
}
