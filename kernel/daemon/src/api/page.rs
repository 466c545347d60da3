//! The web page: plain modules that lie in the program as they are written, and call the API like any other client.
//!
//! What a browser may do with them is said by headers: it runs and loads what comes from here, and nothing else.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

/// The methods of each file.
pub(crate) const METHODS: &str = "GET, HEAD, OPTIONS";

/// What a browser lets the page do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// A file of the page.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path.
    pub(crate) path: &'static str,
    /// Its text.
    pub(crate) text: &'static str,
    media_type: &'static str,
}

impl File {
    /// Returns the file as it is sent, with this name for its text.
    pub(crate) fn response(&self, tag: Option<HeaderValue>) -> Response {
        let mut response = Response::new(Body::from(self.text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.extend(tag.map(|tag| (header::ETAG, tag)));
        headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
        response
    }
}

macro_rules! files {
    ($($path:literal: $name:literal, $media_type:expr;)*) => {
        &[$(File { path: $path, text: include_str!(concat!("../page/", $name)), media_type: $media_type }),*]
    };
    (modules: $($name:literal)*) => {
        &[$(File {
            path: concat!("/page/", $name),
            text: include_str!(concat!("../page/", $name)),
            media_type: "text/javascript; charset=utf-8",
        }),*]
    };
}

static DOCUMENTS: &[File] = files! {
    "/": "index.html", "text/html; charset=utf-8";
    "/page/style.css": "style.css", "text/css; charset=utf-8";
    "/page/icon.svg": "icon.svg", "image/svg+xml";
};

static MODULES: &[File] = files! { modules:
    "api.js" "chart.js" "costs.js" "diff.js" "document.js" "dom.js" "fold.js" "format.js" "knowledge.js" "main.js"
    "node.js" "questions.js" "sessions.js" "sse.js" "start.js" "task.js" "tasks.js"
};

/// Returns all files of the page.
pub(crate) fn files() -> impl Iterator<Item = &'static File> {
    DOCUMENTS.iter().chain(MODULES)
}
