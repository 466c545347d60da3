//! Models, learnings, views and settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value::PATH;

/// The models of the connected providers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Models {
    /// The models.
    pub(crate) models: Vec<Model>,
}

/// A model.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Model {
    /// Its name: provider/model.
    pub(crate) id: String,
    /// Its provider.
    pub(crate) provider: String,
    /// The most tokens of a request, if known.
    pub(crate) context: Option<u64>,
    /// The price of a million tokens of a request, if known.
    pub(crate) input_usd: Option<f64>,
    /// The price of a million tokens of an answer, if known.
    pub(crate) output_usd: Option<f64>,
}

/// What is remembered.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Learnings {
    /// The learnings, newest first.
    pub(crate) learnings: Vec<Value>,
}

/// Which learnings are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LearningList {
    /// Only those that hold in this directory.
    pub(crate) workspace: Option<String>,
    /// The most that are returned; 50 if absent.
    #[schemars(range(min = 1, max = 500))]
    pub(crate) limit: Option<u32>,
}

/// The reports that there are.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ViewList {
    /// The reports, each as view and name.
    pub(crate) views: Vec<ViewName>,
}

/// A report of a view.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ViewName {
    /// The view.
    pub(crate) view: String,
    /// The report.
    pub(crate) report: String,
    /// Where it is found.
    pub(crate) url: String,
}

/// What a report is asked with.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ViewQuery {
    /// The directory that it is about.
    #[schemars(regex(pattern = PATH))]
    pub(crate) workspace: Option<String>,
}

/// The settings, as the daemon has them.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Settings {
    /// The settings, in the order of their keys.
    pub(crate) settings: Vec<Setting>,
}

/// A setting.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Setting {
    /// Its key.
    pub(crate) key: String,
    /// Its value; `[hidden]` if it is a secret.
    pub(crate) value: Value,
    /// Where the value comes from: `default`, a file with its line, or a variable.
    pub(crate) origin: String,
    /// True if this version acts on it.
    pub(crate) used: bool,
}
