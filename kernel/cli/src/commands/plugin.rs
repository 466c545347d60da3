//! `openkoi plugin`: the components, what each asks for and why. Manifests are read; no component
//! is run.

mod bytes;
mod install;
mod shown;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use openkoi_core::document::{Column, ColumnKind, Document, Table, Value};
use openkoi_host::{
    catalog::{self, Catalog, CatalogEntry, CatalogError},
    manifest::Kind,
};

use self::{
    bytes::{read, unfit},
    install::How,
    shown::{Inspected, Origin},
};
use openkoi_app::{components::NotUsed, file, suggest};

use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Choice, Output},
    reply::Reply,
};

/// Arguments of `openkoi plugin`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it the components are listed
    #[command(subcommand)]
    pub command: Option<PluginCommand>,
}

/// The subcommands of `openkoi plugin`.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// List the components
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a component: its tools, what it asks for and why, its limits
    Inspect {
        /// A name, or the path of a .wasm file, which is checked but not installed; without it, pick one
        component: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Install a component, or another version of one, after showing what it asks for and why
    Install {
        /// The path of a .wasm file
        file: PathBuf,
        /// Grant all that it asks for, without a question
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove an installed component, and take back what it was granted
    Remove {
        /// A name; without it, pick one
        component: Option<String>,
        /// Remove it without a question
        #[arg(long)]
        yes: bool,
    },
}

/// Lists the components, inspects one, installs or removes one.
///
/// # Errors
///
/// When there is no such component, or it is not admitted.
pub fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    match args.command.unwrap_or(PluginCommand::List { json: false }) {
        PluginCommand::List { json } => list(json, context)?.print(context),
        PluginCommand::Inspect { component, json } => {
            inspect(component, json, context)?.print(context)
        }
        PluginCommand::Install { file, yes, json } => {
            install::install(&file, How { yes, json }, context)
        }
        PluginCommand::Remove { component, yes } => install::remove(component, yes, context),
    }
}

/// Returns all components, installed ones too, and says which of those are not used.
pub(crate) fn list(json: bool, context: &Context) -> Result<Reply, CommandError> {
    let (catalog, not_used) = context.app.with_installed(catalog(context)?)?;
    for NotUsed { name, why } in not_used {
        let mend = format!("openkoi plugin remove {name}");
        context.printer.notice(&format!("`{name}` is not used: {why}; {mend}"));
    }
    Ok(Reply::new(ComponentTable::of(&catalog)?, json))
}

/// Returns the details of a component.
pub(crate) fn inspect(
    component: Option<String>,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let (catalog, _) = context.app.with_installed(catalog(context)?)?;
    let name = match component {
        Some(name) => name,
        None => pick(&catalog, context)?,
    };
    Ok(Reply::new(named(&name, catalog, context)?, json))
}

/// Returns the catalog of the components that come with the program.
///
/// # Errors
///
/// When the host does not know the kind of one, which is a defect of this program.
pub fn catalog(context: &Context) -> Result<Catalog, CommandError> {
    let embedded = context.components().iter().map(|component| {
        let kind: Kind = serde_json::from_value(component.kind.into()).map_err(|error| {
            CommandError::failed(format!("the component `{}` is unfit: {error}", component.name))
        })?;
        Ok(catalog::Embedded {
            name: component.name,
            kind,
            digest: component.digest,
            manifest: component.manifest,
            form: match component.form {
                openkoi_components::Form::Native => catalog::Form::Native,
                openkoi_components::Form::WebAssembly => catalog::Form::WebAssembly,
            },
            code: component.code,
            unpack: component.unpacked_by(),
            wasm_len: component.wasm_length,
            code_len: component.code_length,
        })
    });
    Ok(Catalog::new(embedded.collect::<Result<Vec<_>, CommandError>>()?))
}

