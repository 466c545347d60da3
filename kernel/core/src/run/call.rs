//! The calls of one turn: counted, let through by the gate, recorded before and after. Reads run side by side.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::Value;

use super::{
    built::is_ignored,
    halt::{Halt, Paused},
    meter::ComponentTurns,
    plan::PLAN_TOOL,
    prompt,
    state::Run,
    wait::{self, Waited},
};
use crate::{
    approval::Unanswered,
    change_set::{CallEffects, PathEffect},
    effects::{self, EffectLog, HeldBack},
    event::Event,
    fact,
    failure::Failure,
    gate::{self, Refusal},
    message::{Part, ToolCall, ToolResult, Turn},
    port::Pending,
    scope::Scope,
    tool::{Effect, Tool, ToolOutput},
    toolbox::PreparedCall,
};

/// Result of a call that goes back to the model, which may read a failure and act on it.
type CallResult = Result<ToolOutput, Failure>;

/// A call with its key and the tokens at which the turn that holds it was cut, if it was.
#[derive(Clone, Copy)]
struct Call<'a> {
    key: &'a str,
    call: &'a ToolCall,
    cut_at: Option<u64>,
}

/// A call that may run, as its tool reads it.
struct Admitted {
    tool: Tool,
    call: ToolCall,
    /// What was left out of the model's call, for its result.
    notes: Vec<String>,
}

impl Admitted {
    /// Returns whether the call may run again that the program did not outlive. What changes files says so before it
    /// does, so that nothing was done where nothing was said or found.
    fn may_run_again(&self, settled: Settled) -> bool {
        self.tool.idempotent || (self.tool.effect == Effect::Write && settled.done == 0)
    }
}

/// What became of the changes of a call's programs.
pub(super) enum Made {
    /// They are in the workspace.
    Kept,
    /// They are not; this is what the model is told.
    Dropped(String),
}

/// Number of the changes that an interrupted call wanted to make, and of those that it made.
#[derive(Clone, Copy)]
struct Settled {
    done: usize,
    all: usize,
    /// Whether these are what its programs had written when they were cut.
    is_cut: bool,
    /// Whether nothing of what it did is there without a person's word.
    is_on_trial: bool,
}

impl Run {
    /// Answers the calls of a turn, in their order. Neighbours that only read run side by side.
    pub(super) async fn answer_calls(&mut self, key: &str, turn: &Turn) -> Result<Vec<Part>, Halt> {
        let cut_at = turn.cut_at();
        let calls = turn.calls();
        let keys: Vec<String> = (0..calls.len()).map(|index| format!("{key}/c{index}")).collect();
        let calls: Vec<Call<'_>> =
            keys.iter().zip(calls).map(|(key, call)| Call { key, call, cut_at }).collect();
        let mut parts = Vec::new();
        let mut rest = calls.as_slice();
        while let [first, ..] = rest {
            let reads = rest.iter().take_while(|call| self.only_reads(call.call)).count();
            let (group, later) = rest.split_at(reads.max(1));
            rest = later;
            let counts: Vec<u32> = group.iter().map(|call| self.count(call.call)).collect();
            let results = match (reads, self.ended.is_some()) {
                (_, true) => group.iter().map(|_| Err(not_run())).collect(),
                (0, _) => vec![self.call(*first).await?],
                _ => self.read_all(group).await?,
            };
            for ((call, count), result) in group.iter().zip(counts).zip(results) {
                self.take_questions(call.key);
                parts.extend(self.answer(call.call, count, result));
            }
        }
        Ok(parts)
    }

    fn only_reads(&self, call: &ToolCall) -> bool {
        self.tool(&self.meant(call)).is_some_and(|tool| tool.effect == Effect::Read)
    }

    /// Returns the name of the tool that a call means.
    fn meant(&self, call: &ToolCall) -> String {
        let read = self.ports.toolbox.prepared(call).map(|prepared| prepared.call.name);
        read.unwrap_or_else(|_| call.name.clone())
    }

    /// Counts identical calls since the last change of a file: same tool, same arguments, whatever their spelling.
    fn count(&mut self, call: &ToolCall) -> u32 {
        let this = signature(call);
        // Another call between two identical ones may have been the reason for the second.
        self.repeats.retain(|seen, _| *seen == this);
        let repeated = self.repeats.entry(this).or_default();
        repeated.count += 1;
        let count = repeated.count;
        if count >= self.task.settings.repeat_stop {
            self.ended =
                Some(format!("`{}` was called {count} times with the same arguments", call.name));
        }
        count
    }

