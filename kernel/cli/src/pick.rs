//! The picker of models.

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
/// A usage error that names them where there is no terminal, and whatever keeps them from being known.
pub fn pick(context: &Context, settings: &Settings) -> Result<String, CommandError> {
    let mut connections = context.connections(settings)?;
    // What is configured as a model is not what is asked for now.
    let unnamed = settings.without_models();
    probe(&context.app, &unnamed, &mut connections)?;
    let catalogue = context.catalogue(&connections)?;
    let choices = choices(&connections, &catalogue);
    if choices.is_empty() {
        // Says what was looked for, and how to go on.
        connections.routes(&unnamed, &catalogue)?;
    }
    context.prompt.pick("model", "-m", &choices)
}

/// Returns the models that answer and call tools, or are not known not to; of each connection its own choice first.
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

/// Returns what matters for a choice, in a few words.
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
