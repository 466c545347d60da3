//! Reads and changes files of the workspace.
//!
//! What a model is shown, it can paste back: text is decoded to LF lines without a byte order mark, and what
//! it writes goes back in the file's own encoding and line ends. A change is made only to what was read: if
//! the file changed in between, the host refuses to write.

mod change;
mod closest;
mod diff;
mod directory;
mod edit;
mod format;
mod manage;
mod read;
mod suggest;
mod text;
mod write;

use openkoi_sdk::{
    Result, arguments, export_tool,
    files::{FileSystem, Host},
    tool::{self, Context, Output, Tool},
};

struct Files;

impl Tool for Files {
    fn call(name: &str, arguments: &str, _context: &Context) -> Result<Output> {
        call(&Host, name, arguments)
    }
}

export_tool!(Files);

fn call(files: &impl FileSystem, name: &str, json: &str) -> Result<Output> {
    match name {
        "read_file" => read::run(files, &arguments::parse(json)?),
        "write_file" => write::run(files, &arguments::parse(json)?),
        "edit_file" => edit::run(files, &arguments::parse(json)?),
        "multi_edit" => edit::run_all(files, &arguments::parse(json)?),
        "list_directory" => directory::run(files, &arguments::parse(json)?),
        "remove_file" => manage::remove(files, &arguments::parse(json)?),
        "move_file" => manage::rename(files, &arguments::parse(json)?),
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
            "multi_edit" => edit::MultiEdit,
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
