//! The tools of a run: a toolbox, and several of them joined into one.

use std::{
    collections::{BTreeMap, btree_map},
    future,
    sync::Arc,
};

use crate::{
    effects::HeldBack,
    failure::Failure,
    id::TaskId,
    message::ToolCall,
    port::Pending,
    scope::Scope,
    tool::{Effect, Tool, ToolOutput},
};

/// The tools that one run may use.
pub trait Toolbox: Send + Sync {
    /// Returns the tools, sorted by name.
    fn tools(&self) -> Vec<Tool>;

    /// Returns a call as its tool reads it: its name and arguments in the form that the gate, a person and the journal
    /// are to see, and [`call`](Self::call) is to get. A tool that is not known here stays as it is.
    ///
    /// # Errors
    ///
    /// What is wrong with the arguments, for the model.
    fn prepared(&self, call: &ToolCall) -> Result<PreparedCall, Failure> {
        Ok(call.clone().into())
    }

    /// Runs a call that the gate has let pass. Its arguments are the JSON text of an object.
    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>>;

    /// Returns whether what programs change is held back until the loop lets it through.
    fn holds_back(&self) -> bool {
        false
    }

    /// Returns what the programs of a call had changed when the process was killed that ran it, if that is known. `key` is
    /// the call's, and `command` what it ran.
    fn left_behind<'a>(
        &'a self,
        task: &'a TaskId,
        key: &'a str,
        command: &'a str,
    ) -> Pending<'a, Option<Box<dyn HeldBack>>> {
        let _ = (task, key, command);
        Box::pin(future::ready(None))
    }

    /// Returns whether programs that calls of the task left running are looked after here. They are gone with the process
    /// that started them.
    fn has_programs(&self, _task: &TaskId) -> bool {
        false
    }

    /// Ends the programs that calls of the task left running. What they changed waits to be let through.
    fn end_programs<'a>(&'a self, _task: &'a TaskId) -> Pending<'a, Vec<EndedProgram>> {
        Box::pin(future::ready(Vec::new()))
    }
}

/// A program that went on after the call that started it, and has ended.
pub struct EndedProgram {
    /// Key of the call that started it.
    pub key: String,
    /// What it changed.
    pub held: Box<dyn HeldBack>,
}

/// A call as it is judged and run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedCall {
    /// The call. Its id is that of the model's.
    pub call: ToolCall,
    /// What was left out of the model's call, for its result.
    pub notes: Vec<String>,
}

impl From<ToolCall> for PreparedCall {
    fn from(call: ToolCall) -> Self {
        Self { call, notes: Vec::new() }
    }
}

/// Refusal to join toolboxes of which two offer a tool of the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tool `{tool}` is in both `{first}` and `{second}`; only one of them can be used")]
pub struct ToolClash {
    /// Name of the tool.
    pub tool: String,
    /// Origin of the tool in the toolbox that comes first.
    pub first: String,
    /// Origin of the tool in the later toolbox.
    pub second: String,
}

/// Several toolboxes as one, for example the tools of components beside those of a server.
///
/// A call goes to the toolbox that lists its tool at that time: the tools of a catalog may change. A name that a later
/// toolbox comes to offer too stays the earlier one's, as it was when they were joined.
pub struct Joined(Vec<Arc<dyn Toolbox>>);

type Listed<'a> = BTreeMap<String, (Tool, &'a Arc<dyn Toolbox>)>;

impl Joined {
    /// Joins `toolboxes`, in the order in which a clash names them.
    ///
    /// # Errors
    ///
    /// [`ToolClash`] if a name is offered twice. Were the later tool left out or preferred, a person who trusts one
    /// of the two would call the other.
    pub fn new(toolboxes: impl IntoIterator<Item = Arc<dyn Toolbox>>) -> Result<Self, ToolClash> {
        let joined = Self(toolboxes.into_iter().collect());
        match joined.listed().1 {
            Some(clash) => Err(clash),
            None => Ok(joined),
        }
    }

    /// Returns the tools by name, each with its toolbox, and the first clash.
    fn listed(&self) -> (Listed<'_>, Option<ToolClash>) {
        let (mut tools, mut clash) = (BTreeMap::new(), None);
        for toolbox in &self.0 {
            for tool in toolbox.tools() {
                match tools.entry(tool.name.clone()) {
                    btree_map::Entry::Vacant(free) => {
                        free.insert((tool, toolbox));
                    }
                    btree_map::Entry::Occupied(taken) => {
                        let (first, _): &(Tool, _) = taken.get();
                        let (first, second) = (first.origin.clone(), tool.origin);
                        clash = clash.or(Some(ToolClash { tool: tool.name, first, second }));
                    }
                }
            }
        }
        (tools, clash)
    }
}

