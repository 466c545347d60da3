//! Why there is no model to do the work.

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
    #[error("`providers.{provider}.login` is not a login: {reason}")]
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
