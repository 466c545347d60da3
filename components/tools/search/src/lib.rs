//! Searches the files of the workspace, by what is in them and by name.
//!
//! Both respect ignore files, answer in a settled order and stop at a number of results with a note, so that a
//! search that was too wide costs little.

mod content;
mod find;
mod lines;
mod scope;

use openkoi_sdk::{
    Result, arguments, export_tool,
    files::{FileSystem, Host},
    tool::{self, Context, Output, Tool},
};

struct Search;

impl Tool for Search {
    fn call(name: &str, arguments: &str, _context: &Context) -> Result<Output> {
        call(&Host, name, arguments)
    }
}

export_tool!(Search);

fn call(files: &impl FileSystem, name: &str, json: &str) -> Result<Output> {
    match name {
        "search" => content::run(files, &arguments::parse(json)?),
        "find_files" => find::run(files, &arguments::parse(json)?),
        other => tool::unknown(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_says_what_the_types_say() {
        openkoi_sdk::assert_manifest!(
            "search" => content::SearchContent,
            "find_files" => find::FindFiles,
        );
    }
}
