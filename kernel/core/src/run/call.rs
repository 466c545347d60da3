//! One tool call: counted, let through by the gate, recorded before and after.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    halt::{Halt, Paused},
    meter::{ComponentTurns, Waited},
    prompt,
    state::Run,
};
use crate::{
    effects::EffectLog,
    event::Event,
    failure::Failure,
    gate::{self, Refusal},
    message::{Part, ToolCall, ToolResult},
    outcome::Trip,
    scope::Scope,
    tool::{Effect, Tool, ToolOutput},
    toolbox::PreparedCall,
};

/// Result of a call that goes back to the model, which may read a failure and act on it.
type CallResult = Result<ToolOutput, Failure>;

impl Run {
    /// Runs one call and returns its result as the model reads it.
    pub(super) async fn call(&mut self, key: &str, call: &ToolCall) -> Result<Vec<Part>, Halt> {
        self.meter.check_time(key)?;
        let count = self.count(call);
        if count >= self.task.settings.repeat_stop {
            return Err(Halt::Trip(Trip::Repetition { tool: call.name.clone(), count }));
        }
        let result = match self.recorder.recall(key, "call.finished") {
            Some(Event::CallFinished { result, .. }) => {
                self.prepare_again(key).await?;
                result
            }
            _ => self.perform(key, call).await?,
        };
        let mut parts = answer(call, result);
        if count >= self.task.settings.repeat_warn
            && let Some(Part::ToolResult(result)) = parts.first_mut()
        {
            result.content.push_str(&prompt::repeated(count));
        }
        Ok(parts)
    }

    /// Counts identical calls: same tool, same arguments, whatever their spelling.
    fn count(&mut self, call: &ToolCall) -> u32 {
        let arguments = match serde_json::from_str::<Value>(&call.arguments) {
            Ok(value) => value.to_string(),
            Err(_) => call.arguments.clone(),
        };
        let count = self.repeats.entry((call.name.clone(), arguments)).or_default();
        *count += 1;
        *count
    }

    /// Repeats what a recalled call left behind in the run: its component's turns, and the baseline before it.
    async fn prepare_again(&mut self, key: &str) -> Result<(), Halt> {
        self.meter.replay_component(key);
        // The recorded effect: the model may have written the tool's name in its own way.
        match self.recorder.recall(key, "call.started") {
            Some(Event::CallStarted { effect, .. }) if effect > Effect::Read => {
                self.before_effect(key).await
            }
            _ => Ok(()),
        }
    }

    async fn perform(&mut self, key: &str, call: &ToolCall) -> Result<CallResult, Halt> {
        let (tool, PreparedCall { call, notes }) = match self.checked(call) {
            Ok((tool, prepared)) => (tool.clone(), prepared),
            Err(failure) => return self.finished(key, call, Err(failure), 0),
        };
        let call = &call;
        match self.gate.pass_call(key, &tool, call).await {
            Ok(()) => {}
            Err(Refusal::Denied(failure)) => return self.finished(key, call, Err(failure), 0),
            Err(Refusal::NeedsApproval(request)) => {
                return Err(Halt::Paused(Paused::Approval(request)));
            }
            Err(Refusal::Record(error)) => return Err(error.into()),
        }
        if tool.effect > Effect::Read {
            self.before_effect(key).await?;
        }
        if self.recorder.recall(key, "call.started").is_some() && !tool.idempotent {
            return self.finished(key, call, Err(interrupted()), 0);
        }
        self.recorder.record(key, started(&tool, call))?;
        self.run_tool(key, &tool, call, &notes).await
    }

    async fn run_tool(
        &mut self,
        key: &str,
        tool: &Tool,
        call: &ToolCall,
        notes: &[String],
    ) -> Result<CallResult, Halt> {
        let begun = self.recorder.elapsed_ms();
        // The task's own time is watched from here: a call that outlives it is dropped, not cut short.
        let deadline = Duration::from_millis(tool.deadline_ms);
        let work = self.ports.toolbox.call(call, self.scope(key, deadline));
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
        if let Some(request) = self.gate.waiting() {
            return Err(Halt::Paused(Paused::Approval(request)));
        }
        if let Some(halt) = self.meter.halted() {
            return Err(halt);
        }
        let duration = self.recorder.elapsed_ms().saturating_sub(begun);
        self.finished(key, call, result, duration)
    }

    /// Returns the surroundings of a call or an evaluation.
    pub(super) fn scope(&self, key: &str, deadline: Duration) -> Scope {
        Scope {
            task: self.task.id.clone(),
            key: key.to_owned(),
            deadline,
            gate: self.gate.clone(),
            turns: Arc::new(ComponentTurns::new(self.meter.clone(), key)),
            effects: Arc::new(EffectLog::new(self.recorder.clone(), key)),
        }
    }

    /// Records the untouched tree before the first effect, and the present one before every effect.
    async fn before_effect(&mut self, key: &str) -> Result<(), Halt> {
        self.ensure_baseline().await?;
        self.capture(key)?;
        Ok(())
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Returns the tool of a call that can be run at all, and the call as the tool reads it.
    fn checked(&self, call: &ToolCall) -> Result<(&Tool, PreparedCall), Failure> {
        let prepared = self.ports.toolbox.prepared(call)?;
        let tool = self.tool(&prepared.call.name).ok_or_else(|| {
            let names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
            Failure::NotFound(format!(
                "there is no tool of that name; the tools are {}",
                names.join(", ")
            ))
        })?;
        match serde_json::from_str::<Value>(&prepared.call.arguments) {
            Ok(Value::Object(_)) => Ok((tool, prepared)),
            Ok(_) => Err(Failure::Invalid {
                field: String::new(),
                message: "the arguments must be a JSON object".to_owned(),
            }),
            Err(error) => Err(Failure::Invalid {
                field: String::new(),
                message: format!("the arguments are not valid JSON: {error}"),
            }),
        }
    }

    fn finished(
        &self,
        key: &str,
        call: &ToolCall,
        result: CallResult,
        duration_ms: u64,
    ) -> Result<CallResult, Halt> {
        let event =
            Event::CallFinished { tool: call.name.clone(), result: result.clone(), duration_ms };
        self.recorder.record(key, event)?;
        Ok(result)
    }
}

fn started(tool: &Tool, call: &ToolCall) -> Event {
    Event::CallStarted {
        call: call.clone(),
        effect: tool.effect,
        origin: tool.origin.clone(),
        idempotent: tool.idempotent,
        target: gate::target_of(tool, call),
    }
}

fn interrupted() -> Failure {
    Failure::Failed(
        "the program was interrupted while this call ran, so nobody knows whether it had its effect; \
         look before you do it again"
            .to_owned(),
    )
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
