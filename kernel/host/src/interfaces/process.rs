//! `process`: programs in the sandbox, each of which leaves a receipt.

use std::{path::PathBuf, sync::Arc, time::Duration};

use openkoi_brokers::processes as broker;
use openkoi_core::{
    capability::Use, event::Event, failure::Failure, frozen::View, network::NetworkRules,
    scope::Scope, tool::Receipt,
};
use wasmtime::component::Resource;

use super::{Stop, WitResult, blocking, wit_result, within};
use crate::{
    background::{Look, Program},
    bindings::imports::openkoi::host::process::{
        Command, Exit, Glance, Happening, Host, HostChild,
    },
    copies::{CallCopy, Watch},
    effects::AtWork,
    failure,
    instance::{Caller, GuestState, Spooled},
    layers::{CallLayer, Held},
    network,
    purpose::Purpose,
    resources::RunningChild,
    text,
    workdir::layer_owner,
};

impl Host for GuestState {
    async fn spawn(&mut self, command: Command) -> WitResult<Resource<RunningChild>> {
        wit_result(self.process_spawn(command).await)
    }

    async fn spawn_in_background(&mut self, command: Command) -> WitResult<String> {
        wit_result(self.process_in_background(command).await)
    }

    async fn look(&mut self, id: String, wait_ms: u64) -> WitResult<Glance> {
        wit_result(self.process_look(&id, Duration::from_millis(wait_ms)).await)
    }

    async fn stop(&mut self, id: String) -> WitResult<Glance> {
        wit_result(self.process_stop(&id).await)
    }

    async fn exists(&mut self, program: String) -> WitResult<bool> {
        wit_result(self.process_exists(program).await)
    }
}

impl HostChild for GuestState {
    async fn next(&mut self, child: Resource<RunningChild>) -> WitResult<Option<Happening>> {
        wit_result(self.process_next(child).await)
    }

    async fn kill(&mut self, child: Resource<RunningChild>) -> wasmtime::Result<()> {
        self.charge(0)?;
        self.table.get_mut(&child)?.inner.kill();
        Ok(())
    }

    async fn drop(&mut self, child: Resource<RunningChild>) -> wasmtime::Result<()> {
        let RunningChild { inner, at_work, .. } = self.table.delete(child)?;
        self.process_left(inner, at_work).await;
        Ok(())
    }
}

/// Where the programs of a call run.
enum Ground {
    /// Over the workspace.
    Layer(Arc<CallLayer>),
    /// In a copy of it.
    Copy(Arc<CallCopy>),
    /// In the workspace itself.
    Workspace,
}

/// Says that files cannot be seen in another state here.
fn no_view(reason: &str) -> Failure {
    Failure::Failed(format!("files cannot be shown as they were: {reason}"))
}

impl GuestState {
    async fn process_spawn(&mut self, command: Command) -> Result<Resource<RunningChild>, Stop> {
        let (mut command, caller, line) = self.admitted(command, false).await?;
        let background = &caller.workdir.background;
        if caller.keeps_effects
            && let Some(place) = background.place(&caller.scope.task, false)
        {
            command.share = Some(place);
            let (background, task) = (Arc::clone(background), caller.scope.task.clone());
            let refresh = move || {
                background.refresh(&task);
                Ok(())
            };
            blocking(self.limits.wall, refresh).await?;
        }
        let at_work = match self.call_ground(&caller).await? {
            Ground::Layer(layer) => {
                layer.enter(&mut command, &line);
                None
            }
            Ground::Copy(copy) => {
                copy.enter(&mut command).map_err(|reason| no_view(&reason))?;
                None
            }
            Ground::Workspace => {
                let line = line.clone();
                blocking(self.limits.wall, move || AtWork::begin(caller.kept_by(), &line)).await?
            }
        };
        match self.brokers.processes.spawn(command).await {
            Ok(inner) => Ok(self.table.push(RunningChild { inner, line, at_work })?),
            Err(error) => Err(failure::of_process(error).into()),
        }
    }

    /// Asks the gate, and returns the command for the broker with its line for people. On trial a person is asked first
    /// unless a layer holds what the program does: one that `goes_on` is over when nobody asks any more.
    async fn admitted(
        &mut self,
        command: Command,
        goes_on: bool,
    ) -> Result<(broker::Command, Arc<Caller>, String), Stop> {
        let words: usize = command.arguments.iter().map(String::len).sum();
        self.charge(words + command.input.as_ref().map_or(0, Vec::len))?;
        let line = line(&command);
        let wanted = Use::Process { program: &command.program, line: &line };
        let caller = self.pass(&wanted).await?;
        let Scope { gate, key, .. } = &caller.scope;
        if gate.is_on_trial(key) && (goes_on || !self.is_held(&caller).await?) {
            gate.pass_first(key).await.map_err(Failure::from)?;
        }
        let command = self.process_command(command, &caller)?;
        Ok((command, caller, line))
    }

