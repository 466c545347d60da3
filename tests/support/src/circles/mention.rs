//! Paths in what only a macro can read.

use proc_macro2::{TokenStream, TokenTree};
use syn::LitStr;

use super::module::{Mention, Way};

/// Returns the paths that stand in `tokens`: names that are joined by `::`, and names alone. A string with a path in it
/// counts too, as in `#[serde(with = "crate::hex")]`.
pub(super) fn paths(tokens: TokenStream) -> Vec<Mention> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    let mut rest = &tokens[..];
    let mut before = ' ';
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            TokenTree::Group(group) => found.extend(paths(group.stream())),
            TokenTree::Literal(literal) => found.extend(string(&literal.to_string())),
            // A field, a method, or a variable of the macro is not a path; `$crate` begins one.
            TokenTree::Ident(name) if before != '.' && (before != '$' || name == "crate") => {
                let (path, after) = path(name.to_string(), after);
                let is_call = matches!(after, [TokenTree::Punct(mark), TokenTree::Group(_), ..]
                    if mark.as_char() == '!');
                found.push(Mention { path, way: if is_call { Way::Macro } else { Way::Plain } });
                rest = after;
            }
            _ => {}
        }
        before = if let TokenTree::Punct(mark) = first { mark.as_char() } else { ' ' };
    }
    found
}

/// Returns the path that begins with `first`, and what follows it.
fn path(first: String, mut rest: &[TokenTree]) -> (Vec<String>, &[TokenTree]) {
    let mut path = vec![first];
    while let [TokenTree::Punct(one), TokenTree::Punct(two), TokenTree::Ident(name), after @ ..] =
        rest
        && one.as_char() == ':'
        && two.as_char() == ':'
    {
        path.push(name.to_string());
        rest = after;
    }
    (path, rest)
}

/// Returns the path that is all of a string.
fn string(literal: &str) -> Option<Mention> {
    let path = syn::parse_str::<LitStr>(literal).ok()?.parse::<syn::Path>().ok()?;
    let path = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    Some(Mention { path, way: Way::Plain })
}
