//! `openkoi chat`: a conversation in one session. Each message is a task of the loop.

mod complete;
mod line;
mod mention;
mod own_command;
mod picture;
mod rewind;
mod shown;
mod slash;
mod steer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use openkoi_app::{
    environment::HOME,
    now_ms,
    request::TaskRequest,
    session::{JoinedSession, SessionChoice, conversation},
    settings::Settings,
    task_runtime::TaskRuntime,
    thread,
    undo::{UndoKind, UndoOf, UndoPlan},
};
use openkoi_core::{
    blob::Blob,
    id::SessionId,
    message::{Message, Part, Role},
    port::Steering,
};
use openkoi_storage::sessions::{SessionKind, SessionStatus};

use self::{
    line::{Input, Lines},
    mention::Sent,
    slash::{Entry, Slash},
};
use crate::{
    commands::{doubt, run::join, undo},
    context::Context,
    error::CommandError,
    execute::{self, Execution, Later, Show},
    exit::Exit,
    flags::LimitFlags,
    interrupt::Interrupts,
    keyboard::Keys,
    output::{plural, sanitise_line},
    pick,
    request::{self, ChatRequest},
    watch,
};

/// The message that has the project's rules for agents written.
const INIT: &str = "Look at this project and write AGENTS.md in its root, for agents that work here: how to build, test \
    and check it (commands that you have seen to exist), how it is laid out, and the conventions that cannot be \
    guessed from one file. At most 60 lines. If there is one already, improve it and keep what still holds.";

/// What is asked for before a conversation goes on with its summary alone.
const COMPACT: &str = "Sum up our conversation so far, for yourself: what I asked for and decided, which files and \
    commands you changed or ran and what came of it, what was found out or ruled out, and what is still open. Names, paths, \
    numbers and error messages exact, at most 500 words, no introduction. Do not call a tool.";

/// What stands before the summary in the session that goes on with it.
const SUMMED_UP: &str = "What was said and done before, in short?";

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
    let keys = context.questions.is_interactive().then(Arc::default);
    let mut chat = Chat {
        context,
        request: &request,
        runtime,
        joined,
        shared: Vec::new(),
        keys,
        limits: request.limits.clone(),
        later: Arc::default(),
        draft: None,
        last: Exit::Accepted,
    };
    chat.greet();
    let mut lines = Lines::open(context, &request.workspace)?;
    let ended = thread::block(async {
        let interrupts = Interrupts::listen()?;
        while let Input::Text(text) = chat.next(&mut lines, &interrupts).await? {
            if chat.take(&text, &mut settings, &interrupts).await? == Flow::End {
                break;
            }
        }
        chat.learn(&interrupts).await;
        Ok(chat.last)
    });
    chat.end()?;
    execute::tidy(context, &settings);
    ended
}

#[derive(Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    End,
}

struct Chat<'a> {
    context: &'a Context,
    /// The tasks that are learnt from when the conversation ends.
    later: Arc<Later>,
    request: &'a ChatRequest,
    runtime: Arc<TaskRuntime>,
    joined: JoinedSession,
    /// Commands that the person ran since the last message, with their outputs.
    shared: Vec<String>,
    /// What is typed while a message is worked on, at a terminal.
    keys: Option<Arc<Keys>>,
    /// The flags of the conversation, with what was chosen since.
    limits: LimitFlags,
    /// What the next line begins with.
    draft: Option<String>,
    last: Exit,
}

