//! `model`: one turn of a model, by role, paid from the task's budget.

use openkoi_core::{capability::Use, message::Role};

use super::{Answered, Stop, settle};
use crate::{
    bindings::imports::openkoi::{
        host::model::{Host, Prompt},
        types::conversation::Completion,
    },
    convert,
    instance::Call,
};

impl Host for Call {
    async fn complete(&mut self, role: String, prompt: Prompt) -> Answered<Completion> {
        settle(self.complete_turn(role, prompt).await)
    }
}

impl Call {
    async fn complete_turn(&mut self, role: String, prompt: Prompt) -> Result<Completion, Stop> {
        self.charge(convert::weight(&prompt))?;
        let run = self.pass(&Use::Model(&role)).await?;
        let mut prompt = convert::prompt(prompt)?;
        // The manifest's ceiling holds whatever the component asks for now.
        prompt.max_tokens = match (prompt.max_tokens, run.max_tokens) {
            (Some(asked), Some(most)) => Some(asked.min(most)),
            (asked, most) => asked.or(most),
        };
        let turn = run.scope.turns.turn(Role(role), prompt).await?;
        let completion = convert::completion(turn);
        self.charge_bytes(convert::parts_weight(&completion.parts))?;
        Ok(completion)
    }
}