    fn answer(&mut self, call: &ToolCall, count: u32, result: CallResult) -> Vec<Part> {
        if let Ok(ToolOutput { running: Some(running), .. }) = &result {
            self.running.clone_from(running);
        }
        let mut parts = answer(call, result);
        let count =
            if self.only_reads(call) { self.count_answer(call, count, &parts) } else { count };
        if let Some(Part::ToolResult(result)) = parts.first_mut() {
            result.content.push_str(&std::mem::take(&mut self.news));
        }
        if count >= self.task.settings.repeat_warn
            && let Some(Part::ToolResult(result)) = parts.first_mut()
        {
            result.content.push_str(&prompt::repeated(count));
        }
        parts
    }

    /// Begins to count anew where a call that only reads is answered otherwise than the last time: what it looks at has
    /// changed.
    fn count_answer(&mut self, call: &ToolCall, count: u32, parts: &[Part]) -> u32 {
        let Some(repeated) = self.repeats.get_mut(&signature(call)) else { return count };
        let Some(Part::ToolResult(result)) = parts.first() else { return count };
        if count > 1 && repeated.answer != result.content {
            repeated.count = 1;
        }
        repeated.answer.clone_from(&result.content);
        repeated.count
    }

    async fn read_all(&self, calls: &[Call<'_>]) -> Result<Vec<CallResult>, Halt> {
        let works = calls
            .iter()
            .map(|call| -> Pending<'_, Result<CallResult, Halt>> { Box::pin(self.read(*call)) });
        wait::all(works.collect()).await.into_iter().collect()
    }

    async fn read(&self, call: Call<'_>) -> Result<CallResult, Halt> {
        if let Some(result) = self.recalled(call.key)? {
            return Ok(result);
        }
        let admitted = match self.admit(call).await? {
            Ok(admitted) => admitted,
            Err(failure) => return self.finished(call, Err(failure), 0),
        };
        self.begin_baseline();
        let log = self.effect_log(call.key);
        self.start(call.key, &admitted)?;
        let (result, duration) = self.run_tool(call.key, &admitted, &log).await?;
        self.finished(call, result, duration)
    }

    /// Runs a call that may have an effect.
    async fn call(&mut self, call: Call<'_>) -> Result<CallResult, Halt> {
        if call.call.name == PLAN_TOOL && self.plans() && !self.has_planner() {
            return self.take_plan(call.key, call.call);
        }
        let kept = self.kept(call.key);
        if !kept.is_empty() {
            self.occupy().await?;
        }
        kept.into_iter().for_each(|effects| self.take_in(effects));
        self.note_begin(call.key);
        self.compute_objections()?;
        if let Some(result) = self.recalled(call.key)? {
            self.recall_baseline(call.key).await?;
            self.settle_left(call.key, &result).await?;
            self.take_deed(call.key, &result);
            return Ok(result);
        }
        let begun = self.recorder.recall::<fact::CallStarted>(call.key).is_some();
        if begun && !self.intents(call.key).is_empty() {
            self.ensure_baseline().await?;
        }
        let settled = self.settle_interrupted(call.key).await?;
        let admitted = match self.admit(call).await? {
            Ok(admitted) => admitted,
            Err(failure) => {
                let result = self.finished(call, Err(failure), 0)?;
                self.take_deed(call.key, &result);
                return Ok(result);
            }
        };
        if self.changes_files(&admitted.tool) {
            self.ensure_baseline().await?;
        }
        if begun && !admitted.may_run_again(settled) {
            let result = self.finished(call, Err(interrupted(settled)), 0)?;
            self.take_deed(call.key, &result);
            return Ok(result);
        }
        self.start(call.key, &admitted)?;
        self.note_begin(call.key);
        let log = self.effect_log(call.key);
        let ran = self.run_tool(call.key, &admitted, &log).await;
        let ran = self.after_effect(call.key, &log, ran).await;
        let (result, duration) = ran?;
        self.take_deed(call.key, &result);
        self.finished(call, result, duration)
    }

    /// Notes when the first call that may have an effect began.
    fn note_begin(&mut self, key: &str) {
        let begun = self.recorder.time_of::<fact::CallStarted>(key);
        self.acting_since = self.acting_since.or(begun);
    }

    /// Returns whether a call of this tool may change files before the loop hears of it.
    pub(super) fn changes_files(&self, tool: &Tool) -> bool {
        match tool.effect {
            Effect::Read | Effect::Send => false,
            Effect::Execute => !self.ports.toolbox.holds_back(),
            Effect::Write | Effect::Destructive => true,
        }
    }

    /// Notes what a call shows of the run: whether files were to be changed, even if that was refused, and whether
    /// anything was done. What a program did is known from its effects and not from its success.
    fn take_deed(&mut self, key: &str, result: &CallResult) {
        let started = self.recorder.recall(key).map(|fact::CallStarted { effect, .. }| effect);
        let finished = || {
            let fact::CallFinished { tool, .. } = self.recorder.recall(key)?;
            self.tool(&tool).map(|tool| tool.effect)
        };
        let Some(effect) = started.or_else(finished) else { return };
        self.ran |= effect == Effect::Execute && result.is_ok();
        self.tried |= matches!(effect, Effect::Write | Effect::Destructive);
        self.acted |= matches!(effect, Effect::Send | Effect::Destructive) && result.is_ok();
    }

    /// Returns the result of a call that is over, and counts its component's turns.
    fn recalled(&self, key: &str) -> Result<Option<CallResult>, Halt> {
        let Some(fact::CallFinished { result, .. }) = self.recorder.recall(key) else {
            self.meter.check_time(key)?;
            let Some(trip) = self.meter.tripped_below(key) else { return Ok(None) };
            self.meter.replay_component(key);
            return Err(Halt::Trip(trip));
        };
        self.meter.replay_component(key);
        Ok(Some(result))
    }

    /// Asks whether a call can and may run.
    async fn admit(&self, call: Call<'_>) -> Result<Result<Admitted, Failure>, Halt> {
        let admitted = match self.checked(call) {
            Ok(admitted) => admitted,
            Err(failure) => return Ok(Err(failure)),
        };
        let apart = self.ports.toolbox.holds_back();
        match self.gate.pass_call(call.key, &admitted.tool, &admitted.call, apart).await {
            Ok(()) => Ok(Ok(admitted)),
            Err(Refusal::Denied(failure)) => Ok(Err(failure)),
            Err(Refusal::NeedsApproval(request)) => Err(Halt::Paused(Paused::Approval(request))),
            Err(Refusal::Cancelled) => Err(Halt::Paused(Paused::Cancelled)),
            Err(Refusal::Record(error)) => Err(error.into()),
        }
    }

    /// Returns the tool of a call that can be run at all, and the call as the tool reads it.
    fn checked(&self, call: Call<'_>) -> Result<Admitted, Failure> {
        let cut_short = |failure| match call.cut_at {
            Some(tokens) if !is_json(&call.call.arguments) => cut(tokens),
            _ => failure,
        };
        let PreparedCall { call, notes } =
            self.ports.toolbox.prepared(call.call).map_err(cut_short)?;
        let tool = self.tool(&call.name).cloned().ok_or_else(|| {
            let names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
            Failure::NotFound(format!(
                "there is no tool of that name; the tools are {}",
                names.join(", ")
            ))
        })?;
        let invalid = |message| Failure::Invalid { field: String::new(), message };
        match serde_json::from_str::<Value>(&call.arguments) {
            Ok(Value::Object(_)) => Ok(Admitted { tool, call, notes }),
            Ok(_) => Err(invalid("the arguments have to be a JSON object".to_owned())),
            Err(error) => {
                Err(cut_short(invalid(format!("the arguments are not valid JSON: {error}"))))
            }
        }
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    fn start(&self, key: &str, Admitted { tool, call, .. }: &Admitted) -> Result<(), Halt> {
        let started = Event::CallStarted {
            call: call.clone(),
            effect: tool.effect,
            origin: tool.origin.clone(),
            idempotent: tool.idempotent,
            target: gate::target_of(tool, call),
        };
        Ok(self.recorder.record(key, started)?)
    }

    /// Runs a tool, and returns its result with the time it took.
    async fn run_tool(
        &self,
        key: &str,
        Admitted { tool, call, notes }: &Admitted,
        log: &Arc<EffectLog>,
    ) -> Result<(CallResult, u64), Halt> {
        let begun = self.recorder.elapsed_ms();
        // The task's own time is watched from here: a call that outlives it is dropped, not cut short.
        let deadline = Duration::from_millis(tool.deadline_ms);
        let work = self.ports.toolbox.call(call, self.scope(key, deadline, log));
        let result = match self.meter.within(deadline, work).await {
            Waited::Done(result) => result.map(|output| output.noted(notes)),
            Waited::Cancelled => return Err(Halt::Paused(Paused::Cancelled)),
            Waited::TimeOver if self.meter.time_left() == 0 => {
                return Err(self.meter.time_over(key));
            }
            Waited::TimeOver => Err(Failure::Limited {
                name: "wall-ms".to_owned(),
                value: tool.deadline_ms,
                knob: format!("[component.{}.limits] wall-ms", tool.origin),
            }),
        };
        if let Some(halt) = self.meter.halted(key) {
            return Err(halt);
        }
        Ok((result, self.recorder.elapsed_ms().saturating_sub(begun)))
    }

    /// Takes in what a call did, however it ended. Changes that were held back are made now, over a tree whose
    /// checks are known.
    async fn after_effect(
        &mut self,
        key: &str,
        log: &EffectLog,
        ran: Result<(CallResult, u64), Halt>,
    ) -> Result<(CallResult, u64), Halt> {
        let ran = match (ran, log.held()) {
            (Ok((result, duration)), Some(held)) => {
                let made = self.let_through(key, log, held).await;
                made.map(|made| (result_of(made, result), duration))
            }
            // What a call's programs did before it was cut short is work too.
            (Err(halt), Some(held)) => {
                self.let_through_cut(key, log, held).await?;
                Err(halt)
            }
            (ran, None) => ran,
        };
        self.keep(key, log.take())?;
        ran
    }

    /// Makes the changes that a call's programs would have made, or drops them where a person does not want them.
    pub(super) async fn let_through(
        &mut self,
        key: &str,
        log: &EffectLog,
        mut held: Box<dyn HeldBack>,
    ) -> Result<Result<Made, Failure>, Halt> {
        let wanted = match held.effects().await {
            Ok(wanted) => wanted,
            Err(failure) => return Ok(Err(failure)),
        };
        if self.gate.is_on_trial(key)
            && let Some(made) = self.judge_trial(key, &wanted).await?
        {
            held.discard().await;
            return Ok(Ok(made));
        }
        // What is about to be left in ignored places must not be built on by checks that have begun already.
        let is_shared = wanted.uncovered.iter().any(|place| is_ignored(place));
        if is_shared && self.baseline_begun.load(Ordering::Relaxed) {
            self.ensure_baseline().await?;
        }
        if !wanted.paths.is_empty() {
            let known = self.ensure_baseline().await;
            // Where the run ends here, the next one makes them.
            log.intend(&wanted.paths)?;
            known?;
        }
        Ok(held.commit().await.map(|done| {
            log.keep(done);
            Made::Kept
        }))
    }

    /// Makes the changes of a call that was cut short. Where nobody knows yet how the untouched tree stands they wait for
    /// the resumed run, which finds that out first; so they do where a person has to see them first.
    pub(super) async fn let_through_cut(
        &mut self,
        key: &str,
        log: &EffectLog,
        mut held: Box<dyn HeldBack>,
    ) -> Result<(), Halt> {
        let _hold = self.recorder.hold_clock();
        let wanted = held.effects().await.unwrap_or_default();
        if wanted.is_empty() || self.gate.is_on_trial(key) {
            return Ok(());
        }
        if !wanted.paths.is_empty() {
            log.intend(&wanted.paths)?;
        }
        let settings = &self.task.settings;
        if self.baseline.is_some() || settings.max_iterations == 0 || !settings.checks {
            // What cannot be made now is made by the resumed run.
            held.commit().await.map(|done| log.keep(done)).unwrap_or_default();
        }
        Ok(())
    }

    /// Records what a call did, and takes it in. A call that was run again has several records.
    pub(super) fn keep(&mut self, key: &str, effects: CallEffects) -> Result<(), Halt> {
        if effects.is_empty() {
            return Ok(());
        }
        let free = effects::kept_key(key, self.kept(key).len());
        self.recorder.record(&free, Event::EffectsKept { effects: effects.clone() })?;
        self.take_in(effects);
        Ok(())
    }

    fn take_in(&mut self, effects: CallEffects) {
        let changes = effects.paths.iter().any(|effect| effect.before != effect.after);
        if changes {
            self.repeats.clear();
        }
        self.acted |= changes || !effects.uncovered.is_empty();
        self.changes.absorb(&effects.paths);
        let conflicts = effects.conflicts.into_iter().map(|effect| effect.path);
        self.conflicts.extend(conflicts);
        self.uncovered.extend(effects.uncovered);
        self.uncovered.sort_unstable();
        self.uncovered.dedup();
        self.by_products.extend(effects.by_products);
    }

    /// Returns what the journal says that a call did, each time it was run.
    fn kept(&self, key: &str) -> Vec<CallEffects> {
        let recalled = |number| {
            let kept = self.recorder.recall(&effects::kept_key(key, number));
            kept.map(|fact::EffectsKept { effects }| effects)
        };
        (0..).map_while(recalled).collect()
    }

    /// Goes on with what a call was about to change when OpenKoi ended, and finds out what it did: its intents are
    /// compared with what is there.
    async fn settle_interrupted(&mut self, key: &str) -> Result<Settled, Halt> {
        let intended = self.intents(key);
        let all = intended.len();
        if self.kept(key).is_empty() && all > 0 {
            // It was let through, and half of it helps nobody. What others changed meanwhile is left.
            self.occupy().await?;
            self.ports.workspace.apply(&intended).await?;
            let paths: Vec<String> = intended.iter().map(|effect| effect.path.clone()).collect();
            let present = self.ports.workspace.states(&paths).await?;
            let done = intended.into_iter().zip(present).filter(|(step, now)| step.after == *now);
            let paths = done.map(|(step, _)| step).collect();
            self.keep(key, CallEffects { paths, ..CallEffects::default() })?;
        }
        let is_cut = all == 0 && self.take_left_behind(key).await?;
        let done = self.kept(key).iter().map(|effects| effects.paths.len()).sum();
        Ok(Settled { done, all, is_cut, is_on_trial: self.gate.is_on_trial(key) })
    }

    /// Makes the changes that a call's programs had made apart from the workspace when OpenKoi was killed: they are the
    /// task's work like that of a call which was cancelled. Returns whether there are any.
    async fn take_left_behind(&mut self, key: &str) -> Result<bool, Halt> {
        let started = self
            .recorder
            .recall(key)
            .map(|fact::CallStarted { effect, target, .. }| (effect, target));
        let Some((Effect::Execute, command)) = started else { return Ok(false) };
        if !self.recorder.is_live() || !self.kept(key).is_empty() {
            return Ok(!self.kept(key).is_empty());
        }
        let task = self.task.id.clone();
        let left = self.ports.toolbox.left_behind(&task, key, &command).await;
        let Some(held) = left else { return Ok(false) };
        self.occupy().await?;
        let log = self.effect_log(key);
        if let Err(failure) = self.let_through(key, &log, held).await? {
            tracing::warn!(%failure, "what a program had written before it was cut is not in the workspace");
        }
        self.keep(key, log.take())?;
        Ok(!self.kept(key).is_empty())
    }

    /// Goes on with what a program in the background had changed, or was about to change, when OpenKoi ended: the call that
    /// started it is over, and the program is gone.
    async fn settle_left(&mut self, key: &str, result: &CallResult) -> Result<(), Halt> {
        if !self.recorder.is_live() || !self.kept(key).is_empty() {
            return Ok(());
        }
        if !self.intents(key).is_empty() {
            self.ensure_baseline().await?;
            self.settle_interrupted(key).await?;
        } else if result.as_ref().is_ok_and(|output| output.running.is_some()) {
            self.take_left_behind(key).await?;
        }
        Ok(())
    }

    fn intents(&self, key: &str) -> Vec<PathEffect> {
        let mut intended = Vec::new();
        for number in 0.. {
            let key = effects::intent_key(key, number);
            match self.recorder.recall(&key) {
                Some(fact::EffectsIntended { paths }) => intended.extend(paths),
                _ => break,
            }
        }
        intended
    }

    fn effect_log(&self, key: &str) -> Arc<EffectLog> {
        Arc::new(EffectLog::new(self.recorder.clone(), key))
    }

    /// Returns the surroundings of a call or an evaluation.
    pub(super) fn scope(&self, key: &str, deadline: Duration, log: &Arc<EffectLog>) -> Scope {
        Scope {
            task: self.task.id.clone(),
            key: key.to_owned(),
            deadline,
            gate: self.gate.clone(),
            turns: Arc::new(ComponentTurns::new(self.meter.clone(), key)),
            effects: Arc::clone(log),
            view: Arc::default(),
        }
    }

    /// Records the questions of a call that nobody was there to answer.
    fn leave_questions(&self, key: &str) -> Result<(), Halt> {
        let mine = self.gate.unanswered().into_iter().filter(|question| question.key == key);
        let questions: Vec<Unanswered> = mine.collect();
        if questions.is_empty() {
            return Ok(());
        }
        Ok(self.recorder.record(key, Event::QuestionsLeft { questions })?)
    }

    /// Takes up the questions that a call left.
    fn take_questions(&mut self, key: &str) {
        if let Some(fact::QuestionsLeft { questions }) = self.recorder.recall(key) {
            self.unanswered.extend(questions);
        }
    }

    fn finished(
        &self,
        call: Call<'_>,
        result: CallResult,
        duration_ms: u64,
    ) -> Result<CallResult, Halt> {
        self.leave_questions(call.key)?;
        let tool = self.meant(call.call);
        let event = Event::CallFinished { tool, result: result.clone(), duration_ms };
        self.recorder.record(call.key, event)?;
        Ok(result)
    }
}

/// Returns the result of a call whose changes were made, were dropped, or could not be made. What it says of its own work
/// holds where they were dropped, so that comes first.
fn result_of(made: Result<Made, Failure>, result: CallResult) -> CallResult {
    match (made?, result) {
        (Made::Kept, result) => result,
        (Made::Dropped(why), Ok(output)) => Ok(ToolOutput {
            text: format!("{why}\n{}", output.text),
            summary: format!("nothing kept · {}", output.summary),
            ..output
        }),
        (Made::Dropped(why), Err(failure)) => Err(Failure::Failed(format!("{failure}\n{why}"))),
    }
}

/// Returns what two calls have in common that are the same, whatever the spelling of their arguments.
fn signature(call: &ToolCall) -> (String, String) {
    let arguments = match serde_json::from_str::<Value>(&call.arguments) {
        Ok(value) => value.to_string(),
        Err(_) => call.arguments.clone(),
    };
    (call.name.clone(), arguments)
}

fn interrupted(Settled { done, all, is_cut, is_on_trial }: Settled) -> Failure {
    let known = match all {
        _ if is_cut => {
            let files = if done == 1 { "file" } else { "files" };
            format!("and what it had changed until then is kept ({done} {files})")
        }
        0 if is_on_trial => {
            "and nothing of what it may have changed is in the workspace".to_owned()
        }
        0 => "so nobody knows whether it had its effect".to_owned(),
        all => format!("when {done} of the {all} files were changed that it wanted to change"),
    };
    Failure::Failed(format!(
        "the program was interrupted while this call ran, {known}; look before you do it again"
    ))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn not_run() -> Failure {
    Failure::Failed("not run: the iteration has ended".to_owned())
}

fn cut(tokens: u64) -> Failure {
    Failure::Invalid {
        field: String::new(),
        message: format!(
            "your call was cut at {tokens} tokens, the most that one turn can have; write long contents in several \
             calls"
        ),
    }
}

fn answer(call: &ToolCall, result: CallResult) -> Vec<Part> {
    let is_error = result.is_err();
    let (content, attachments) = match result {
        Ok(output) => (output.text, output.attachments),
        Err(failure) => (failure.to_string(), Vec::new()),
    };
    let result = ToolResult { id: call.id.clone(), name: call.name.clone(), content, is_error };
    let mut parts = vec![Part::ToolResult(result)];
    parts.extend(attachments.into_iter().map(Part::Attachment));
    parts
}