fn named(name: &str, catalog: Catalog, context: &Context) -> Result<Inspected, CommandError> {
    if let Ok(entry) = catalog.find(name) {
        let origin = if entry.is_built_in() { Origin::BuiltIn } else { Origin::Installed };
        return inspected(&entry, origin);
    }
    let path = context.absolute(Path::new(name));
    if !file::is_file(&path) {
        return Err(unknown(name, &catalog));
    }
    let wasm = read(&path)?;
    // A file with the name of a built-in component is put into a catalog of its own.
    let (catalog, name) = match catalog.with_component(&wasm) {
        Err(CatalogError::Duplicate { .. }) => Catalog::default().with_component(&wasm),
        added => added,
    }
    .map_err(unfit)?;
    let entry = catalog.find(&name).map_err(unfit)?;
    inspected(&entry, Origin::File)
}

fn inspected(entry: &CatalogEntry, origin: Origin) -> Result<Inspected, CommandError> {
    let manifest = entry.asked().map_err(unfit)?;
    Ok(Inspected {
        manifest: std::sync::Arc::clone(manifest),
        digest: entry.digest().to_owned(),
        origin,
    })
}

fn unknown(name: &str, catalog: &Catalog) -> CommandError {
    let names = catalog.list().map(|listed| listed.name.to_owned());
    let question = suggest::question(&suggest::closest(name, names));
    let error = CommandError::usage(format!("there is no component `{name}`"));
    error.hints(question).hint("openkoi plugin list")
}

fn pick(catalog: &Catalog, context: &Context) -> Result<String, CommandError> {
    let choices = catalog.list().map(|listed| Choice {
        argument: listed.name.to_owned(),
        description: listed.kind.word().to_owned(),
    });
    let choices: Vec<Choice> = choices.collect();
    context.questions.pick("component", "openkoi plugin inspect", &choices)
}

struct ComponentTable(Vec<Component>);

struct Component {
    name: String,
    kind: &'static str,
    version: String,
    digest: String,
    size: usize,
    built_in: bool,
    tools: Vec<String>,
    description: String,
}

impl Component {
    /// Returns the version, and that the user installed it if it did not come with the program.
    fn shown_version(&self) -> String {
        let origin = if self.built_in { "" } else { " installed" };
        format!("{}{origin}", self.version)
    }
}

impl ComponentTable {
    fn of(catalog: &Catalog) -> Result<Self, CommandError> {
        let components = catalog.list().map(|listed| {
            let entry = catalog.find(listed.name).map_err(unfit)?;
            let manifest = entry.asked().map_err(unfit)?;
            Ok(Component {
                name: listed.name.to_owned(),
                kind: listed.kind.word(),
                version: manifest.component.version.clone(),
                digest: listed.digest.to_owned(),
                size: listed.wasm_len,
                built_in: listed.built_in,
                tools: manifest.tools.iter().map(|tool| tool.name.clone()).collect(),
                description: manifest.component.description.clone(),
            })
        });
        Ok(Self(components.collect::<Result<_, CommandError>>()?))
    }
}

impl Output for ComponentTable {
    fn document(&self) -> Document {
        let columns = [
            Column::new("name", "NAME", ColumnKind::Text),
            Column::new("kind", "KIND", ColumnKind::Text),
            Column::for_people("VERSION", ColumnKind::Text),
            Column::new("bytes", "SIZE", ColumnKind::Bytes),
            Column::new("description", "WHAT IT DOES", ColumnKind::Text),
            Column::for_programs("version", ColumnKind::Text),
            Column::for_programs("digest", ColumnKind::Text),
            Column::for_programs("built_in", ColumnKind::Flag),
            Column::for_programs("tools", ColumnKind::Data),
        ];
        let rows = self.0.iter().map(|component| {
            [
                (&component.name).into(),
                component.kind.into(),
                component.shown_version().into(),
                Value::Bytes(component.size as u64),
                (&component.description).into(),
                (&component.version).into(),
                (&component.digest).into(),
                component.built_in.into(),
                Value::list(&component.tools),
            ]
        });
        Document::new("Components").with(Table::new("components", columns).rows(rows))
    }
}

#[cfg(test)]
mod tests;
