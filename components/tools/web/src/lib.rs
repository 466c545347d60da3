//! Reads pages of the web: HTML as readable text, JSON set out in lines, other text as it is.
//!
//! Only `GET`, and only through the host, which decides what may be reached, follows redirects and pins
//! addresses. What comes back is somebody else's text.

mod address;
mod charset;
mod html;
mod json;
mod page;
mod table;
mod writer;

use openkoi_sdk::{Failure, Result, http::Request, progress, tool::Output, tools};

/// The most of a body that is read.
const MAX_BODY: usize = 2 * 1024 * 1024;
const ACCEPT: &str =
    "text/html,application/xhtml+xml,text/markdown,text/plain,application/json;q=0.9,*/*;q=0.5";

tools! { "fetch_page" => |page: FetchPage, _| fetch(&page) }

#[openkoi_sdk::arguments]
struct FetchPage {
    url: String,
    // 20000 if left out.
    #[serde(default)]
    max_chars: Option<usize>,
    /// Characters to pass over.
    #[serde(default)]
    start: usize,
}

fn fetch(arguments: &FetchPage) -> Result<Output> {
    let url = checked(&arguments.url)?;
    progress::report(&format!("reading {url}"));
    let response = Request::get(url).header("accept", ACCEPT).send()?;
    let content_type = response.header("content-type").unwrap_or_default();
    let (status, url) = (response.status, response.url);
    let (body, complete) = response.body.read_up_to(MAX_BODY)?;
    let fetched = page::Fetched { status, url, content_type, body, complete };
    page::show(&fetched, arguments.start, arguments.max_chars)
}

/// The part after `#` never leaves a browser either.
fn checked(url: &str) -> Result<&str> {
    let url = url.trim();
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https") => Ok(url.split('#').next().unwrap_or(url)),
        Some(other) => Err(Failure::invalid(
            "/url",
            format!("`{other}` addresses cannot be read, only http and https"),
        )),
        None => Err(Failure::invalid(
            "/url",
            format!("give the whole address, for example `https://{url}`"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_addresses_of_the_web_are_read() {
        assert_eq!(checked(" HTTPS://example.com/a?b#c").unwrap(), "HTTPS://example.com/a?b");
        assert_eq!(
            checked("file:///etc/passwd").unwrap_err().to_string(),
            "`/url`: `file` addresses cannot be read, only http and https"
        );
        assert_eq!(
            checked("example.com").unwrap_err().to_string(),
            "`/url`: give the whole address, for example `https://example.com`"
        );
    }
}
