//! Programs that go on in the background: what they changed comes in when they end, and the model is told when they have.

use super::{conversation::Conversation, halt::Halt, prompt, state::Run};
use crate::{
    effects::EffectLog,
    event::Event,
    fact,
    message::{Message, Part, Speaker},
    toolbox::EndedProgram,
};

impl Run {
    /// Ends the programs that an iteration left running, and takes in what they changed: nothing is judged that can still
    /// change, and nothing is lost where the iteration was cut short.
    ///
    /// What a program changed is recorded with the call that started it. What anybody else changed since is not among it, so
    /// that the order of the two makes no difference.
    pub(super) async fn end_programs<T>(&mut self, worked: Result<T, Halt>) -> Result<T, Halt> {
        let toolbox = self.ports.toolbox.clone();
        let task = self.task.id.clone();
        let ended = toolbox.end_programs(&task).await;
        for EndedProgram { key, held } in ended {
            let log = EffectLog::new(self.recorder.clone(), &key);
            let made = match &worked {
                Ok(_) => self.let_through(&key, &log, held).await.map(drop),
                Err(_) => self.let_through_cut(&key, &log, held).await,
            };
            self.keep(&key, log.take())?;
            made?;
        }
        // A replay comes here with the changes and without the programs.
        if worked.is_ok() && self.baseline.is_none() && !self.changes.is_empty() {
            self.ensure_baseline().await?;
        }
        worked
    }

    /// Tells the model before its next turn that its programs have ended, if they have without its knowledge: the work was
    /// looked at since, or the task was interrupted.
    pub(super) fn tell_of_programs(
        &mut self,
        key: &str,
        conversation: &mut Conversation,
    ) -> Result<(), Halt> {
        let known = self.recorder.recall(key).map(|fact::ProgramsGone { programs }| programs);
        let is_asked = self.recorder.place::<fact::TurnStarted>(key).is_some();
        let are_gone = || {
            let is_now = self.recorder.is_live() && !is_asked && !self.running.is_empty();
            is_now && !self.ports.toolbox.has_programs(&self.task.id)
        };
        let gone = match known {
            None if are_gone() => self.running.clone(),
            None => return Ok(()),
            Some(programs) => programs,
        };
        self.running.clear();
        self.recorder.record(key, Event::ProgramsGone { programs: gone.clone() })?;
        let told = Part::Text(prompt::programs_gone(&gone));
        match conversation.messages.last_mut() {
            Some(last) if last.speaker == Speaker::User => last.parts.push(told),
            _ => conversation.push(Message { speaker: Speaker::User, parts: vec![told] }),
        }
        Ok(())
    }
}
