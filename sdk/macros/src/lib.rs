//! The attribute of `openkoi-sdk`, which hands it on.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Derived for every type of arguments, and how the derived code finds its crates without the component naming them.
const DERIVED: &str = "
    #[derive(::openkoi_sdk::serde::Deserialize, ::openkoi_sdk::schemars::JsonSchema)]
    #[serde(crate = \"::openkoi_sdk::serde\")]
    #[schemars(crate = \"::openkoi_sdk::schemars\")]
";

/// What is not a field is refused. Only structs with names of fields can be asked for that.
const STRICT: &str = "#[serde(deny_unknown_fields)]";

/// Makes a type one of arguments: it is read from the model's JSON, has a JSON Schema with its comments, and refuses what it
/// does not know.
///
/// ```
/// /// Greets somebody.
/// #[openkoi_sdk::arguments]
/// struct Greet {
///     /// Who is greeted.
///     name: String,
///     #[serde(default)]
///     loudly: bool,
/// }
/// ```
///
/// Types inside of arguments take it too, enums among them.
#[proc_macro_attribute]
pub fn arguments(options: TokenStream, item: TokenStream) -> TokenStream {
    if !options.is_empty() {
        return refusal("`arguments` takes no options");
    }
    let Ok(derived) = DERIVED.parse::<TokenStream>() else { return item };
    let Ok(strict) = STRICT.parse::<TokenStream>() else { return item };
    let is_strict = has_named_fields(&item);
    derived
        .into_iter()
        .chain(is_strict.then_some(strict).into_iter().flatten())
        .chain(item)
        .collect()
}

/// Returns whether an item is `struct NAME { … }`.
fn has_named_fields(item: &TokenStream) -> bool {
    let words: Vec<TokenTree> = item.clone().into_iter().collect();
    let is_struct = words.iter().any(|word| word.to_string() == "struct");
    let is_braced = |group: &Group| group.delimiter() == Delimiter::Brace;
    is_struct && matches!(words.last(), Some(TokenTree::Group(group)) if is_braced(group))
}

fn refusal(why: &str) -> TokenStream {
    format!("compile_error!({why:?});").parse().unwrap_or_default()
}
