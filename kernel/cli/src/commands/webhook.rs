//! `openkoi webhook`: who is told of events, and what became of that.

use clap::Subcommand;
use openkoi_app::webhooks::{self, Receiver, ReceiverSecrets, ReceiverState};
use openkoi_core::document::{Block, Column, ColumnKind, Document, Pairs, Table, Tone, Value};
use openkoi_storage::{
    StorageError,
    webhooks::{Attempt, Delivery, DeliveryState, Fate},
};

use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Choice, Output},
    reply::Reply,
};

use super::schedule::{notice, unless_daemon_runs};

/// Arguments of `openkoi webhook`.
///
/// Receivers stand in the configuration, as `api.webhooks.on_task_complete` and its neighbours. Each event is kept until its receiver
/// took it, for a day at most, and is signed as Standard Webhooks has it: headers `webhook-id`, `webhook-timestamp` and
/// `webhook-signature`. The daemon sends it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it, receivers are listed
    #[command(subcommand)]
    command: Option<WebhookCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum WebhookCommand {
    /// List the receivers, and how it goes with them
    List {
        /// Show the secrets by which they check signatures
        #[arg(long)]
        show_secrets: bool,
    },
    /// Send an event that tells nothing, at once, and show the answer
    Test {
        /// The setting, such as on_task_complete; without it, pick one
        receiver: Option<String>,
    },
    /// List what was told, newest first, and what became of it
    Deliveries {
        /// List this many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Let something be told again that was given up
    Retry {
        /// The delivery; without it, pick one
        id: Option<String>,
    },
    /// Make another secret for a receiver; the one before signs for one more day
    Rotate {
        /// The setting, such as on_task_complete; without it, pick one
        receiver: Option<String>,
    },
}

/// Runs the subcommand, or lists receivers.
///
/// # Errors
///
/// When there is no such receiver or delivery, or the storage cannot be used.
pub fn run(args: Args, context: &Context) -> Result<Reply, CommandError> {
    let json = args.json;
    match args.command.unwrap_or(WebhookCommand::List { show_secrets: false }) {
        WebhookCommand::List { show_secrets } => list(show_secrets, json, context),
        WebhookCommand::Test { receiver } => test(receiver, json, context),
        WebhookCommand::Deliveries { limit } => {
            let found = match context.existing_storage()? {
                Some(_) => webhooks::deliveries(&context.app, &context.settings()?, None, limit)?,
                None => Vec::new(),
            };
            Ok(Reply::new(Deliveries(found), json))
        }
        WebhookCommand::Retry { id } => retry(id, json, context),
        WebhookCommand::Rotate { receiver } => {
            let receiver = chosen(receiver, "rotate", context)?;
            let secrets = webhooks::rotate(&context.app, &receiver.url)?;
            Ok(Reply::new(Rotated { receiver, secrets }, json))
        }
    }
}

fn list(show_secrets: bool, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let settings = context.settings()?;
    if webhooks::receivers(&settings).is_empty() {
        return Ok(Reply::new(ReceiverList::default(), json));
    }
    webhooks::sync(&context.app, &settings)?;
    let rows = webhooks::states(&context.app, &settings)?.into_iter().map(|(receiver, state)| {
        let secrets = match show_secrets && receiver.unfit.is_none() {
            true => Some(webhooks::secrets(&context.app, &settings, &receiver.url)?),
            false => None,
        };
        Ok(ListedReceiver { receiver, state, secrets })
    });
    let rows = rows.collect::<Result<_, CommandError>>()?;
    let notice = unless_daemon_runs(context, "nothing is sent")?;
    Ok(Reply::new(ReceiverList { rows, show_secrets, notice }, json))
}

fn test(receiver: Option<String>, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let receiver = chosen(receiver, "test", context)?;
    let (delivery, attempt) = webhooks::try_out(&context.app, &context.settings()?, &receiver.url)?;
    let exit = match attempt.fate {
        Fate::Delivered => Exit::Accepted,
        _ => Exit::NotAccepted,
    };
    Ok(Reply::new(Tested { delivery, attempt }, json).ending(exit))
}

fn retry(id: Option<String>, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let storage = context.storage()?;
    let id = match id {
        Some(id) => id,
        None => {
            let failed = storage.deliveries(None, 100)?;
            let failed = failed.iter().filter(|one| one.state == DeliveryState::Failed);
            let choices: Vec<Choice> = failed.map(choice).collect();
            context.questions.pick("delivery", "openkoi webhook retry", &choices)?
        }
    };
    let delivery = storage.delivery(&id).map_err(|error| match error {
        StorageError::NoSuch { .. } => {
            CommandError::usage(error.to_string()).hint("openkoi webhook deliveries")
        }
        other => other.into(),
    })?;
    if !storage.retry_delivery(&delivery, context.app.now_ms())? {
        let word = delivery.state.word();
        return Err(CommandError::usage(format!("delivery {} is {word}", short(&delivery.id))));
    }
    let notice = unless_daemon_runs(context, "nothing is sent")?;
    Ok(Reply::new(Retried { delivery, notice }, json))
}

/// Returns the receiver that is meant by its setting or its address.
fn chosen(
    typed: Option<String>,
    command: &str,
    context: &Context,
) -> Result<Receiver, CommandError> {
    let mut receivers = webhooks::receivers(&context.settings()?);
    if receivers.is_empty() {
        let error = CommandError::usage("the configuration names no webhook");
        return Err(error.hint("[api.webhooks] on_task_complete = \"https://…\" in config.toml"));
    }
    let typed = match typed {
        Some(typed) => typed,
        None => {
            let choice = |one: &Receiver| Choice {
                argument: one.setting.to_owned(),
                description: one.url.clone(),
            };
            let choices: Vec<Choice> = receivers.iter().map(choice).collect();
            context.questions.pick("receiver", &format!("openkoi webhook {command}"), &choices)?
        }
    };
    let is_meant = |one: &Receiver| {
        one.setting == typed
            || one.setting.trim_start_matches("on_") == typed
            || one.event.word() == typed
            || one.url == typed
    };
    let Some(at) = receivers.iter().position(is_meant) else {
        let names = receivers.iter().map(|one| one.setting).collect::<Vec<_>>().join(", ");
        let error = CommandError::usage(format!("there is no webhook `{typed}`"));
        return Err(error.hint(format!("one of {names}")));
    };
    let receiver = receivers.swap_remove(at);
    match &receiver.unfit {
        Some(why) => {
            let setting = receiver.setting;
            Err(CommandError::configuration(format!(
                "`api.webhooks.{setting}` cannot be used: {why}"
            )))
        }
        None => Ok(receiver),
    }
}

fn choice(delivery: &Delivery) -> Choice {
    let why = delivery.why.as_deref().unwrap_or_default();
    let description = format!("{} to {}: {why}", delivery.event.word(), delivery.url);
    Choice { argument: short(&delivery.id).to_owned(), description }
}

fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

struct ListedReceiver {
    receiver: Receiver,
    state: ReceiverState,
    secrets: Option<ReceiverSecrets>,
}

impl ListedReceiver {
    fn state(&self) -> Value {
        let tone = match self.state {
            ReceiverState::Fit => Tone::Good,
            ReceiverState::Failing => Tone::Warning,
            ReceiverState::Gone | ReceiverState::Unfit(_) => Tone::Bad,
        };
        Value::toned(self.state.to_string(), tone)
    }
}

#[derive(Default)]
struct ReceiverList {
    rows: Vec<ListedReceiver>,
    show_secrets: bool,
    notice: Option<String>,
}

impl Output for ReceiverList {
    fn document(&self) -> Document {
        let mut columns = vec![
            Column::new("setting", "SETTING", ColumnKind::Text),
            Column::new("url", "URL", ColumnKind::Text),
            Column::new("state", "STATE", ColumnKind::Text),
            Column::for_programs("event", ColumnKind::Text),
        ];
        if self.show_secrets {
            columns.push(Column::new("secret", "SECRET", ColumnKind::Text));
        }
        let empty = "no webhooks: name one in config.toml, under [api.webhooks], as on_task_complete = \"https://…\"";
        let rows = self.rows.iter().map(|row| {
            let mut values: Vec<Value> = vec![
                row.receiver.setting.into(),
                (&row.receiver.url).into(),
                row.state(),
                row.receiver.event.word().into(),
            ];
            if self.show_secrets {
                let secret = row.secrets.as_ref().map(|secrets| secrets.current.text());
                values.push(secret.map_or(Value::Nothing, Value::text));
            }
            values
        });
        let document = Document::new("Webhooks")
            .with(Table::new("webhooks", columns).or_else(empty).rows(rows));
        document.with_all(self.notice.as_deref().map(notice))
    }
}

struct Deliveries(Vec<Delivery>);

fn delivery_columns() -> [Column; 11] {
    [
        Column::new("id", "ID", ColumnKind::Id),
        Column::new("event", "EVENT", ColumnKind::Text),
        Column::new("task_id", "TASK", ColumnKind::Id),
        Column::new("state", "STATE", ColumnKind::Text),
        Column::new("attempts", "TRIED", ColumnKind::Count),
        Column::new("made_at", "WHEN", ColumnKind::Instant),
        Column::new("why", "WHY", ColumnKind::Text),
        Column::for_programs("url", ColumnKind::Text),
        Column::for_programs("status", ColumnKind::Count),
        Column::for_programs("next_at", ColumnKind::Instant),
        Column::for_programs("body", ColumnKind::Text),
    ]
}

fn delivery_row(one: &Delivery) -> [Value; 11] {
    let tone = match one.state {
        DeliveryState::Delivered => Tone::Good,
        DeliveryState::Waiting => Tone::Warning,
        DeliveryState::Failed => Tone::Bad,
    };
    let next = (one.state == DeliveryState::Waiting).then_some(one.next_ms);
    [
        Value::id(&one.id),
        one.event.word().into(),
        one.task.as_ref().map_or(Value::Nothing, |task| Value::id(task.as_str())),
        Value::toned(one.state.word(), tone),
        Value::count(one.attempts),
        Value::Instant(one.made_ms),
        one.why.as_ref().into(),
        (&one.url).into(),
        one.status.map_or(Value::Nothing, Value::count),
        next.map_or(Value::Nothing, Value::Instant),
        (&one.body).into(),
    ]
}

impl Output for Deliveries {
    fn document(&self) -> Document {
        let table = Table::new("deliveries", delivery_columns()).or_else("nothing was told yet");
        Document::new("Deliveries").with(table.rows(self.0.iter().map(delivery_row)))
    }
}

struct Tested {
    delivery: Delivery,
    attempt: Attempt,
}

impl Output for Tested {
    fn document(&self) -> Document {
        let url = &self.delivery.url;
        let words = match &self.attempt.why {
            None => format!("{url} took it"),
            Some(why) => format!("{url} did not take it: {why}"),
        };
        let status = self.attempt.status.map_or(Value::Nothing, Value::count);
        let facts = Pairs::new("")
            .for_programs("id", Value::id(&self.delivery.id))
            .for_programs("url", url)
            .for_programs("delivered", self.attempt.fate == Fate::Delivered)
            .for_programs("status", status)
            .for_programs("why", self.attempt.why.as_ref());
        Document::new("Webhook").with(Block::paragraph(words)).with(facts)
    }
}

struct Retried {
    delivery: Delivery,
    notice: Option<String>,
}

impl Output for Retried {
    fn document(&self) -> Document {
        let Delivery { id, url, .. } = &self.delivery;
        let words = format!("{} is sent to {url} again", short(id));
        let document = Document::new("Delivery")
            .with(Block::paragraph(words))
            .with(Pairs::new("").for_programs("id", Value::id(id)).for_programs("url", url));
        document.with_all(self.notice.as_deref().map(notice))
    }
}

struct Rotated {
    receiver: Receiver,
    secrets: ReceiverSecrets,
}

impl Output for Rotated {
    fn document(&self) -> Document {
        let Receiver { setting, url, .. } = &self.receiver;
        let secret = self.secrets.current.text();
        let words = match self.secrets.previous {
            Some(_) => "give it to the receiver within a day: until then, both sign",
            None => "give it to the receiver",
        };
        Document::new("Secret")
            .with(
                Pairs::new("")
                    .pair("setting", "for", *setting)
                    .pair("url", "at", url)
                    .pair("secret", "secret", secret),
            )
            .with(Block::paragraph(words))
    }
}
