//! Links as addresses that can be fetched.

/// Returns where `link` leads that stands on the page at `base`, or nothing if it leads nowhere a page is.
pub(crate) fn join(base: &str, link: &str) -> Option<String> {
    let link = link.trim();
    let link = link.split('#').next().unwrap_or(link);
    if link.is_empty() || link.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    if let Some(scheme) = scheme(link) {
        let readable = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "mailto");
        return readable.then(|| link.to_owned());
    }
    let (scheme, rest) = base.split_once("://")?;
    if let Some(host) = link.strip_prefix("//") {
        return Some(format!("{scheme}://{host}"));
    }
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (link_path, query) = link.split_at(link.find('?').unwrap_or(link.len()));
    let joined = match link_path {
        "" => path.to_owned(),
        absolute if absolute.starts_with('/') => without_dots(absolute),
        relative => without_dots(&format!("{}{relative}", directory(path))),
    };
    Some(format!("{scheme}://{host}{joined}{query}"))
}

fn scheme(link: &str) -> Option<&str> {
    let (scheme, _) = link.split_once(':')?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    valid.then_some(scheme)
}

fn directory(path: &str) -> &str {
    path.rfind('/').map_or("/", |slash| &path[..=slash])
}

fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let ends_open = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let end = if ends_open && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_joined_as_browsers_do() {
        let base = "https://example.com/a/b?q=1#f";
        let cases = [
            ("c", Some("https://example.com/a/c")),
            ("./c/", Some("https://example.com/a/c/")),
            ("../c?x=1", Some("https://example.com/c?x=1")),
            ("../../../c", Some("https://example.com/c")),
            ("/c/../d", Some("https://example.com/d")),
            ("..", Some("https://example.com/")),
            ("?p=2", Some("https://example.com/a/b?p=2")),
            ("//cdn.example.com/x", Some("https://cdn.example.com/x")),
            ("http://other.example/", Some("http://other.example/")),
            ("c#part", Some("https://example.com/a/c")),
            ("#part", None),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("", None),
        ];

        for (link, joined) in cases {
            assert_eq!(join(base, link).as_deref(), joined, "{link}");
        }
        assert_eq!(join("https://example.com", "c").unwrap(), "https://example.com/c");
    }
}