impl Chat<'_> {
    /// Learns from what was done. Ctrl-C leaves it.
    async fn learn(&self, interrupts: &Interrupts) {
        let show = &Show { later: Some(Arc::clone(&self.later)), ..Show::default() };
        let (context, runtime) = (self.context, &self.runtime);
        Execution { context, runtime, show, interrupts, steering: None }.learn_at_last().await;
    }

    fn greet(&self) {
        execute::announce(self.context, &self.runtime, &Show::default());
        if !self.context.questions.is_interactive() {
            return;
        }
        let printer = &self.context.printer;
        printer.notice(&self.works_with());
        let turns = self.joined.history.len() / 2;
        let said = if turns == 0 {
            String::new()
        } else {
            format!(", {} so far", plural(turns, "message"))
        };
        printer.notice(&format!(
            "Session {}{said}. /help shows what can be typed; Esc or Ctrl-C stops a turn.",
            self.session().short()
        ));
    }

    /// Returns the models and the directory in one line.
    fn works_with(&self) -> String {
        let name = |role| self.runtime.card(&Role::new(role)).name;
        let home = self.context.environment().text(&HOME).map(Path::new);
        let place = watch::place(&self.request.workspace, home);
        let (model, judge) = (name(Role::EXECUTOR), name(Role::EVALUATOR));
        sanitise_line(&format!("Model {model} · judge {judge} · {place}")).into_owned()
    }

    /// Returns the next input: a line that was typed during the last turn, or one that is waited for. After an
    /// interrupt nothing is sent without another look at it.
    async fn next(
        &mut self,
        lines: &mut Lines,
        interrupts: &Interrupts,
    ) -> Result<Input, CommandError> {
        let Some(keys) = &self.keys else { return lines.next("", interrupts).await };
        if let Some(draft) = self.draft.take() {
            return lines.next(&draft, interrupts).await;
        }
        if self.last == Exit::Interrupted {
            return lines.next(&keys.unsent(), interrupts).await;
        }
        match keys.next_line() {
            Some(line) => {
                self.context.printer.notice(&format!("koi> {line}"));
                Ok(Input::Text(line.trim().to_owned()))
            }
            None => lines.next(&keys.unsent(), interrupts).await,
        }
    }

    fn home(&self) -> Option<PathBuf> {
        self.context.environment().path(&HOME)
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
        let done = match slash::command(text) {
            Ok(None) => self.write(text, settings, interrupts).await,
            Ok(Some((Slash::Exit, _))) => return Ok(Flow::End),
            Ok(Some((Slash::Init, _))) => self.say(INIT, settings, interrupts).await,
            Ok(Some((Slash::Compact, _))) => self.compact(settings, interrupts).await,
            Ok(Some((slash, rest))) => self.obey(slash, rest, settings),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            self.context.printer.notice(&error.to_string());
        }
        Ok(Flow::GoOn)
    }

    fn obey(
        &mut self,
        slash: Slash,
        rest: &str,
        settings: &mut Settings,
    ) -> Result<(), CommandError> {
        match slash {
            Slash::Help => self.help(),
            Slash::Model => return self.model(rest, settings),
            Slash::Diff => {
                return shown::diff(self.context, self.runtime.storage(), self.session());
            }
            Slash::Effort => return self.effort(rest, settings),
            Slash::Undo => return self.undo(rest),
            Slash::Rewind => return self.rewind(rest),
            Slash::New => return self.join(&SessionChoice::New),
            Slash::Resume => {
                return self.join(&SessionChoice::Named { id: rest.to_owned(), fork: false });
            }
            Slash::Cost => return self.cost(),
            Slash::Status => {
                self.context.printer.notice(&self.works_with());
                return self.cost();
            }
            Slash::Skills => shown::skills(self.context, &self.runtime.skills()),
            Slash::Memory => {
                return shown::memory(rest, self.context, &self.request.workspace);
            }
            Slash::Tools => shown::tools(self.context, &self.runtime.tools()),
            Slash::Copy => return self.copy(),
            // These end the conversation or send a message.
            Slash::Init | Slash::Compact | Slash::Exit => {}
        }
        Ok(())
    }

    /// Sends what a person wrote, with the files that it mentions.
    async fn write(
        &mut self,
        text: &str,
        settings: &Settings,
        interrupts: &Interrupts,
    ) -> Result<(), CommandError> {
        if let Some(line) = text.strip_prefix('!') {
            let told = own_command::run(line.trim(), self.context, settings, interrupts).await?;
            self.shared.push(told);
            return Ok(());
        }
        let Sent { text, attachments } =
            mention::with_files(text, &self.request.workspace, self.home().as_deref())?;
        // What the person's own commands said belongs to the first message after them, which begins with its own words: it is
        // called by them.
        let parts = std::iter::once(text).chain(std::mem::take(&mut self.shared));
        let text = parts.collect::<Vec<_>>().join("\n\n");
        self.show(&text, attachments, settings, interrupts).await
    }

    /// Runs a message without pictures.
    async fn say(
        &mut self,
        text: &str,
        settings: &Settings,
        interrupts: &Interrupts,
    ) -> Result<(), CommandError> {
        self.show(text, Vec::new(), settings, interrupts).await
    }

    /// Runs one message as a task. An error of it is shown, and the conversation goes on.
    async fn show(
        &mut self,
        text: &str,
        attachments: Vec<Blob>,
        settings: &Settings,
        interrupts: &Interrupts,
    ) -> Result<(), CommandError> {
        let storage = self.runtime.storage();
        let history = self.said()?;
        let history = if history.is_empty() { self.joined.history.clone() } else { history };
        let request = TaskRequest {
            text,
            attachments,
            session: self.session(),
            history,
            workspace: &self.request.workspace,
            settings,
            schema: None,
            in_conversation: true,
            think: None,
            attended: self.context.questions.is_interactive(),
        };
        let task = request.task(&self.context.app)?;
        if self.joined.history.is_empty() {
            storage.rename_session(self.session(), text)?;
            self.joined.history.push(Message::user(text));
        }
        let steering = self.keys.clone().map(|keys| {
            let (workspace, home) = (self.request.workspace.clone(), self.home());
            Arc::new(steer::Queue { keys, workspace, home }) as Arc<dyn Steering>
        });
        let keys = self.keys.clone();
        let later = Some(Arc::clone(&self.later));
        let show = &Show { introduced: true, keys, later, ..Show::default() };
        let (context, runtime) = (self.context, &self.runtime);
        let ran = Execution { context, runtime, show, interrupts, steering }.start(task).await;
        self.last = ran.unwrap_or_else(|error| {
            self.context.printer.notice(&error.to_string());
            error.kind
        });
        interrupts.clear();
        Ok(())
    }

    /// Has the conversation summed up and goes on in a session that begins with the summary. Everything that was said
    /// stays in the session before.
    async fn compact(
        &mut self,
        settings: &Settings,
        interrupts: &Interrupts,
    ) -> Result<(), CommandError> {
        if self.said()?.is_empty() {
            return Err(CommandError::usage("nothing was said yet that could be summed up"));
        }
        self.say(COMPACT, settings, interrupts).await?;
        let summary = self.said()?.last().map(shown::text_of);
        let Some(summary) = summary.filter(|text| !text.is_empty() && self.last == Exit::Accepted)
        else {
            self.context.printer.notice("The conversation goes on as it was.");
            return Ok(());
        };
        let history = vec![Message::user(SUMMED_UP), Message::assistant(vec![Part::Text(summary)])];
        let joined = self.begin_from(history)?;
        let before = std::mem::replace(&mut self.joined, joined).id;
        let before = before.short();
        self.context.printer.notice(&format!(
            "Session {} goes on with this summary. `/resume {before}` brings back all that was said.",
            self.session().short()
        ));
        Ok(())
    }

    fn help(&self) {
        for Entry { names, arguments, help, .. } in &slash::COMMANDS {
            let name = names.first().copied().unwrap_or_default();
            let also = names.get(1).map_or(String::new(), |other| format!(" (also {other})"));
            let typed = format!("{name} {arguments}");
            self.context.printer.notice(&format!("  {typed:<14} {help}{also}"));
        }
        for (typed, help) in [
            ("@FILE", "put a file of this directory in, or show a picture; Tab completes it"),
            (
                "!COMMAND",
                "run a command in the sandbox; the model reads its output with the next message",
            ),
            (
                "while it works",
                "what is typed is read with the results of its next tools, or else comes next",
            ),
            ("Alt-Enter", "add a line; so does \\ at the end"),
            (
                "Esc, Ctrl-C",
                "stop the turn; what was said is kept, and what was typed meanwhile too",
            ),
        ] {
            self.context.printer.notice(&format!("  {typed:<14} {help}"));
        }
    }

    fn cost(&self) -> Result<(), CommandError> {
        let record = self.runtime.storage().session(self.session())?;
        let Some(record) = record else { return Ok(()) };
        self.context.printer.notice(&format!(
            "session {} · {} · {} tokens · {}",
            record.id.short(),
            plural(usize::try_from(record.tasks).unwrap_or(usize::MAX), "message"),
            record.tokens,
            crate::output::money_at_most(record.cost_micros, record.at_most),
        ));
        if let Some(why) =
            doubt::of_sessions(self.runtime.storage(), std::slice::from_ref(&record))?
        {
            self.context.printer.notice(&format!("≤ because {}", sanitise_line(&why)));
        }
        Ok(())
    }

    fn undo(&self, rest: &str) -> Result<(), CommandError> {
        let redo = match rest {
            "" => false,
            "redo" => true,
            _ => return Err(CommandError::usage("`/undo` takes `redo` or nothing")),
        };
        let kind = if redo { UndoKind::Redo } else { UndoKind::Undo };
        let plan = UndoPlan::new(&self.context.app, kind, UndoOf::Session(self.session()))?;
        undo::carry_out(plan, true, false, self.context)?.print(self.context)?;
        if !redo {
            self.context.printer.notice("in this conversation: /undo redo");
        }
        Ok(())
    }

    /// Goes over to another session.
    fn join(&mut self, choice: &SessionChoice) -> Result<(), CommandError> {
        let joined = join(self.context, choice, SessionKind::Chat, &self.request.workspace)?;
        self.end()?;
        self.joined = joined;
        self.shared.clear();
        let turns = self.joined.history.len() / 2;
        let said = if turns == 0 {
            String::new()
        } else {
            format!(", {} so far", plural(turns, "message"))
        };
        self.context.printer.notice(&format!("Session {}{said}.", self.session().short()));
        Ok(())
    }

    /// Returns what was said in this session so far.
    fn said(&self) -> Result<Vec<Message>, CommandError> {
        Ok(conversation(&self.context.app, self.runtime.storage(), self.session())?)
    }

    fn copy(&self) -> Result<(), CommandError> {
        let said = self.said()?;
        let answer = said.last().map(shown::text_of).filter(|text| !text.is_empty());
        let answer = answer.ok_or_else(|| CommandError::usage("there is no answer yet"))?;
        shown::copy(self.context, &answer)
    }

    fn model(&mut self, name: &str, settings: &mut Settings) -> Result<(), CommandError> {
        let picked = match name {
            "" | "?" => pick::pick(self.context, settings)?,
            name => name.to_owned(),
        };
        self.choose(settings, |limits| limits.model = Some(picked.clone()))?;
        self.context.printer.notice(&format!("Going on with {}.", sanitise_line(&picked)));
        Ok(())
    }

    fn effort(&mut self, level: &str, settings: &mut Settings) -> Result<(), CommandError> {
        if level.is_empty() {
            let now =
                settings.efforts.get(Role::EXECUTOR).map_or("the model's own", |it| it.word());
            self.context.printer.notice(&format!("The effort is {now}."));
            return Ok(());
        }
        self.choose(settings, |limits| limits.effort = Some(level.to_owned()))?;
        self.context.printer.notice(&format!("Going on with effort {}.", sanitise_line(level)));
        Ok(())
    }

    /// Changes what the flags of the conversation say, for its next messages. If that cannot be, nothing is changed.
    fn choose(
        &mut self,
        settings: &mut Settings,
        change: impl FnOnce(&mut LimitFlags),
    ) -> Result<(), CommandError> {
        let mut limits = self.limits.clone();
        change(&mut limits);
        let changed = request::settings(&limits, self.context)?;
        let runtime = TaskRuntime::new(&self.context.app, &changed, &self.request.workspace)?;
        self.runtime = Arc::new(runtime);
        self.limits = limits;
        *settings = changed;
        Ok(())
    }

    /// Goes back to before a message, with the files and with what was said; without a number, lists the messages. The
    /// session before keeps all that was said, and each undo can be taken back.
    fn rewind(&mut self, number: &str) -> Result<(), CommandError> {
        let storage = Arc::clone(self.runtime.storage());
        let messages = rewind::messages(&storage, self.session())?;
        if number.is_empty() {
            return rewind::list(self.context, &messages);
        }
        let point = rewind::point(&messages, number)?;
        let history = rewind::history(&storage, &messages[point])?;
        rewind::undo(self.context, &messages[point..])?;
        let joined = self.begin_from(history)?;
        let before = std::mem::replace(&mut self.joined, joined).id;
        self.context.printer.notice(&format!(
            "Session {} is as before message {}. `/resume {}` brings back all that was said.",
            self.session().short(),
            point + 1,
            before.short(),
        ));
        self.draft = rewind::draft(&messages[point]);
        Ok(())
    }

    /// Begins a session with these messages in place of the present one, which ends.
    fn begin_from(&self, history: Vec<Message>) -> Result<JoinedSession, CommandError> {
        let storage = self.runtime.storage();
        let title = storage.session(self.session())?.map(|record| record.title);
        let (app, workspace) = (&self.context.app, &self.request.workspace);
        let joined = JoinedSession::begin(app, SessionKind::Chat, history, workspace)?;
        storage.rename_session(&joined.id, &title.unwrap_or_default())?;
        self.end()?;
        Ok(joined)
    }

    fn end(&self) -> Result<(), CommandError> {
        let (session, status) = (self.session(), SessionStatus::Ended);
        Ok(self.runtime.storage().set_session_status(session, status, now_ms())?)
    }
}

#[cfg(test)]
mod tests;
