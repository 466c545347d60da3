//! Execution: the model works with the tools until it says that it is done.

use serde_json::Value;

use super::{
    context,
    conversation::Conversation,
    halt::{Halt, Paused},
    meter::TurnReply,
    plan, prompt,
    state::Run,
};
use crate::{
    event::Event,
    fact,
    message::{Message, OfferedTool, Part, Prompt, Role, Speaker, StopReason, ToolChoice, Turn},
    model::{ModelError, ModelTrouble},
};

/// Most turns in one iteration that may say nothing.
const MOST_SILENT: u32 = 2;

/// Most turns in which one answer may go on.
const MOST_CUT: u32 = 8;

/// Most tokens of the summary of turns that a conversation loses.
const SUMMARY_TOKENS: u32 = 1_500;

/// Number of rounds before the last one at which the model is told that they run out.
const NEAR: u32 = 10;

impl Run {
    /// Returns the conversation as an executor finds it at the beginning.
    pub(super) fn opening(&self) -> Conversation {
        let mut messages = self.task.history.clone();
        let opening = messages.len();
        let (task, earlier) = (&self.task.text, &self.task.earlier);
        let mut asked = Message::user(if self.task.settings.plan {
            let baseline = self.baseline.as_deref().unwrap_or(&[]);
            let opening = prompt::opening(
                task,
                &self.overview,
                &self.contract,
                baseline,
                earlier,
                &self.notes,
            );
            format!("{opening}{}{}", prompt::directive(&self.directive), self.told)
        } else {
            let none = crate::contract::Contract::none();
            prompt::opening(task, &self.overview, &none, &[], earlier, &self.notes)
        });
        asked.parts.extend(self.task.attachments.iter().cloned().map(Part::Attachment));
        messages.push(asked);
        Conversation { messages, opening }
    }

    /// Lets the model work, and returns its last words.
    pub(super) async fn execute(
        &mut self,
        number: u32,
        conversation: &mut Conversation,
    ) -> Result<String, Halt> {
        let most = self.task.settings.max_tool_rounds;
        let (mut silent, mut cut) = (0, 0);
        self.said.clear();
        self.repeats.clear();
        self.ended = None;
        self.cut_short = None;
        for round in 0.. {
            let key = format!("i{number}/t{round}");
            self.meter.check_time(&key)?;
            let last = round >= most || self.ended.is_some();
            if last {
                self.cut_short = self.ended.clone().or_else(|| Some(prompt::rounds_used(most)));
                conversation.push(Message::user(prompt::last_round(self.ended.as_deref())));
            }
            self.tell_of_programs(&key, conversation)?;
            let turn = self.executor_turn(&key, conversation, last).await?;
            conversation.push(Message::assistant(turn.parts.clone()));
            if !turn.calls().is_empty() && !last {
                self.said.clear();
                let mut results = self.answer_calls(&key, &turn).await?;
                if round + NEAR == most && most > NEAR {
                    results.push(Part::Text(prompt::rounds_left(NEAR)));
                }
                results.extend(self.steer(number, round)?.map(Part::Text));
                conversation.push(Message { speaker: Speaker::User, parts: results });
                continue;
            }
            self.said.push_str(&turn.text());
            self.withheld = withheld(&turn);
            let (nudge, count, most) = match &turn.stop {
                StopReason::Length => (prompt::GO_ON, &mut cut, MOST_CUT),
                StopReason::Paused => ("Go on.", &mut cut, MOST_CUT),
                _ => (prompt::NOTHING_SAID, &mut silent, MOST_SILENT),
            };
            *count += 1;
            if last || *count > most || is_finished(&turn) {
                break;
            }
            conversation.push(Message::user(nudge));
        }
        let said = std::mem::take(&mut self.said);
        self.in_form(number, conversation, said).await
    }

    /// Asks once more for a result that does not have its form. Nothing but the result can be answered now, and a
    /// provider that cannot hold a model with tools to a schema holds it to this one.
    async fn in_form(
        &mut self,
        number: u32,
        conversation: &mut Conversation,
        said: String,
    ) -> Result<String, Halt> {
        let key = format!("i{number}/form");
        let Some(misfit) = self.open_misfit(number, &key, &said) else { return Ok(said) };
        let asked = prompt::in_form(&misfit);
        self.recorder.record(&key, Event::ResultAsked { misfit })?;
        conversation.push(Message::user(asked));
        let turn = match self.executor_turn(&key, conversation, true).await {
            Ok(turn) => turn,
            Err(halt) => {
                // What was said stays the answer.
                self.said = said;
                return Err(halt);
            }
        };
        conversation.push(Message::assistant(turn.parts.clone()));
        let text = turn.text();
        Ok(if text.trim().is_empty() { said } else { text })
    }

