//! Searches the files of the workspace, by what is in them and by name.
//!
//! Both respect ignore files, answer in a settled order and stop at a number of results with a note, so that a
//! search that was too wide costs little.

mod content;
mod find;
mod lines;
mod scope;

use openkoi_sdk::{
    files::{FileSystem, Host},
    tools,
};

tools! {
    files: &impl FileSystem = &Host;
    "search" => |search: content::SearchContent, _| content::run(files, &search),
    "find_files" => |find: find::FindFiles, _| find::run(files, &find),
}
