//! `model`: one turn of a model, by role, charged to the task's budget.

use openkoi_core::{capability::Use, message::Role};

use super::{Stop, WitResult, wit_result};
use crate::{
    bindings::imports::openkoi::{
        host::model::{Host, Prompt},
        types::conversation::Completion,
    },
    convert,
    instance::GuestState,
};

impl Host for GuestState {
    async fn complete(&mut self, role: String, prompt: Prompt) -> WitResult<Completion> {
        wit_result(self.complete_turn(role, prompt).await)
    }
}

impl GuestState {
    async fn complete_turn(&mut self, role: String, prompt: Prompt) -> Result<Completion, Stop> {
        self.charge(convert::weight(&prompt))?;
        let caller = self.pass(&Use::Model(&role)).await?;
        let mut prompt = convert::prompt(prompt)?;
        // The grant's ceiling applies, whatever the component asks for.
        let ceiling = caller.grant.roles.get(&role).copied().flatten();
        prompt.max_tokens = match (prompt.max_tokens, ceiling) {
            (Some(asked), Some(most)) => Some(asked.min(most)),
            (asked, most) => asked.or(most),
        };
        let turn = caller.scope.turns.turn(Role(role), prompt).await?;
        let completion = convert::completion(turn);
        self.charge_bytes(convert::parts_weight(&completion.parts))?;
        Ok(completion)
    }
}
