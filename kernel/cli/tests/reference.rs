//! The reference of the command line, rendered from the definitions that the program uses.

use std::{env, fs, path::Path};

/// Returns the help of a command and of all below it, as Markdown.
fn render(command: &mut clap::Command, names: &str, depth: usize, page: &mut String) {
    let marks = "#".repeat(depth.min(4));
    let help = command.clone().term_width(100).render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let help = help.join("\n");
    page.push_str(&format!("{marks} `{names}`\n\n```text\n{}\n```\n\n", help.trim_end()));
    let below: Vec<clap::Command> =
        command.get_subcommands().filter(|sub| sub.get_name() != "help").cloned().collect();
    for mut sub in below {
        let names = format!("{names} {}", sub.get_name());
        render(&mut sub, &names, depth + 1, page);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says so by a variable")]
fn the_reference_is_what_help_says() {
    let mut command = openkoi::args::command();
    command.build();
    let mut page = String::from(
        "# Command line reference\n\nMade from the definitions of the program by \
         `UPDATE=1 cargo test -p openkoi --test reference`.\n\n",
    );
    render(&mut command, "openkoi", 2, &mut page);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference.md");
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "reference.md is stale: UPDATE=1 cargo test -p openkoi --test reference");
}
