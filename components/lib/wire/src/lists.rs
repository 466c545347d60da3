//! Lists of models.

use openkoi_sdk::{Failure, Result};
use serde_json::Value;

/// Returns the entries of a list, which is at the first of the JSON pointers `places` that leads to one.
///
/// # Errors
///
/// [`Failure::Failed`] if none does.
pub fn entries(body: &[u8], places: &[&str]) -> Result<Vec<Value>> {
    let mut value: Value = serde_json::from_slice(body)?;
    for place in places {
        if let Some(Value::Array(list)) = value.pointer_mut(place) {
            return Ok(std::mem::take(list));
        }
    }
    Err(Failure::failed("the provider's answer is not a list of models"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_with_a_list_has_the_entries() {
        let body = br#"{ "data": "none", "models": [1, 2] }"#;

        assert_eq!(entries(body, &["", "/data", "/models"]).unwrap(), [1, 2]);
        assert_eq!(entries(b"[3]", &["", "/data"]).unwrap(), [3]);
        assert_eq!(
            entries(body, &["/data"]).unwrap_err().to_string(),
            Failure::failed("the provider's answer is not a list of models").to_string()
        );
        assert!(entries(b"", &[""]).is_err());
    }
}
