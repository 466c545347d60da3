//! Fields that are added to a body. Everything else in it stays as it is written.

use serde_json::value::RawValue;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The media type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// The deepest field that is reached.
const DEEPEST: usize = 16;

/// Returns the JSON object `body` with a field more, which `pointer` leads to.
pub(super) fn with_json_field(
    body: &[u8],
    pointer: &str,
    value: &str,
) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let names: Vec<String> = pointer.split('/').skip(1).map(unescaped).collect();
    if names.is_empty() || names.len() > DEEPEST {
        return Err("the pointer leads to no field");
    }
    let text = std::str::from_utf8(body).map_err(|_| "the body is not JSON")?;
    let whole = added(text, &names, value)?;
    Ok(Zeroizing::new(whole.get().as_bytes().to_vec()))
}

fn added(text: &str, names: &[String], value: &str) -> Result<Box<RawValue>, &'static str> {
    let mut fields: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(text).map_err(|_| "the body is not a JSON object")?;
    let [name, deeper @ ..] = names else { return Err("the pointer leads to no field") };
    let field = if deeper.is_empty() {
        if fields.contains_key(name) {
            return Err("the body has that field already");
        }
        serde_json::value::to_raw_value(value)
    } else {
        let inner = fields.get(name).ok_or("the body has no object around it")?;
        Ok(added(inner.get(), deeper, value)?)
    };
    fields.insert(name.clone(), field.map_err(|_| "it is not text")?);
    serde_json::value::to_raw_value(&fields).map_err(|_| "the body is not JSON")
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

/// Returns the form `body` with a field more. `declared` is the media type that the caller gave it.
pub(super) fn with_form_field(
    body: &[u8],
    declared: Option<&[u8]>,
    name: &str,
    value: &str,
) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let is_form = |kind: &[u8]| {
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(FORM.as_bytes())
    };
    if !declared.map_or(body.is_empty(), is_form) {
        return Err("the body is not a form");
    }
    if url::form_urlencoded::parse(body).any(|(known, _)| known == name) {
        return Err("the body has that field already");
    }
    let pair = Zeroizing::new(
        url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish(),
    );
    let joint: &[u8] = if body.is_empty() { b"" } else { b"&" };
    Ok(Zeroizing::new([body, joint, pair.as_bytes()].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(body: &str, pointer: &str) -> Result<String, &'static str> {
        let whole = with_json_field(body.as_bytes(), pointer, "se\"cret")?;
        Ok(String::from_utf8(whole.to_vec()).unwrap())
    }

    #[test]
    fn a_field_is_added_to_json_and_no_number_is_rounded() {
        let body = r#"{"b":{"n":12345678901234567890123.10},"a":"x"}"#;

        assert_eq!(
            json(body, "/b/token").unwrap(),
            r#"{"a":"x","b":{"n":12345678901234567890123.10,"token":"se\"cret"}}"#
        );
        assert_eq!(json("{}", "/a~1b").unwrap(), r#"{"a/b":"se\"cret"}"#);
    }

    #[test]
    fn json_without_a_place_for_the_field_is_refused() {
        for (body, pointer) in [
            ("", "/token"),
            ("[]", "/token"),
            ("{\"token\":1}", "/token"),
            ("{}", "/a/token"),
            ("{\"a\":1}", "/a/token"),
            ("{}", ""),
        ] {
            assert!(json(body, pointer).is_err(), "{body} {pointer}");
        }
    }

    #[test]
    fn a_field_is_added_to_a_form_and_to_an_empty_body() {
        let form = |body: &str, kind: Option<&str>| {
            let kind = kind.map(str::as_bytes);
            let whole = with_form_field(body.as_bytes(), kind, "token", "a b&c")?;
            Ok::<_, &str>(String::from_utf8(whole.to_vec()).unwrap())
        };

        assert_eq!(
            form("a=1", Some("Application/X-WWW-Form-Urlencoded; charset=utf-8")).unwrap(),
            "a=1&token=a+b%26c"
        );
        assert_eq!(form("", None).unwrap(), "token=a+b%26c");
        assert!(form("a=1", None).is_err());
        assert!(form("{}", Some("application/json")).is_err());
        assert!(form("token=mine", Some(FORM)).is_err());
        assert!(form("to%6ben=mine", Some(FORM)).is_err());
    }
}