    /// Returns what an answer lacks of its form, if it has not been looked at yet.
    fn open_misfit(&self, number: u32, key: &str, said: &str) -> Option<String> {
        if let Some(fact::ResultAsked { misfit }) = self.recorder.recall(key) {
            return Some(misfit);
        }
        let is_over = self.recorder.place::<fact::ResultChecked>(&format!("i{number}")).is_some();
        let is_none = said.trim().is_empty() || self.withheld.is_some();
        if is_over || is_none || !self.recorder.is_live() {
            return None;
        }
        self.ports.result.as_ref()?.check(said).err()
    }

    /// Returns what the person said since the turn before, for the next one. A next turn that the journal holds was asked
    /// without anything else.
    fn steer(&mut self, number: u32, round: u32) -> Result<Option<String>, Halt> {
        let (key, next) = (format!("i{number}/t{round}"), format!("i{number}/t{}", round + 1));
        let known = self.recorder.recall(&key).map(|fact::TaskSteered { text }| text);
        let is_asked = self.recorder.place::<fact::TurnStarted>(&next).is_some();
        let said = match (known, &self.ports.steering) {
            (None, Some(person)) if self.recorder.is_live() && !is_asked => person.take(),
            (known, _) => known,
        };
        let Some(text) = said else { return Ok(None) };
        self.recorder.record(&key, Event::TaskSteered { text: text.clone() })?;
        self.steered.push(text.clone());
        Ok(Some(prompt::steered(&text)))
    }

    /// Asks for a turn; a conversation that turns out too long is pruned hard and sent once more.
    async fn executor_turn(
        &mut self,
        key: &str,
        conversation: &mut Conversation,
        last: bool,
    ) -> Result<Turn, Halt> {
        let role = Role::new(Role::EXECUTOR);
        let room = context::room(&self.meter.card(&role));
        self.shorten(key, conversation, room).await?;
        match self.try_with_schema(key, &role, conversation, last).await? {
            TurnReply::Complete(turn) => Ok(turn),
            TurnReply::Overflow(error) => {
                self.after_overflow(key, &role, conversation, last, error).await
            }
        }
    }

    /// Asks for a turn whose answer the provider holds to the schema of the result. One that refuses the schema is asked
    /// without it, now and for the rest of the run.
    async fn try_with_schema(
        &mut self,
        key: &str,
        role: &Role,
        conversation: &mut Conversation,
        last: bool,
    ) -> Result<TurnReply, Halt> {
        if let Some(fact::SchemaRefused {}) = self.recorder.recall(key) {
            self.meter.count_failed_attempts(key, role);
        } else {
            let prompt = self.executor_prompt(&conversation.messages, last);
            if prompt.schema.is_none() {
                return self.try_turn(key, role, conversation, last).await;
            }
            let error = match self.meter.turn(key, role, prompt).await {
                Err(Halt::Paused(Paused::Model(error))) if error.kind == ModelTrouble::Invalid => {
                    error
                }
                other => return other,
            };
            self.recorder.record(key, Event::SchemaRefused { reason: error.message })?;
        }
        self.schema_refused = true;
        self.try_turn(&format!("{key}/open"), role, conversation, last).await
    }

    /// Asks for a turn. What the provider refuses to look at goes back to the model in words, once.
    async fn try_turn(
        &self,
        key: &str,
        role: &Role,
        conversation: &mut Conversation,
        last: bool,
    ) -> Result<TurnReply, Halt> {
        if let Some(fact::PromptReduced { reason }) = self.recorder.recall(key) {
            self.meter.count_failed_attempts(key, role);
            context::in_words(&mut conversation.messages, &reason);
            return self.words_turn(key, role, conversation, last).await;
        }
        let asked = self.meter.turn(key, role, self.executor_prompt(&conversation.messages, last));
        let error = match asked.await {
            Err(Halt::Paused(Paused::Model(error))) if error.kind == ModelTrouble::Invalid => error,
            other => return other,
        };
        if !context::in_words(&mut conversation.messages, &error.message) {
            return Err(Halt::Paused(Paused::Model(error)));
        }
        self.recorder.record(key, Event::PromptReduced { reason: error.message })?;
        self.words_turn(key, role, conversation, last).await
    }

