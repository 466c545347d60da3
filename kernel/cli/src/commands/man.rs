//! `openkoi man`: the manual page, generated from the definitions of the command line.

use std::io::{self, Write};

use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use openkoi_app::suggest;

use crate::{context::Context, env, error::CommandError, exit::Exit};

/// Arguments of `openkoi man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The page of this command; further words name a subcommand: task show
    pub command: Vec<String>,
}

/// Prints the manual page of the program or of one command.
///
/// # Errors
///
/// When there is no such command.
pub fn run(args: &Args, whole: clap::Command, context: &Context) -> Result<Exit, CommandError> {
    let command = subcommand(&args.command, whole)?;
    let mut page = Vec::new();
    let broken = |error: io::Error| CommandError::failed(format!("cannot make the page: {error}"));
    write_page(command, &mut page).map_err(broken)?;
    context.printer.raw(&page)?;
    Ok(Exit::Accepted)
}

/// Returns the command below `whole` that the names lead to, with the name of its page.
fn subcommand(names: &[String], mut whole: clap::Command) -> Result<clap::Command, CommandError> {
    if names.is_empty() {
        return Ok(whole);
    }
    whole.build();
    let (mut found, mut path) = (whole, String::from("openkoi"));
    for name in names {
        let Some(below) = found.find_subcommand(name).cloned() else {
            return Err(missing(name, &found, &path));
        };
        path.push(' ');
        path.push_str(name);
        found = below;
    }
    Ok(found.display_name(path.replace(' ', "-")).version(env!("CARGO_PKG_VERSION")))
}

fn missing(name: &str, whole: &clap::Command, path: &str) -> CommandError {
    let names = || whole.get_subcommands().map(|known| known.get_name().to_owned());
    let error = CommandError::usage(format!("there is no command `{}`", [path, name].join(" ")));
    match suggest::question(&suggest::closest(name, names())) {
        Some(question) => error.hint(question),
        None if names().next().is_none() => {
            error.hint(format!("`{path}` has no commands below it"))
        }
        None => error.hint(format!("there are {}", names().collect::<Vec<_>>().join(", "))),
    }
}

/// Writes the sections. Exit codes and variables have sections of their own, instead of one called
/// "extra".
fn write_page(command: clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    let is_main = command.get_name() == "openkoi";
    let man = Man::new(command);
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if is_main {
        man.render_subcommands_section(page)?;
        section(page, "EXIT STATUS", exit_codes())?;
        section(page, "ENVIRONMENT", variables())?;
        section(page, "FILES", files())?;
    }
    man.render_version_section(page)
}

fn exit_codes() -> Vec<(String, String)> {
    Exit::ALL.iter().map(|exit| (exit.code().to_string(), exit.meaning().to_owned())).collect()
}

fn variables() -> Vec<(String, String)> {
    env::ALL.iter().map(|known| (known.name.to_owned(), known.help.to_owned())).collect()
}

fn files() -> Vec<(String, String)> {
    [
        ("~/.openkoi/config.toml", "the configuration"),
        (".openkoi/config.toml", "what a project narrows"),
        ("~/.openkoi/credentials/PROVIDER.key", "keys, readable by their owner alone"),
        ("~/.local/share/openkoi", "the database, sessions and snapshots"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into()
}

fn section(page: &mut Vec<u8>, title: &str, items: Vec<(String, String)>) -> io::Result<()> {
    let mut roff = Roff::default();
    roff.control("SH", [title]);
    for (name, text) in items {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(text)]);
    }
    page.write_all(roff.render().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_exit_codes_variables_and_every_command() {
        let mut page = Vec::new();
        write_page(crate::args::command(), &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();

        for exit in Exit::ALL {
            assert!(page.contains(exit.meaning()), "{}", exit.word());
        }
        for part in [".SH ENVIRONMENT", "OPENKOI_HOME", "session", "undo"] {
            assert!(page.contains(part), "{part} is missing");
        }
    }

    #[test]
    fn every_command_has_a_page() {
        for known in crate::args::command().get_subcommands() {
            let mut page = Vec::new();
            write_page(
                subcommand(&[known.get_name().to_owned()], crate::args::command()).unwrap(),
                &mut page,
            )
            .unwrap();
            let title = format!(".TH openkoi-{}", known.get_name());
            assert!(String::from_utf8(page).unwrap().contains(&title), "{title}");
        }
    }

    #[test]
    fn a_misspelt_command_is_told() {
        let error = subcommand(&["undoo".to_owned()], crate::args::command()).unwrap_err();

        assert_eq!(error.hints, ["did you mean `undo`?"]);
    }

    #[test]
    fn a_subcommand_has_a_page_of_its_own() {
        let named = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            subcommand(&words, crate::args::command())
        };

        let show = named(&["task", "show"]).unwrap();
        assert_eq!(show.get_display_name(), Some("openkoi-task-show"));
        let error = named(&["task", "shwo"]).unwrap_err();
        assert_eq!(error.message, "there is no command `openkoi task shwo`");
        assert_eq!(error.hints, ["did you mean `show`?"]);
        assert_eq!(
            named(&["undo", "x"]).unwrap_err().hints,
            ["`openkoi undo` has no commands below it"]
        );
    }

    /// Returns how many entries one section of a page has.
    fn entries(page: &str, title: &str) -> usize {
        let head = format!(".SH {title}");
        let lines = page.lines().skip_while(|line| *line != head).skip(1);
        lines.take_while(|line| !line.starts_with(".SH ")).filter(|line| *line == ".TP").count()
    }

    #[test]
    fn a_section_has_an_entry_for_each_item() {
        let mut page = Vec::new();
        let items = [("0", "it went well"), ("1", "it did not")];

        let items = items.map(|(name, text)| (name.to_owned(), text.to_owned()));
        section(&mut page, "EXIT STATUS", items.into()).unwrap();

        let page = String::from_utf8(page).unwrap();
        let body = page.split_once(".SH \"EXIT STATUS\"\n").unwrap().1;
        assert_eq!(body, ".TP\n\\fB0\\fR\nit went well\n.TP\n\\fB1\\fR\nit did not\n");
    }

    #[test]
    fn only_the_main_page_has_variables_and_files() {
        let page = |command| {
            let mut page = Vec::new();
            write_page(command, &mut page).unwrap();
            String::from_utf8(page).unwrap()
        };

        let main = page(crate::args::command());
        let own = page(subcommand(&["undo".to_owned()], crate::args::command()).unwrap());

        assert_eq!(entries(&main, "ENVIRONMENT"), env::ALL.len());
        assert_eq!(entries(&main, "FILES"), files().len());
        assert_eq!(entries(&own, "ENVIRONMENT"), 0);
        assert_eq!(entries(&own, "FILES"), 0);
    }
}
