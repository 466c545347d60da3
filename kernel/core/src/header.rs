//! What can stand in a header of HTTP.

/// Tells whether `name` can be the name of a header: letters, digits and `-`, at most 64.
#[must_use]
pub fn is_header_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Tells whether `text` is one line of printable ASCII, so that it can be the value of a header.
#[must_use]
pub fn is_line(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}
