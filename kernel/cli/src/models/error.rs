//! Why there is no model to do the work.

use crate::{error::CommandError, exit::Exit, suggest};

/// Why a model or a provider cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelsError {
    /// Nothing is connected.
    #[error(
        "no provider is connected: none of {} is set, there is no key file in the credentials \
         directory and the configuration names no provider that can be used",
        variables.join(", ")
    )]
    NoProvider {
        /// The variables that were looked for.
        variables: Vec<String>,
        /// The name of the first provider of the catalog.
        first: String,
        /// The names of what other programs keep here and nobody let be read.
        closed: Vec<String>,
    },
    /// The configuration names a component that is not there.
    #[error("`providers.{provider}` needs a component, and there is no provider `{component}`")]
    NoComponent {
        /// The name in the configuration.
        provider: String,
        /// The component that was looked for.
        component: String,
        /// What may have been meant.
        suggestions: Vec<String>,
    },
    /// The configuration says of a login what makes none.
    #[error("`providers.{provider}.login` is no login: {reason}")]
    Login {
        /// The name in the configuration.
        provider: String,
        /// What is wrong.
        reason: String,
    },
    /// Nobody knows the provider.
    #[error("there is no provider `{provider}`")]
    UnknownProvider {
        /// The name that was typed.
        provider: String,
        /// What may have been meant.
        suggestions: Vec<String>,
        /// What there is.
        known: Vec<String>,
    },
    /// The provider is known and has no credential.
    #[error("`{provider}` has no credential")]
    NotConnected {
        /// Its name.
        provider: String,
        /// The variables that were looked for.
        variables: Vec<String>,
        /// The names of other programs' stores that it could take a credential from.
        stores: Vec<String>,
    },
    /// The model is misspelt.
    #[error("`{provider}` has no model `{model}`")]
    UnknownModel {
        /// The provider, or all of them in words.
        provider: String,
        /// The name that was typed.
        model: String,
        /// What may have been meant, as `provider/model`.
        suggestions: Vec<String>,
    },
    /// More than one provider has the model.
    #[error("more than one provider has a model `{model}`")]
    Ambiguous {
        /// The name that was typed.
        model: String,
        /// As `provider/model`.
        candidates: Vec<String>,
    },
    /// The provider has no model of its own choice.
    #[error("`{provider}` does not say which model to use")]
    NoDefault {
        /// Its name.
        provider: String,
    },
}

impl From<ModelsError> for CommandError {
    fn from(error: ModelsError) -> Self {
        let told = Self::new(kind(&error), error.to_string());
        match error {
            ModelsError::NoProvider { variables, first, closed } => {
                let way = |name: &String| {
                    format!(
                        "openkoi connect {name}   (a login of another program is on this machine)"
                    )
                };
                told.hints(closed.iter().map(way)).hints(ways_on(&variables, &first))
            }
            ModelsError::NotConnected { provider, variables, stores } => {
                let other = stores.into_iter().filter(|store| *store != provider);
                told.hints(variables.first().map(|name| format!("export {name}=…")))
                    .hint(format!("openkoi connect {provider}"))
                    .hints(other.map(|store| format!("openkoi connect {store}")))
            }
            ModelsError::NoComponent { suggestions, provider, .. } => told
                .hints(suggest::question(&suggestions))
                .hint(format!("set `component` under [providers.{provider}]")),
            ModelsError::UnknownProvider { suggestions, known, .. } => {
                match suggest::question(&suggestions) {
                    Some(question) => told.hint(question),
                    None => told.hint(format!("there are {}", known.join(", "))),
                }
            }
            ModelsError::UnknownModel { suggestions, provider, model } => {
                told.hints(suggest::question(&suggestions)).hint(format!(
                    "if it is right: models = [\"{model}\"] under [providers.{provider}]"
                ))
            }
            ModelsError::Ambiguous { candidates, .. } => {
                told.hints(candidates.iter().map(|name| format!("-m {name}")))
            }
            ModelsError::Login { .. } => told,
            ModelsError::NoDefault { provider } => told.hint(format!("-m {provider}/MODEL")),
        }
    }
}

fn kind(error: &ModelsError) -> Exit {
    match error {
        ModelsError::NoProvider { .. } | ModelsError::NotConnected { .. } => Exit::Credentials,
        ModelsError::NoComponent { .. } | ModelsError::Login { .. } => Exit::Configuration,
        _ => Exit::Usage,
    }
}

fn ways_on(variables: &[String], first: &str) -> Vec<String> {
    let variable = variables.first().map(|name| format!("export {name}=…"));
    let others = [
        format!("openkoi connect {first}"),
        "openkoi demo   (shows the loop offline, with a scripted model)".to_owned(),
    ];
    variable.into_iter().chain(others).collect()
}
