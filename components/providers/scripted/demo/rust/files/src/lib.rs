//! Names for web pages.

/// Turns a title into the part of an address that names the page: lower case, words joined by one hyphen.
pub fn slugify(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}