    /// Returns whether nothing that the programs of a call do is more than a change in their layer.
    async fn is_held(&mut self, caller: &Arc<Caller>) -> Result<bool, Failure> {
        let workdir = &caller.workdir;
        let is_open = caller.grant.network || workdir.network == NetworkRules::Open;
        if is_open || !workdir.writable.is_empty() {
            return Ok(false);
        }
        Ok(self.call_layer(caller).await?.is_ok())
    }

    async fn process_in_background(&mut self, command: Command) -> Result<String, Stop> {
        let (mut command, caller, line) = self.admitted(command, true).await?;
        let unsupported =
            |reason: &str| Failure::Unsupported(format!("programs in the background ({reason})"));
        let (Some(base), Some(keeper), true) =
            (&caller.workdir.layers, &caller.workdir.keeper, caller.keeps_effects)
        else {
            return Err(unsupported("what they change cannot be held back here").into());
        };
        let background = &caller.workdir.background;
        let task = &caller.scope.task;
        background.check_room(task)?;
        let (brokers, keeper, base) = (Arc::clone(&self.brokers), Arc::clone(keeper), base.clone());
        let seen = Arc::clone(&caller.workdir.seen);
        let owner = layer_owner(task, &caller.scope.key);
        let create = move || {
            let (processes, view) = (&brokers.processes, View::default());
            let purpose = Purpose::Background;
            let layer = CallLayer::create(processes, &keeper, &base, &seen, purpose, &view);
            layer.iter().for_each(|layer| layer.belongs_to(&owner));
            Ok(layer)
        };
        let layer = blocking(self.limits.wall, create).await?;
        let layer = layer.map_err(|reason| unsupported(&reason))?;
        layer.enter(&mut command, &line);
        command.background = true;
        command.one_stream = true;
        command.deadline = None;
        command.share = background.place(task, true);
        command.network = network::of_background(&caller);
        let child = self.brokers.processes.spawn(command).await.map_err(failure::of_process)?;
        self.log.state().concerns_programs = true;
        Ok(background.take_in(task, &caller.scope.key, &line, child, layer))
    }

    async fn process_look(&mut self, id: &str, patience: Duration) -> Result<Glance, Stop> {
        self.charge(id.len())?;
        let caller = self.caller()?;
        let background = Arc::clone(&caller.workdir.background);
        let program = background.find(&caller.scope.task, id)?;
        let task = caller.scope.task.clone();
        let refresh = move || {
            background.refresh(&task);
            Ok(())
        };
        blocking(self.limits.wall, refresh).await?;
        let longest = self.limits.wall.saturating_sub(Duration::from_secs(1));
        let look = program.look(patience.min(longest)).await;
        self.glance(&program, look)
    }

    async fn process_stop(&mut self, id: &str) -> Result<Glance, Stop> {
        self.charge(id.len())?;
        let caller = self.caller()?;
        let (background, task) = (&caller.workdir.background, &caller.scope.task);
        let program = background.find(task, id)?;
        program.stop().await;
        background.forget(task, id);
        caller.scope.effects.hold_back(program.held());
        let look = program.look(Duration::ZERO).await;
        self.glance(&program, look)
    }

    fn glance(&mut self, program: &Program, look: Look) -> Result<Glance, Stop> {
        self.charge_bytes(look.output.len())?;
        self.log.state().concerns_programs = true;
        if let Some(path) = &program.saved {
            // Also where nothing is left out here: what the host cuts of it is in this file, and in no other.
            let spooled = Spooled { path: path.clone(), omitted: look.omitted };
            self.log.state().spooled.push(spooled);
        }
        let line = program.line.clone();
        let ended = look.exit.map(|exit| {
            // Its file is the program's whole output, and not more than was looked at.
            self.process_exited(broker::ProgramExit { saved: None, ..exit }, line)
        });
        Ok(Glance {
            output: look.output,
            omitted: look.omitted,
            saved: program.saved.clone(),
            ended: ended.transpose()?,
        })
    }

