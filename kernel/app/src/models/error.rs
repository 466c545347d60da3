//! Errors of the choice of providers and models.

/// Why a model or a provider cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelsError {
    /// No provider is connected.
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
        /// The names of stores of other programs that lack the user's consent.
        closed: Vec<String>,
    },
    /// The configuration names a component that is not there.
    #[error(
        "`providers.{provider}` needs a component, and there is none `{component}`; there are: {}",
        known.join(", ")
    )]
    NoComponent {
        /// The name in the configuration.
        provider: String,
        /// The component that was looked for.
        component: String,
        /// The components that there are.
        known: Vec<String>,
        /// Names that may have been meant.
        suggestions: Vec<String>,
    },
    /// The configuration of a login is not complete or not valid.
    #[error("`{table}` is not a login: {reason}")]
    Login {
        /// The table of the configuration.
        table: String,
        /// A description of what is wrong.
        reason: String,
    },
    /// The configuration has an account of a component that is not there, or takes no credential.
    #[error(
        "`accounts.{account}` needs a component with credentials, and there is none `{component}`"
    )]
    NoAccountComponent {
        /// The name of the account.
        account: String,
        /// The component that was looked for.
        component: String,
        /// Names that may have been meant.
        suggestions: Vec<String>,
    },
    /// A component is to use an account that it does not have.
    #[error(
        "`component.{component}.account` names `{account}`, which is no account of it; there are: {}",
        known.join(", ")
    )]
    NoAccount {
        /// The component.
        component: String,
        /// The account that was looked for.
        account: String,
        /// The accounts that it has.
        known: Vec<String>,
    },
    /// Neither the catalog nor the configuration has the provider.
    #[error("there is no provider `{provider}`")]
    UnknownProvider {
        /// The name that was typed.
        provider: String,
        /// Names that may have been meant.
        suggestions: Vec<String>,
        /// The names of all providers.
        known: Vec<String>,
    },
    /// The provider is known and has no credential.
    #[error("`{provider}` has no credential")]
    NotConnected {
        /// The name of the provider.
        provider: String,
        /// The variables that were looked for.
        variables: Vec<String>,
        /// The names of other programs' stores from which it could take a credential.
        stores: Vec<String>,
    },
    /// The model is misspelt.
    #[error("`{provider}` has no model `{model}`")]
    UnknownModel {
        /// The provider, or all of them in words.
        provider: String,
        /// The name that was typed.
        model: String,
        /// Models that may have been meant, as `provider/model`.
        suggestions: Vec<String>,
        /// The first models that there are, as `provider/model`, where none may have been meant.
        known: Vec<String>,
    },
    /// More than one provider has the model.
    #[error("more than one provider has a model `{model}`")]
    Ambiguous {
        /// The name that was typed.
        model: String,
        /// The models with this name, as `provider/model`.
        candidates: Vec<String>,
    },
    /// No model is named, and the provider has no default.
    #[error("`{provider}` does not say which model to use")]
    NoDefault {
        /// The name of the provider.
        provider: String,
    },
}