impl Toolbox for Joined {
    fn tools(&self) -> Vec<Tool> {
        self.listed().0.into_values().map(|(tool, _)| tool).collect()
    }

    fn holds_back(&self) -> bool {
        let executes = |(tool, _): &&(Tool, _)| tool.effect == Effect::Execute;
        self.listed().0.values().filter(executes).all(|(_, toolbox)| toolbox.holds_back())
    }

    /// Each toolbox is asked: only one of them ran the call.
    fn left_behind<'a>(
        &'a self,
        task: &'a TaskId,
        key: &'a str,
        command: &'a str,
    ) -> Pending<'a, Option<Box<dyn HeldBack>>> {
        Box::pin(async move {
            for (tool, toolbox) in self.listed().0.values() {
                if tool.effect == Effect::Execute
                    && let Some(held) = toolbox.left_behind(task, key, command).await
                {
                    return Some(held);
                }
            }
            None
        })
    }

    fn has_programs(&self, task: &TaskId) -> bool {
        self.0.iter().any(|toolbox| toolbox.has_programs(task))
    }

    fn end_programs<'a>(&'a self, task: &'a TaskId) -> Pending<'a, Vec<EndedProgram>> {
        Box::pin(async move {
            let mut ended = Vec::new();
            for toolbox in &self.0 {
                ended.extend(toolbox.end_programs(task).await);
            }
            ended
        })
    }

    /// The toolbox that lists the tool prepares the call. Another name is that of the only tool which one of them reads
    /// out of it.
    fn prepared(&self, call: &ToolCall) -> Result<PreparedCall, Failure> {
        let tools = self.listed().0;
        if let Some((_, toolbox)) = tools.get(&call.name) {
            return toolbox.prepared(call);
        }
        let mut read = BTreeMap::new();
        for toolbox in &self.0 {
            match toolbox.prepared(call) {
                Ok(prepared) if !tools.contains_key(&prepared.call.name) => {}
                Ok(prepared) => drop(read.insert(prepared.call.name.clone(), Ok(prepared))),
                Err(failure) => drop(read.insert(call.name.clone(), Err(failure))),
            }
        }
        match (read.pop_first(), read.is_empty()) {
            (Some((_, only)), true) => only,
            _ => Ok(call.clone().into()),
        }
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>> {
        match self.listed().0.get(&call.name) {
            Some((_, toolbox)) => toolbox.call(call, scope),
            None => {
                let unknown = Failure::NotFound(format!("the tool `{}`", call.name));
                Box::pin(future::ready(Err(unknown)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::Mutex,
        task::{Context, Poll, Waker},
        time::Duration,
    };

    use super::*;
    use crate::{
        effects::EffectLog,
        gate::{Gate, Policy},
        message::{Prompt, Role, Turn},
        recorder::{Mode, Recorder},
        run::offline,
        scope::Turns,
    };

    /// A toolbox whose answers name it.
    struct Named(&'static str, &'static [&'static str]);

    impl Toolbox for Named {
        fn tools(&self) -> Vec<Tool> {
            let tool = |name: &&str| Tool {
                name: (*name).to_owned(),
                description: String::new(),
                parameters: Default::default(),
                effect: Effect::Read,
                idempotent: true,
                domain: "test".to_owned(),
                target: None,
                origin: self.0.to_owned(),
                deadline_ms: 1_000,
            };
            self.1.iter().map(tool).collect()
        }

        fn call<'a>(
            &'a self,
            call: &'a ToolCall,
            scope: Scope,
        ) -> Pending<'a, Result<ToolOutput, Failure>> {
            let text = format!("{} ran {} as {}", self.0, call.name, scope.key);
            Box::pin(future::ready(Ok(ToolOutput { text, ..ToolOutput::default() })))
        }
    }

    struct NoTurns;

    impl Turns for NoTurns {
        fn turn(&self, _role: Role, _prompt: Prompt) -> Pending<'_, Result<Turn, Failure>> {
            Box::pin(future::ready(Err(Failure::Cancelled)))
        }
    }

    fn join(toolboxes: [Named; 2]) -> Result<Joined, ToolClash> {
        Joined::new(toolboxes.map(|one| Arc::new(one) as Arc<dyn Toolbox>))
    }

    fn scope() -> Scope {
        let (ports, task) = (offline::ports(), TaskId::new("t"));
        let (journal, listener, clock) = (ports.journal, ports.listener, ports.clock);
        let recorder =
            Recorder::new(task.clone(), Mode::Live, Vec::new(), journal, listener, clock);
        let recorder = Arc::new(recorder);
        Scope {
            task,
            key: "i1/t0/c0".to_owned(),
            deadline: Duration::from_secs(1),
            gate: Arc::new(Gate::new(
                Policy::default(),
                ports.approver,
                recorder.clone(),
                ports.cancellation,
            )),
            turns: Arc::new(NoTurns),
            effects: Arc::new(EffectLog::new(recorder, "i1/t0/c0")),
            view: Arc::default(),
        }
    }

    fn call(toolbox: &dyn Toolbox, name: &str) -> Result<String, Failure> {
        let call =
            ToolCall { id: String::new(), name: name.to_owned(), arguments: "{}".to_owned() };
        let answer = pin!(toolbox.call(&call, scope()));
        match answer.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result.map(|output| output.text),
            Poll::Pending => panic!("a fake tool answers at once"),
        }
    }

    #[test]
    fn joined_toolboxes_list_all_tools_sorted_by_name() {
        let joined = join([Named("bundled", &["read", "write"]), Named("server", &["post"])])
            .expect("no clash");

        let listed: Vec<String> =
            joined.tools().iter().map(|tool| format!("{} {}", tool.origin, tool.name)).collect();

        assert_eq!(listed, ["server post", "bundled read", "bundled write"]);
    }

    #[test]
    fn a_call_reaches_the_toolbox_that_listed_the_tool() {
        let joined =
            join([Named("bundled", &["read"]), Named("server", &["post"])]).expect("no clash");

        assert_eq!(call(&joined, "read").as_deref(), Ok("bundled ran read as i1/t0/c0"));
        assert_eq!(call(&joined, "post").as_deref(), Ok("server ran post as i1/t0/c0"));
    }

    #[test]
    fn a_name_that_two_toolboxes_offer_is_refused() {
        let clash = join([Named("bundled", &["read", "write"]), Named("server", &["write"])])
            .err()
            .expect("a clash");

        assert_eq!(
            clash.to_string(),
            "the tool `write` is in both `bundled` and `server`; only one of them can be used"
        );
    }

    #[test]
    fn a_name_that_one_toolbox_offers_twice_is_refused_too() {
        assert!(join([Named("bundled", &["read", "read"]), Named("server", &[])]).is_err());
    }

    /// A toolbox whose tools change.
    struct Changing(Mutex<Named>);

    impl Toolbox for Changing {
        fn tools(&self) -> Vec<Tool> {
            self.0.lock().expect("no test panics with it").tools()
        }

        fn call<'a>(
            &'a self,
            call: &'a ToolCall,
            scope: Scope,
        ) -> Pending<'a, Result<ToolOutput, Failure>> {
            let text = format!("the catalog ran {} as {}", call.name, scope.key);
            Box::pin(future::ready(Ok(ToolOutput { text, ..ToolOutput::default() })))
        }
    }

    #[test]
    fn a_tool_that_a_toolbox_comes_to_offer_is_listed_and_called_and_takes_no_name_from_another() {
        let changing = Arc::new(Changing(Mutex::new(Named("catalog", &["read"]))));
        let server = Arc::new(Named("server", &["post"])) as Arc<dyn Toolbox>;
        let joined = Joined::new([server, changing.clone()]).expect("no clash");

        *changing.0.lock().expect("no test panics with it") = Named("catalog", &["fetch", "post"]);

        let listed: Vec<String> =
            joined.tools().iter().map(|tool| format!("{} {}", tool.origin, tool.name)).collect();
        assert_eq!(listed, ["catalog fetch", "server post"]);
        assert_eq!(call(&joined, "fetch").as_deref(), Ok("the catalog ran fetch as i1/t0/c0"));
        assert_eq!(call(&joined, "post").as_deref(), Ok("server ran post as i1/t0/c0"));
        assert!(call(&joined, "read").is_err());
    }

    #[test]
    fn a_tool_that_no_toolbox_lists_is_not_found() {
        let joined = join([Named("bundled", &["read"]), Named("server", &[])]).expect("no clash");

        assert_eq!(call(&joined, "fly"), Err(Failure::NotFound("the tool `fly`".to_owned())));
    }
}
