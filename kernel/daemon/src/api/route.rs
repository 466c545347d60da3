//! What a route is: where it lies, what it takes, what it gives, and who answers.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use axum::{
    body::Body,
    extract::Query,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    bodies::{SchemaOf, Wanted},
    problem::Problem,
    shared::Api,
};

/// An answer that is being made.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// One route of the API.
pub(crate) struct Route {
    /// Its method.
    pub(crate) method: Method,
    /// Its path, with parameters in braces.
    pub(crate) path: &'static str,
    /// Its name, for generated clients.
    pub(crate) name: &'static str,
    /// What it does, in one sentence.
    pub(crate) summary: &'static str,
    /// The schema of its query, if it has one.
    pub(crate) query: Option<SchemaOf>,
    /// What its body has to be, if it takes one.
    pub(crate) body: Option<Wanted>,
    /// The status of a success.
    pub(crate) status: StatusCode,
    /// The media types of a success, each with its schema.
    pub(crate) gives: Vec<(&'static str, SchemaOf)>,
    /// The statuses of its own problems.
    pub(crate) problems: &'static [u16],
    /// True if a client may name what it sends, so that it is done once.
    pub(crate) is_keyed: bool,
    /// True if a client may wait for what it submits, and say how long.
    pub(crate) is_awaited: bool,
    /// True if the answer takes a while to make: it is made on a thread of its own, and other calls go on.
    pub(crate) is_apart: bool,
    /// True if anybody may call it.
    pub(crate) is_open: bool,
    /// Who answers.
    pub(crate) answer: fn(Arc<Api>, Call) -> Answering,
}

/// A call of a route, with what came over the wire.
#[derive(Debug)]
pub(crate) struct Call {
    /// The parameters of its path.
    pub(crate) path: BTreeMap<String, String>,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// The body, checked against the schema of its route; null if it takes none.
    pub(crate) body: Value,
}

impl Call {
    /// Returns the id in the path.
    pub(crate) fn id(&self) -> &str {
        self.path.get("id").map_or("", String::as_str)
    }

    /// Returns the query as a type. Unknown and repeated parameters are errors.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let query = Query::<T>::try_from_uri(&self.uri);
        query.map(|query| query.0).map_err(|error| Problem::bad(error.body_text()))
    }

    /// Returns the body as a type.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        T::deserialize(&self.body)
            .map_err(|error| Problem::bad(format!("the body cannot be used: {error}")))
    }

    /// Returns a header that is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a call is answered with.
pub(crate) enum Reply {
    /// JSON.
    Json {
        /// The status.
        status: StatusCode,
        /// The document.
        text: String,
        /// Where something new is.
        location: Option<String>,
    },
    /// Events as they happen.
    Events(Body),
}

impl Reply {
    /// Returns a value as JSON.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, Problem> {
        Self::with(StatusCode::OK, value, None)
    }

    /// Returns a value as JSON with this status, and where what is new is found.
    pub(crate) fn with(
        status: StatusCode,
        value: &impl Serialize,
        location: Option<String>,
    ) -> Result<Self, Problem> {
        Ok(Self::Json { status, text: text_of(value)?, location })
    }
}

/// Returns a value as the text of an answer.
pub(crate) fn text_of(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