    /// Returns where the programs of the call run, which the first of them decides.
    async fn call_ground(&mut self, caller: &Arc<Caller>) -> Result<Ground, Failure> {
        if let Some(copy) = &self.copy {
            return Ok(Ground::Copy(Arc::clone(copy)));
        }
        if self.watch.is_some() {
            return Ok(Ground::Workspace);
        }
        let reason = match self.call_layer(caller).await? {
            Ok(layer) => return Ok(Ground::Layer(layer)),
            Err(reason) => reason,
        };
        tracing::debug!(reason, "a call has no layer");
        if !caller.scope.view.is_empty() {
            return self.call_copy(caller).await.map(Ground::Copy);
        }
        if let Some(keeper) = caller.workdir.keeper.clone().filter(|_| !caller.keeps_effects) {
            let begin = move || Ok(Watch::begin(keeper.root(), &View::default()).ok());
            self.watch = blocking(self.limits.wall, begin).await?.map(Arc::new);
        }
        Ok(Ground::Workspace)
    }

    /// Returns the copy that the programs of the call run in, made for the first of them and dropped with the call.
    async fn call_copy(&mut self, caller: &Arc<Caller>) -> Result<Arc<CallCopy>, Failure> {
        let (Some(base), Some(keeper)) = (&caller.workdir.copies, &caller.workdir.keeper) else {
            return Err(no_view("programs run without a sandbox"));
        };
        let (brokers, keeper, base) = (Arc::clone(&self.brokers), Arc::clone(keeper), base.clone());
        let (view, wall) = (Arc::clone(&caller.scope.view), self.limits.wall);
        let create = move || Ok(CallCopy::create(&brokers.processes, &keeper, &base, &view, wall));
        let copy = blocking(wall, create).await?.map_err(|reason| no_view(&reason))?;
        self.copy = Some(Arc::clone(&copy));
        Ok(copy)
    }

    /// Returns the layer that the programs of the call run over, made for the first of them; or why there is none. What
    /// the programs of tools change is left to the loop; what checks and judges run is dropped with the layer.
    async fn call_layer(
        &mut self,
        caller: &Arc<Caller>,
    ) -> Result<Result<Arc<CallLayer>, String>, Failure> {
        let view = Arc::clone(&caller.scope.view);
        let (Some(base), Some(keeper)) = (&caller.workdir.layers, &caller.workdir.keeper) else {
            return Ok(Err("programs have no layers".to_owned()));
        };
        if let Some(layer) = &self.layer {
            return Ok(Ok(Arc::clone(layer)));
        }
        let (brokers, keeper, base) = (Arc::clone(&self.brokers), Arc::clone(keeper), base.clone());
        let (seen, keeps) = (Arc::clone(&caller.workdir.seen), caller.keeps_effects);
        let purpose = match keeps {
            true if caller.scope.gate.is_on_trial(&caller.scope.key) => Purpose::Trial,
            true => Purpose::Call,
            false => Purpose::Evaluation,
        };
        let shown = Arc::clone(&view);
        let owner = layer_owner(&caller.scope.task, &caller.scope.key);
        let create = move || {
            let processes = &brokers.processes;
            let layer = CallLayer::create(processes, &keeper, &base, &seen, purpose, &shown);
            layer.iter().filter(|_| keeps).for_each(|layer| layer.belongs_to(&owner));
            Ok(layer)
        };
        let made = blocking(self.limits.wall, create).await?;
        if let Ok(layer) = &made {
            if caller.keeps_effects {
                caller.scope.effects.hold_back(Box::new(Held(Arc::clone(layer))));
            }
            self.layer = Some(Arc::clone(layer));
        }
        Ok(made)
    }

    /// Ends a program that nobody waits for, and keeps what it changed.
    async fn process_left(&mut self, mut child: broker::Child, at_work: Option<AtWork>) {
        let Some(at_work) = at_work else { return };
        child.kill();
        let ended = async { while child.next().await.is_some() {} };
        // The group is killed in any case; its end is waited for, but not for long.
        let waited = within(self.limits.host_call, ended).await;
        let kept = blocking(self.limits.wall, || at_work.end()).await;
        if let Err(error) = waited.and(kept) {
            tracing::warn!(%error, "what a program changed cannot be told");
        }
    }

    fn process_command(
        &self,
        command: Command,
        caller: &Caller,
    ) -> Result<broker::Command, Failure> {
        let root = &caller.workdir.root;
        let directory = match &command.directory {
            None => root.clone(),
            Some(below) => inside(root, below)?,
        };
        // The broker kills the group at its deadline; the call's own is only a little later, so that the
        // guest still hears of it.
        let longest = self.limits.wall.saturating_sub(Duration::from_secs(1));
        let asked = command.timeout_ms.map_or(longest, Duration::from_millis);
        Ok(broker::Command {
            arguments: command.arguments,
            directory,
            environment: command.environment,
            input: command.input,
            deadline: Some(asked.min(longest)),
            one_stream: command.one_stream,
            write: caller.workdir.writable.clone(),
            network: network::of_program(caller, &self.component),
            ..broker::Command::new(command.program, root)
        })
    }

