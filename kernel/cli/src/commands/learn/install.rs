//! `openkoi learn --install`, `--update` and `--uninstall`.

use openkoi_app::learn::{self, FileUse, ManagedSkill, SkillOffer};

use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Choice, Format, plural},
};

use super::shown::OfferShown;

/// How a command goes on when it has shown what it would do.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// True if nobody is asked.
    pub(super) yes: bool,
    /// True if JSON is printed.
    pub(super) json: bool,
}

/// The forms of a source, for whoever named none.
const FORMS: [&str; 4] = [
    "openkoi learn --install owner/repo/path",
    "openkoi learn --install https://example.com/skill.zip",
    "openkoi learn --install ./folder",
    "openkoi learn --install skill.tar.gz#path",
];

/// Shows the skill of a source, and installs it if that is wanted.
pub(super) fn install(source: &str, how: How, context: &Context) -> Result<Exit, CommandError> {
    let asked = match source {
        "" if context.questions.is_interactive() => context
            .questions
            .text("install from (folder, archive, https address, or owner/repo/path): ")?
            .unwrap_or_default(),
        source => source.to_owned(),
    };
    if asked.trim().is_empty() {
        return Err(
            CommandError::usage("no source of a skill was named").hints(FORMS.map(str::to_owned))
        );
    }
    let offer = learn::offered(&context.app, &context.settings()?, asked.trim())?;
    decide(offer, &format!("openkoi learn --install {asked} --yes"), how, context)
}

/// Fetches installed skills again, and shows what would change.
pub(super) fn update(name: &str, how: How, context: &Context) -> Result<Exit, CommandError> {
    let home = context.paths()?.home().to_owned();
    let all = learn::managed(&home);
    let meant: Vec<ManagedSkill> = match name {
        "" => all.into_iter().filter(|one| one.pin.is_some()).collect(),
        name => vec![learn::find(&home, name).map_err(|error| not_installed(error, &all))?],
    };
    if meant.is_empty() {
        context.printer.notice("no skill is installed; openkoi learn --install SOURCE");
        return Ok(Exit::Accepted);
    }
    let (settings, mut worst) = (context.settings()?, Exit::Accepted);
    let is_alone = meant.len() == 1;
    if how.json && !is_alone {
        let error = CommandError::usage("which skill? JSON is of one");
        let names = meant.iter().map(|one| format!("openkoi learn --update {} --json", one.name));
        return Err(error.hints(names));
    }
    for skill in meant {
        let instead = format!("openkoi learn --update {} --yes", skill.name);
        let done = learn::of_managed(&context.app, &settings, &skill)
            .map_err(CommandError::from)
            .and_then(|offer| decide(offer, &instead, how, context));
        match done {
            Ok(Exit::Accepted) => {}
            Ok(exit) => worst = exit,
            Err(error) if is_alone => return Err(error),
            // One that cannot be fetched keeps no other from being looked at.
            Err(error) => {
                worst = error.kind;
                context.printer.error(&error, Format::Text);
            }
        }
    }
    Ok(worst)
}

/// Removes an installed skill.
pub(super) fn uninstall(name: &str, how: How, context: &Context) -> Result<Exit, CommandError> {
    let home = context.paths()?.home().to_owned();
    let all = learn::managed(&home);
    let name = match name {
        "" => {
            let choice = |one: &ManagedSkill| Choice {
                argument: one.name.clone(),
                description: one.pin.as_ref().map(|pin| pin.source.clone()).unwrap_or_default(),
            };
            let choices: Vec<Choice> = all.iter().map(choice).collect();
            context.questions.pick("installed skill", "openkoi learn --uninstall", &choices)?
        }
        name => name.to_owned(),
    };
    let skill = learn::find(&home, &name).map_err(|error| not_installed(error, &all))?;
    let question = format!("remove the skill {name}?");
    let instead = format!("openkoi learn --uninstall {name} --yes");
    if !how.yes && !context.questions.confirm(&question, &instead)? {
        context.printer.notice("nothing was removed");
        return Ok(Exit::NotAccepted);
    }
    let again = skill.pin.as_ref().map(|pin| format!("; openkoi learn --install {}", pin.source));
    skill.remove(&context.app.new_id()?).map_err(openkoi_app::error::AppError::from)?;
    context.printer.notice(&format!("{name} is removed{}", again.unwrap_or_default()));
    Ok(Exit::Accepted)
}

fn not_installed(error: learn::LearnError, all: &[ManagedSkill]) -> CommandError {
    let names = all.iter().map(|one| one.name.clone());
    let error = CommandError::usage(error.to_string());
    error.hints(names.map(|name| format!("{name} is")))
}

/// Shows what is in a skill, asks, and installs it.
fn decide(
    offer: SkillOffer,
    instead: &str,
    how: How,
    context: &Context,
) -> Result<Exit, CommandError> {
    let name = offer.skill.name.clone();
    if offer.is_installed() && !how.json {
        context.printer.notice(&format!("{name} is installed just as it is there"));
        return Ok(Exit::Accepted);
    }
    let mut shown = OfferShown::of(&offer);
    let (question, done) = words(&offer);
    let format = Format::json_if(how.json);
    // A person reads before the question, and a program gets one object, that says how it ended.
    if format == Format::Text {
        context.printer.result(&shown, format)?;
    }
    // A program that only looks is told what there is, and what it would need.
    if how.json && !how.yes && !offer.is_installed() && !context.questions.is_interactive() {
        context.printer.result(&shown, format)?;
        context.printer.notice(&format!("{name} is not installed; {instead}"));
        return Ok(Exit::NeedsApproval);
    }
    let is_wanted =
        offer.is_installed() || how.yes || context.questions.confirm(&question, instead)?;
    if is_wanted && !offer.is_installed() {
        offer.install()?;
    }
    shown.is_installed = is_wanted;
    if format == Format::Json {
        context.printer.result(&shown, format)?;
    }
    let ending = if is_wanted { done } else { format!("{name} is not installed") };
    context.printer.notice(&ending);
    Ok(if is_wanted { Exit::Accepted } else { Exit::NotAccepted })
}

/// Returns the question before an installation, and what is said after it.
fn words(offer: &SkillOffer) -> (String, String) {
    let name = &offer.skill.name;
    let scripts = offer.listed().iter().filter(|file| file.is_for == FileUse::Script).count();
    let with = match scripts {
        0 => String::new(),
        count => format!(" with {}", plural(count, "script")),
    };
    match &offer.replaces {
        None => (
            format!("install {name}{with}?"),
            format!("{name} is installed; openkoi skill show {name}"),
        ),
        Some(_) => (format!("replace {name} by this{with}?"), format!("{name} is replaced")),
    }
}
