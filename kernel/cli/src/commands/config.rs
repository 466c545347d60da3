//! `openkoi config`: the settings with their origins.

use openkoi_app::{
    settings::{Setting, Settings, key::KEYS},
    suggest,
};
use openkoi_core::document::{Column, ColumnKind, Document, Table, Value, Verbatim};

use crate::{context::Context, error::CommandError, output::Output, reply::Reply};

/// Arguments of `openkoi config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only keys that begin with this
    pub prefix: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Returns the settings whose keys begin with the prefix.
///
/// # Errors
///
/// When a file cannot be read, or has a value of the wrong type.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let settings = context.settings()?;
    // Options of providers are only known to their components, so they are checked with them.
    for warning in context.connections(&settings)?.warnings {
        context.printer.warning(&warning);
    }
    let prefix = args.prefix.as_deref().unwrap_or("");
    let list = SettingList::of(&settings, prefix);
    if list.0.is_empty() && !prefix.is_empty() {
        return Err(unknown(prefix));
    }
    Ok(Reply::new(list, args.json))
}

/// Returns the error for a prefix that no setting begins with. A key without a value and a default is no mistake, but
/// there is nothing to show of it either.
fn unknown(prefix: &str) -> CommandError {
    let known = KEYS.iter().any(|key| key.name.starts_with(prefix));
    if known {
        return CommandError::usage(format!("`{prefix}` is not set, and has no default"));
    }
    let tables = KEYS.iter().filter_map(|key| key.name.split('.').next()).map(str::to_owned);
    let keys = KEYS.iter().map(|key| key.name.to_owned());
    let meant = suggest::question(&suggest::closest(prefix, tables.chain(keys)));
    let error = CommandError::usage(format!("no setting begins with `{prefix}`"));
    error.hint(meant.unwrap_or_else(|| "openkoi config".to_owned()))
}

struct SettingList(Vec<SettingRow>);

struct SettingRow {
    key: String,
    value: toml::Value,
    origin: String,
    used: bool,
}

impl SettingList {
    fn of(settings: &Settings, prefix: &str) -> Self {
        let lines = settings.all().map(SettingRow::of).filter(|line| line.key.starts_with(prefix));
        Self(lines.collect())
    }
}

impl SettingRow {
    fn of(setting: &Setting) -> Self {
        Self {
            key: setting.name(),
            value: setting.shown(),
            origin: setting.origin.to_string(),
            used: setting.key.used,
        }
    }
}

impl Output for SettingList {
    fn document(&self) -> Document {
        let columns = [
            Column::for_programs("key", ColumnKind::Text),
            Column::for_programs("value", ColumnKind::Data),
            Column::for_programs("origin", ColumnKind::Text),
            Column::for_programs("used", ColumnKind::Flag),
        ];
        let rows = self.0.iter().map(|line| {
            [(&line.key).into(), Value::data(&line.value), (&line.origin).into(), line.used.into()]
        });
        Document::new("Settings")
            .with(Verbatim::new("toml", self.lines()))
            .with(Table::new("settings", columns).rows(rows))
    }
}

impl SettingList {
    /// Returns the settings as they are written in a file, each with its origin behind it.
    fn lines(&self) -> String {
        let width = self.0.iter().map(|line| line.key.len() + line.value.to_string().len() + 3);
        let width = width.filter(|width| *width <= 48).max().unwrap_or(0);
        let line = |line: &SettingRow| {
            let set = format!("{} = {}", line.key, line.value.to_string().replace('\n', " "));
            let unused = if line.used { "" } else { "; not used yet" };
            format!("{set:<width$}  # {}{unused}\n", line.origin)
        };
        self.0.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests;
