//! `openkoi chat`: a conversation, one session, each message a turn of the loop.

mod line;

use openkoi_core::{id::SessionId, message::Message, task::Task};
use openkoi_storage::sessions::{SessionKind, SessionStatus};

use self::line::{Input, Lines};
use crate::{
    commands::{run::Joined, undo},
    context::Context,
    error::CommandError,
    execute::{self, Show},
    exit::Exit,
    interrupt::Interrupts,
    models,
    output::sanitise_line,
    request::ChatRequest,
    runtime::Runtime,
    settings::Settings,
};

/// What can be typed besides a message.
const COMMANDS: [(&str, &str); 6] = [
    ("/help", "show these commands"),
    ("/model [NAME]", "go on with another model; without a name, pick it"),
    ("/status", "show the session, its model and its cost"),
    ("/undo", "bring the files back to what they were before the last message"),
    ("/new", "begin a new session"),
    ("/exit", "end the conversation; so does Ctrl-D"),
];

/// Talks until the person ends it.
///
/// # Errors
///
/// When the session cannot be found or begun. What goes wrong in one message is shown and the talk goes on.
pub fn run(request: ChatRequest, context: &Context) -> Result<Exit, CommandError> {
    let mut settings = request.settings.clone();
    // In a conversation the person judges answers; work on files is judged by the checks as ever.
    let runtime = Runtime::new(context, &settings, &request.workspace)?;
    let joined = Joined::of(context, &runtime, &request.session, SessionKind::Chat)?;
    let mut chat = Chat { context, request: &request, runtime, joined, last: Exit::Accepted };
    chat.greet();
    let mut lines = Lines::open(context)?;
    let ended = execute::block(async {
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

#[derive(PartialEq, Eq)]
enum Flow {
    GoOn,
    End,
}

struct Chat<'a> {
    context: &'a Context,
    request: &'a ChatRequest,
    runtime: Runtime,
    joined: Joined,
    last: Exit,
}

impl Chat<'_> {
    fn greet(&self) {
        execute::announce(self.context, &self.runtime, &Show::default());
        if !self.context.prompt.is_interactive() {
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
        &self.joined.session
    }

    async fn take(
        &mut self,
        text: &str,
        settings: &mut Settings,
        interrupts: &Interrupts,
    ) -> Result<Flow, CommandError> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if !word.starts_with('/') || word.len() == 1 || word[1..].contains('/') {
            self.say(text, settings, interrupts).await?;
            return Ok(Flow::GoOn);
        }
        let done = match word {
            "/exit" | "/quit" => return Ok(Flow::End),
            "/help" => {
                self.help();
                Ok(())
            }
            "/status" => self.status(),
            "/undo" => self.undo(),
            "/new" => self.renew(),
            "/model" => self.model(rest.trim(), settings),
            _ => Err(CommandError::usage(format!("there is no command `{word}`")).hint("/help")),
        };
        if let Err(error) = done {
            self.context.printer.notice(&error.to_string());
        }
        Ok(Flow::GoOn)
    }

    /// Lets one message go through the loop. Trouble is shown; the conversation goes on.
    async fn say(
        &mut self,
        text: &str,
        settings: &Settings,
        interrupts: &Interrupts,
    ) -> Result<(), CommandError> {
        let history: Vec<Message> = self.runtime.storage.conversation(self.session())?;
        let history = if history.is_empty() { self.joined.history.clone() } else { history };
        let mut limits = settings.task();
        limits.plan = false;
        let task = Task {
            id: self.runtime.task_id()?,
            session: self.session().clone(),
            text: text.to_owned(),
            workspace: self.request.workspace.display().to_string(),
            history,
            settings: limits,
        };
        if self.joined.history.is_empty() {
            self.runtime.storage.rename_session(self.session(), text)?;
            self.joined.history.push(Message::user(text));
        }
        let show = Show::default();
        let ran = execute::start(self.context, &self.runtime, task, &show, interrupts).await;
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
        let record = self.runtime.storage.session(self.session())?;
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
        let choice = crate::request::SessionChoice::New;
        let joined = Joined::of(self.context, &self.runtime, &choice, SessionKind::Chat)?;
        self.end()?;
        self.joined = joined;
        self.context.printer.notice(&format!("Session {}.", self.session().short()));
        Ok(())
    }

    fn model(&mut self, name: &str, settings: &mut Settings) -> Result<(), CommandError> {
        let picked = match name {
            "" | "?" => models::pick(self.context, settings)?,
            name => name.to_owned(),
        };
        let name = picked.as_str();
        let changed = self.context.settings_with(|layers| layers.model(name, "/model"))?;
        self.runtime = Runtime::new(self.context, &changed, &self.request.workspace)?;
        *settings = changed;
        self.context.printer.notice(&format!("Going on with {}.", sanitise_line(name)));
        Ok(())
    }

    fn end(&self) -> Result<(), CommandError> {
        let (session, status) = (self.session(), SessionStatus::Ended);
        Ok(self.runtime.storage.set_session_status(session, status, execute::now_ms())?)
    }
}