    async fn process_exists(&mut self, program: String) -> Result<bool, Stop> {
        self.charge(program.len())?;
        // The answer says something about the machine, so it takes the grant to run the program.
        let line = text::one_line(&program, 200);
        let caller = self.pass(&Use::Process { program: &program, line: &line }).await?;
        Ok(self.brokers.processes.exists(&program, &caller.workdir.root))
    }

    async fn process_next(
        &mut self,
        child: Resource<RunningChild>,
    ) -> Result<Option<Happening>, Stop> {
        self.charge(0)?;
        let child = self.table.get_mut(&child)?;
        let happening = child.inner.next().await;
        let line = child.line.clone();
        let has_ended = matches!(happening, None | Some(broker::Happening::Exited(_)));
        if let Some(at_work) = child.at_work.take_if(|_| has_ended) {
            blocking(self.limits.wall, || at_work.end()).await?;
        }
        Ok(match happening {
            None => None,
            Some(broker::Happening::Stdout(bytes)) => {
                self.charge_bytes(bytes.len())?;
                Some(Happening::Stdout(bytes))
            }
            Some(broker::Happening::Stderr(bytes)) => {
                self.charge_bytes(bytes.len())?;
                Some(Happening::Stderr(bytes))
            }
            Some(broker::Happening::Exited(exit)) => {
                Some(Happening::Exited(self.process_exited(exit, line)?))
            }
        })
    }

    /// Issues the receipt. Evidence rests on it, and not on what the component says of the program.
    fn process_exited(&mut self, exit: broker::ProgramExit, line: String) -> Result<Exit, Failure> {
        let caller = self.caller()?;
        let duration_ms = u64::try_from(exit.duration.as_millis()).unwrap_or(u64::MAX);
        let now = self.brokers.clock.now_ms();
        let id = self.brokers.random.id(now).map_err(|e| Failure::Failed(e.to_string()))?;
        let receipt = Receipt { id: id.clone(), command: line, exit_code: exit.code, duration_ms };
        let event = Event::ProcessFinished { receipt: receipt.clone(), tree: None };
        let noted = caller.scope.gate.recorder().note(&caller.scope.key, event);
        noted.map_err(|error| Failure::Failed(error.to_string()))?;
        self.log.state().receipts.push(receipt);
        let saved = exit.saved.map(|path| path.display().to_string());
        let spooled = saved.clone().map(|path| Spooled { path, omitted: exit.omitted });
        self.log.state().spooled.extend(spooled);
        Ok(Exit {
            code: exit.code,
            signal: exit.signal,
            timed_out: exit.timed_out,
            duration_ms,
            receipt: id,
            saved,
            omitted: exit.omitted,
        })
    }
}

/// Returns a directory of the workspace. Links are not resolved here: the sandbox confines the program.
fn inside(root: &std::path::Path, below: &str) -> Result<PathBuf, Failure> {
    let path = std::path::Path::new(below);
    let climbs = path.components().any(|part| {
        !matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir)
    });
    if climbs {
        let message = "has to be a directory of the workspace, relative to it".to_owned();
        return Err(Failure::Invalid { field: "/directory".to_owned(), message });
    }
    Ok(root.join(path))
}

/// Returns the command, quoted for a shell.
fn line(command: &Command) -> String {
    let words = std::iter::once(&command.program).chain(&command.arguments);
    let quoted: Vec<String> = words.map(|word| quoted(word)).collect();
    text::visible(text::cut(&quoted.join(" "), 4 << 10))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_quoted_for_a_shell() {
        let command = Command {
            program: "sh".to_owned(),
            arguments: vec!["-c".to_owned(), "echo 'a b'".to_owned(), String::new()],
            directory: None,
            environment: Vec::new(),
            input: None,
            timeout_ms: None,
            one_stream: false,
        };
        assert_eq!(line(&command), r"sh -c 'echo '\''a b'\''' ''");
    }

    #[test]
    fn a_program_starts_inside_the_workspace() {
        let root = std::path::Path::new("/w");
        assert_eq!(inside(root, "a/./b"), Ok(PathBuf::from("/w/a/./b")));
        for bad in ["..", "a/../../b", "/etc"] {
            assert!(inside(root, bad).is_err(), "{bad}");
        }
    }
}
