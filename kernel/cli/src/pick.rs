//! The picker of models, for `-m ?` and `/model`.

use openkoi_app::{
    models::{Catalogue, Connections, Facts, probe},
    settings::Settings,
};

use crate::{
    context::Context,
    error::CommandError,
    output::{Choice, count},
};

/// Lets the person pick one of the models that are connected.
///
/// # Errors
///
/// A usage error with the names of the models when there is no terminal, or the reason why they are
/// not known.
pub(crate) fn pick(context: &Context, settings: &Settings) -> Result<String, CommandError> {
    let mut connections = context.connections(settings)?;
    // The configured models do not matter here, because the person picks one now.
    let unnamed = settings.without_models();
    probe(&context.app, &unnamed, &mut connections)?;
    let catalogue = context.catalogue(&connections)?;
    let choices = choices(&connections, &catalogue);
    if choices.is_empty() {
        // The error of this says what was looked for, and how to go on.
        connections.routes(&unnamed, &catalogue)?;
    }
    context.questions.pick("model", "-m", &choices)
}

/// Returns the models that may answer and call tools. The default model of each connection comes
/// first.
fn choices(connections: &Connections, catalogue: &Catalogue) -> Vec<Choice> {
    let mut choices = Vec::new();
    for connection in &connections.ready {
        let mut models = connection.models(catalogue);
        models.retain(|(_, facts)| !facts.embeds && facts.tools != Some(false));
        let own = connection.default_model.as_deref();
        models.sort_by_key(|(model, _)| Some(*model) != own);
        choices.extend(models.into_iter().map(|(model, facts)| Choice {
            argument: connection.route_to(model).to_string(),
            description: described(&facts),
        }));
    }
    choices
}

/// Returns the facts that matter for a choice, in a few words.
fn described(facts: &Facts) -> String {
    let mut words = Vec::new();
    words.extend(facts.context.map(|tokens| format!("reads {}", count(tokens))));
    words.extend(facts.input_price.zip(facts.output_price).map(|(input, output)| {
        if input + output > 0.0 {
            format!("${input}/${output} per million")
        } else {
            "free".to_owned()
        }
    }));
    words.extend((facts.reasoning == Some(true)).then(|| "reasons".to_owned()));
    words.extend((facts.images == Some(true)).then(|| "sees".to_owned()));
    words.join(", ")
}

#[cfg(test)]
mod tests;