    async fn words_turn(
        &self,
        key: &str,
        role: &Role,
        conversation: &Conversation,
        last: bool,
    ) -> Result<TurnReply, Halt> {
        let prompt = self.executor_prompt(&conversation.messages, last);
        self.meter.turn(&format!("{key}/words"), role, prompt).await
    }

    /// Shortens a conversation. Turns that it loses are summed up before the present question.
    async fn shorten(
        &self,
        key: &str,
        conversation: &mut Conversation,
        room: usize,
    ) -> Result<(), Halt> {
        let gone = context::prune(conversation, room);
        if gone.is_empty() {
            return Ok(());
        }
        let request = Prompt {
            system: prompt::SUMMARY.to_owned(),
            messages: vec![Message::user(prompt::to_sum_up(&context::record(&gone)))],
            max_tokens: Some(SUMMARY_TOKENS),
            ..Prompt::default()
        };
        let key = format!("{key}/summary");
        // A record that is too long for that model is worth no more requests.
        let reply = self.meter.turn(&key, &Role::new(Role::SMALL), request).await?;
        let TurnReply::Complete(turn) = reply else { return Ok(()) };
        if !turn.text().trim().is_empty() {
            let summary = Message::user(prompt::summed_up(&turn.text()));
            conversation.messages.insert(conversation.opening, summary);
            conversation.opening += 1;
        }
        Ok(())
    }

    async fn after_overflow(
        &self,
        key: &str,
        role: &Role,
        conversation: &mut Conversation,
        last: bool,
        error: ModelError,
    ) -> Result<Turn, Halt> {
        let weight: usize = conversation.messages.iter().map(Message::weight).sum();
        let mut error = error;
        for (round, share) in [2, 4].into_iter().enumerate() {
            let key = format!("{key}/pruned{round}");
            self.shorten(&key, conversation, weight / share).await?;
            let prompt = self.executor_prompt(&conversation.messages, last);
            match self.meter.turn(&key, role, prompt).await? {
                TurnReply::Complete(turn) => return Ok(turn),
                TurnReply::Overflow(still) => error = still,
            }
        }
        Err(Halt::Paused(Paused::Model(error)))
    }

    fn executor_prompt(&self, messages: &[Message], last: bool) -> Prompt {
        Prompt {
            system: prompt::with_instructions(prompt::EXECUTOR, &self.instructions),
            messages: messages.to_vec(),
            tools: self.offered(),
            tool_choice: if last { ToolChoice::None } else { ToolChoice::Automatic },
            schema: self.schema(),
            ..Prompt::default()
        }
    }

    /// Returns the schema that the provider is to hold an answer to. The rest of an answer that was cut has none of its
    /// own, and `true` says nothing.
    fn schema(&self) -> Option<Value> {
        let schema = self.ports.result.as_ref().map(|result| result.schema());
        let wanted = schema.filter(|schema| schema.is_object());
        wanted.filter(|_| self.said.is_empty() && !self.schema_refused).cloned()
    }

    fn offered(&self) -> Vec<OfferedTool> {
        let offered = self.tools.iter().map(|tool| OfferedTool {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        });
        let plan = (self.plans() && !self.has_planner()).then(plan::plan_tool);
        let mut offered: Vec<OfferedTool> = offered.chain(plan).collect();
        offered.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        offered
    }
}

/// Returns the reason for which a provider withheld an answer.
fn withheld(turn: &Turn) -> Option<String> {
    match &turn.stop {
        StopReason::Filtered => Some("the provider's filter cut the answer off".to_owned()),
        StopReason::Refused => Some("the model refused to answer".to_owned()),
        _ => None,
    }
}

/// Returns whether the model has said what it wanted to say, or will not.
fn is_finished(turn: &Turn) -> bool {
    match turn.stop {
        StopReason::Length | StopReason::Paused => false,
        StopReason::Filtered | StopReason::Refused => true,
        _ => !turn.text().trim().is_empty(),
    }
}
