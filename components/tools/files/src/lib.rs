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
    files::{FileSystem, Host},
    tools,
    walk::without_parents,
};

tools! {
    files: &impl FileSystem = &Host;
    "read_file" => |mut read: read::ReadFile, _| {
        plain(files, &mut read.path);
        read::run(files, &read)
    },
    "write_file" => |mut write: write::WriteFile, _| {
        plain(files, &mut write.path);
        write::run(files, &write)
    },
    "edit_file" => |mut edit: edit::EditFile, _| {
        plain(files, &mut edit.path);
        edit::run(files, &edit)
    },
    "list_directory" => |mut list: directory::ListDirectory, _| {
        list.path.iter_mut().for_each(|path| plain(files, path));
        directory::run(files, &list)
    },
    "remove_file" => |mut remove: manage::RemoveFile, _| {
        plain(files, &mut remove.path);
        manage::remove(files, &remove)
    },
    "move_file" => |mut places: manage::MoveFile, _| {
        plain(files, &mut places.from);
        plain(files, &mut places.to);
        manage::rename(files, &places)
    },
}

/// Writes a path without `..`.
fn plain(files: &impl FileSystem, path: &mut String) {
    *path = without_parents(files, path);
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::{files::Memory, tool::Context};

    #[test]
    fn a_tool_that_is_not_here_is_not_found() {
        let failure = super::dispatch(&Memory::default(), "format_disk", "{}", &Context::default())
            .unwrap_err();

        assert_eq!(failure.to_string(), "the tool `format_disk` does not exist");
    }
}
