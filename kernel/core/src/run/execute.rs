//! Execution: the model works with the tools until it says that it is done.

use super::{
    context,
    halt::{Halt, Paused},
    meter::TurnReply,
    prompt,
    state::Run,
};
use crate::{
    message::{Message, OfferedTool, Part, Prompt, Role, Speaker, StopReason, ToolChoice, Turn},
    model::ModelError,
};

/// Most turns in one iteration that may be empty or cut.
const MOST_NUDGES: u32 = 2;

impl Run {
    /// Returns the conversation as an executor finds it at the beginning.
    pub(super) fn opening(&self) -> Vec<Message> {
        let mut messages = self.task.history.clone();
        let task = &self.task.text;
        messages.push(Message::user(if self.task.settings.plan {
            prompt::opening(task, &self.overview, &self.contract, &self.baseline)
        } else {
            task.clone()
        }));
        messages
    }

    /// Lets the model work, and returns its last words.
    pub(super) async fn execute(
        &mut self,
        number: u32,
        conversation: &mut Vec<Message>,
    ) -> Result<String, Halt> {
        let mut nudges = 0;
        for round in 0.. {
            let key = format!("i{number}/t{round}");
            self.meter.check_time(&key)?;
            let last = round >= self.task.settings.max_tool_rounds;
            if last {
                conversation.push(Message::user(prompt::LAST_ROUND));
            }
            let turn = self.executor_turn(&key, conversation, last).await?;
            conversation.push(Message::assistant(turn.parts.clone()));
            if !turn.calls().is_empty() && !last {
                let results = self.answer_calls(&key, &turn).await?;
                conversation.push(Message { speaker: Speaker::User, parts: results });
                continue;
            }
            let nudge = nudge(&turn).filter(|_| nudges < MOST_NUDGES && !last);
            let Some(nudge) = nudge else { return Ok(turn.text()) };
            nudges += 1;
            conversation.push(Message::user(nudge));
        }
        Ok(String::new())
    }

    async fn answer_calls(&mut self, key: &str, turn: &Turn) -> Result<Vec<Part>, Halt> {
        let mut results = Vec::new();
        for (index, call) in turn.calls().into_iter().enumerate() {
            let key = format!("{key}/c{index}");
            results.extend(self.call(&key, call).await?);
        }
        Ok(results)
    }

    /// Asks for a turn; a conversation that turns out too long is pruned hard and sent once more.
    async fn executor_turn(
        &self,
        key: &str,
        conversation: &mut Vec<Message>,
        last: bool,
    ) -> Result<Turn, Halt> {
        let role = Role::new(Role::EXECUTOR);
        let room = context::room(&self.meter.card(&role));
        context::prune(conversation, room);
        match self.meter.turn(key, &role, self.executor_prompt(conversation, last)).await? {
            TurnReply::Complete(turn) => Ok(turn),
            TurnReply::Overflow(error) => {
                self.after_overflow(key, &role, conversation, last, error).await
            }
        }
    }

    async fn after_overflow(
        &self,
        key: &str,
        role: &Role,
        conversation: &mut Vec<Message>,
        last: bool,
        error: ModelError,
    ) -> Result<Turn, Halt> {
        let weight: usize = conversation.iter().map(Message::weight).sum();
        let mut error = error;
        for (round, share) in [2, 4].into_iter().enumerate() {
            context::prune(conversation, weight / share);
            let key = format!("{key}/pruned{round}");
            match self.meter.turn(&key, role, self.executor_prompt(conversation, last)).await? {
                TurnReply::Complete(turn) => return Ok(turn),
                TurnReply::Overflow(still) => error = still,
            }
        }
        Err(Halt::Paused(Paused::Model(error)))
    }

    fn executor_prompt(&self, conversation: &[Message], last: bool) -> Prompt {
        Prompt {
            system: prompt::with_instructions(prompt::EXECUTOR, &self.instructions),
            messages: conversation.to_vec(),
            tools: self.offered(),
            tool_choice: if last { ToolChoice::None } else { ToolChoice::Automatic },
            ..Prompt::default()
        }
    }

    fn offered(&self) -> Vec<OfferedTool> {
        let offered = self.tools.iter().map(|tool| OfferedTool {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        });
        offered.collect()
    }
}

/// Returns the message to a model that stopped without having finished.
fn nudge(turn: &Turn) -> Option<&'static str> {
    match turn.stop {
        StopReason::Length => Some(prompt::GO_ON),
        StopReason::Paused => Some("Go on."),
        _ if turn.text().trim().is_empty() => Some(prompt::NOTHING_SAID),
        _ => None,
    }
}
