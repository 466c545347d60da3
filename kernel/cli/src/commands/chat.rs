//! `openkoi chat`: a conversation in one session. Each message is a task of the loop.

mod line;

use std::sync::Arc;

use openkoi_app::{
    now_ms,
    request::TaskRequest,
    session::{JoinedSession, SessionChoice},
    settings::Settings,
    task_runtime::TaskRuntime,
    thread,
};
use openkoi_core::{id::SessionId, message::Message};
use openkoi_storage::sessions::{SessionKind, SessionStatus};

use self::line::{Input, Lines};
use crate::{
    commands::{run::join, undo},
    context::Context,
    error::CommandError,
    execute::{self, Execution, Show},
    exit::Exit,
    interrupt::Interrupts,
    output::sanitise_line,
    pick,
    request::ChatRequest,
};

/// The commands that can be typed besides messages, with their help.
const COMMANDS: [(&str, &str); 6] = [
    ("/help", "show these commands"),
    ("/model [NAME]", "go on with another model; without a name, pick it"),
    ("/status", "show the session, its model and its cost"),
    ("/undo", "bring the files back to what they were before the last message"),
    ("/new", "begin a new session"),
    ("/exit", "end the conversation; so does Ctrl-D"),
];

/// Has a conversation until the person ends it.
///
/// # Errors
///
/// When the session cannot be found or begun. An error in one message is shown, and the
/// conversation goes on.
pub fn run(request: ChatRequest, context: &Context) -> Result<Exit, CommandError> {
    let mut settings = request.settings.clone();
    // In a conversation the person judges answers; work on files is judged by the checks as ever.
    let runtime = Arc::new(TaskRuntime::new(&context.app, &settings, &request.workspace)?);
    let joined = join(context, &request.session, SessionKind::Chat, &request.workspace)?;
    let mut chat = Chat { context, request: &request, runtime, joined, last: Exit::Accepted };
    chat.greet();
    let mut lines = Lines::open(context)?;
    let ended = thread::block(async {
        let interrupts = Interrupts::listen()?;
        while let Input::Text(text) = lines.next(&interrupts).await? {
            if chat.take(&text, &mut settings, &interrupts).await? == Flow::End {
                break;
            }
        }
        Ok(chat.last)
    });
    chat.end()?;
    ended
}

/// Returns the command that a line is, with what stands behind it. A path is none: it has a second slash.
fn command(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let name = word.strip_prefix('/').filter(|name| !name.is_empty() && !name.contains('/'));
    name.map(|_| (word, rest.trim()))
}

#[derive(Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    End,
}

struct Chat<'a> {
    context: &'a Context,
    request: &'a ChatRequest,
    runtime: Arc<TaskRuntime>,
    joined: JoinedSession,
    last: Exit,
}

impl Chat<'_> {
    fn greet(&self) {
        execute::announce(self.context, &self.runtime, &Show::default());
        if !self.context.questions.is_interactive() {
            return;
        }
        let printer = &self.context.printer;
        let turns = self.joined.history.len() / 2;
        let said = if turns == 0 { String::new() } else { format!(", {turns} messages so far") };
        printer.notice(&format!(
            "Session {}{said}. /help shows the commands.",
            self.session().short()
        ));
    }

    fn session(&self) -> &SessionId {
        &self.joined.id
    }

    async fn take(
        &mut self,
        text: &str,
        settings: &mut Settings,
        interrupts: &Interrupts,
    ) -> Result<Flow, CommandError> {
        let Some((word, rest)) = command(text) else {
            self.say(text, settings, interrupts).await?;
            return Ok(Flow::GoOn);
        };
        let done = match word {
            "/exit" | "/quit" => return Ok(Flow::End),
            "/help" => {
                self.help();
                Ok(())
            }
            "/status" => self.status(),
            "/undo" => self.undo(),
            "/new" => self.renew(),
            "/model" => self.model(rest, settings),
            _ => Err(CommandError::usage(format!("there is no command `{word}`")).hint("/help")),
        };
        if let Err(error) = done {
            self.context.printer.notice(&error.to_string());
        }
        Ok(Flow::GoOn)
    }

    /// Runs one message as a task. An error of it is shown, and the conversation goes on.
    async fn say(
        &mut self,
        text: &str,
        settings: &Settings,
        interrupts: &Interrupts,
    ) -> Result<(), CommandError> {
        let storage = self.runtime.storage();
        let history = storage.conversation(self.session())?;
        let history = if history.is_empty() { self.joined.history.clone() } else { history };
        let request = TaskRequest {
            text,
            session: self.session(),
            history,
            workspace: &self.request.workspace,
            settings,
            schema: None,
            in_conversation: true,
            attended: self.context.questions.is_interactive(),
        };
        let task = request.task(&self.context.app)?;
        if self.joined.history.is_empty() {
            storage.rename_session(self.session(), text)?;
            self.joined.history.push(Message::user(text));
        }
        let (context, runtime, show) = (self.context, &self.runtime, &Show::default());
        let ran = Execution { context, runtime, show, interrupts }.start(task).await;
        self.last = ran.unwrap_or_else(|error| {
            self.context.printer.notice(&error.to_string());
            error.kind
        });
        interrupts.clear();
        Ok(())
    }

    fn help(&self) {
        for (command, what) in COMMANDS {
            self.context.printer.notice(&format!("  {command:<14} {what}"));
        }
    }

    fn status(&self) -> Result<(), CommandError> {
        let record = self.runtime.storage().session(self.session())?;
        let Some(record) = record else { return Ok(()) };
        self.context.printer.notice(&format!(
            "session {} · {} messages · {} tokens · {}",
            record.id.short(),
            record.tasks,
            record.tokens,
            crate::output::money(record.cost_micros),
        ));
        Ok(())
    }

    fn undo(&self) -> Result<(), CommandError> {
        let args = undo::Args { id: None, redo: false, yes: true, json: false };
        undo::run(&args, self.context)?.print(self.context).map(drop)
    }

    fn renew(&mut self) -> Result<(), CommandError> {
        let joined =
            join(self.context, &SessionChoice::New, SessionKind::Chat, &self.request.workspace)?;
        self.end()?;
        self.joined = joined;
        self.context.printer.notice(&format!("Session {}.", self.session().short()));
        Ok(())
    }

    fn model(&mut self, name: &str, settings: &mut Settings) -> Result<(), CommandError> {
        let picked = match name {
            "" | "?" => pick::pick(self.context, settings)?,
            name => name.to_owned(),
        };
        let name = picked.as_str();
        let changed = self.context.settings_with(|layers| layers.model(name, "/model"))?;
        let runtime = TaskRuntime::new(&self.context.app, &changed, &self.request.workspace)?;
        self.runtime = Arc::new(runtime);
        *settings = changed;
        self.context.printer.notice(&format!("Going on with {}.", sanitise_line(name)));
        Ok(())
    }

    fn end(&self) -> Result<(), CommandError> {
        let (session, status) = (self.session(), SessionStatus::Ended);
        Ok(self.runtime.storage().set_session_status(session, status, now_ms())?)
    }
}

#[cfg(test)]
mod tests;
