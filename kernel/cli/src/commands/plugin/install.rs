//! `openkoi plugin install` and `remove`: a person sees what a component asks for and why, and decides.

use std::{path::Path, sync::Arc};

use openkoi_app::suggest;
use openkoi_core::{
    document::{Block, Document, Heading, Item, Pairs, Span, Value},
    grant::Beyond,
};
use openkoi_host::catalog::current::ComponentOffer;

use super::{
    bytes::read,
    shown::{Inspected, Origin},
};
use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Choice, Format, Output},
};

/// How a command goes on when it has shown what it would do.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// True if nobody is asked.
    pub(super) yes: bool,
    /// True if JSON is printed.
    pub(super) json: bool,
}

/// A component that a person is asked about.
struct OfferShown {
    component: Inspected,
    offer: ComponentOffer,
}

impl Output for OfferShown {
    fn document(&self) -> Document {
        let mut document = self.component.document();
        let beyond = &self.offer.beyond;
        if !beyond.is_empty() {
            document.push(Heading::new("", "You have not granted it yet"));
            document.push(Block::Items(beyond.iter().flat_map(|one| self.item(one)).collect()));
        }
        for (variable, owner) in &self.offer.shared {
            let shared = format!("The variable {variable} is one of `{owner}`, too.");
            document.push(Block::paragraph(shared));
        }
        let asked = beyond.iter().map(|one| {
            Value::record([
                ("tool", Value::data(&one.tool)),
                ("what", (&one.what).into()),
                ("asked", (&one.asked).into()),
            ])
        });
        document.push(Heading::end());
        document.push(Pairs::new("").for_programs("beyond", Value::List(asked.collect())));
        document
    }
}

impl OfferShown {
    fn item(&self, one: &Beyond) -> Vec<Item> {
        let tool = one.tool.as_ref().map(|tool| format!("{tool}: ")).unwrap_or_default();
        let first = Item::new(0, format!("{tool}{} {}", one.what, one.asked).trim_end().to_owned());
        let why = self.offer.why(one).map(|why| Item::new(1, Span::muted(why)));
        std::iter::once(first).chain(why).collect()
    }
}

/// Shows what is in a file, and installs it if that is wanted.
pub(super) fn install(file: &Path, how: How, context: &Context) -> Result<Exit, CommandError> {
    let wasm = read(&context.absolute(file))?;
    let offer = context.app.component_offer(&wasm)?;
    let (name, asked) = (offer.name.clone(), offer.asked.clone());
    let mut shown = OfferShown {
        component: Inspected {
            manifest: Arc::new(offer.manifest.clone()),
            digest: offer.digest.clone(),
            origin: Origin::File,
        },
        offer,
    };
    let format = Format::json_if(how.json);
    // A person reads before the question, and a program gets one object, that says how it ended.
    if format == Format::Text {
        context.printer.result(&shown, format)?;
    }
    let instead = format!("openkoi plugin install {} --yes", file.display());
    let is_asked = !shown.offer.beyond.is_empty();
    let question = match is_asked {
        true => format!("install {name}, and grant it all that it asks for?"),
        false => format!("install {name}, which asks for nothing that you have not granted?"),
    };
    let is_wanted = how.yes || context.questions.confirm(&question, &instead)?;
    if is_wanted {
        context.app.install_component(&wasm, &asked)?;
        shown.component.origin = Origin::Installed;
    }
    if format == Format::Json {
        context.printer.result(&shown, format)?;
    }
    let ending = if is_wanted { "is installed" } else { "is not installed" };
    context.printer.notice(&format!("{name} {ending}"));
    Ok(if is_wanted { Exit::Accepted } else { Exit::NotAccepted })
}

/// Removes a component that was installed.
pub(super) fn remove(
    name: Option<String>,
    yes: bool,
    context: &Context,
) -> Result<Exit, CommandError> {
    let name = match name {
        Some(name) => name,
        None => {
            let choices: Vec<Choice> = context
                .app
                .installed_components()?
                .into_iter()
                .map(|argument| Choice { argument, description: String::new() })
                .collect();
            context.questions.pick("installed component", "openkoi plugin remove", &choices)?
        }
    };
    let installed = context.app.installed_components()?;
    // One that came with the program is refused with that reason.
    let is_built_in = context.components().iter().any(|one| one.name == name);
    if !is_built_in && !installed.contains(&name) {
        let question = suggest::question(&suggest::closest(&name, installed));
        let error = CommandError::usage(format!("no component `{name}` is installed"));
        return Err(error.hints(question).hint("openkoi plugin list"));
    }
    let instead = format!("openkoi plugin remove {name} --yes");
    if !yes && !context.questions.confirm(&format!("remove {name}?"), &instead)? {
        context.printer.notice("nothing was removed");
        return Ok(Exit::NotAccepted);
    }
    context.app.remove_component(&name)?;
    context.printer.notice(&format!("{name} is removed"));
    Ok(Exit::Accepted)
}
