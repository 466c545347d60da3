//! The login of a configured provider: that of its component, with the changes of the
//! configuration.

use openkoi_brokers::oauth::check_login;
use openkoi_core::credential::Login;
use serde_json::Value;

use super::ModelsError;
use crate::settings::ConfiguredProvider;

/// Returns the login of `provider`: `offered` with `[providers.NAME.login]` laid over it, or the
/// latter alone. `moved` is true if the user has set the base URL.
///
/// # Errors
///
/// When the result is not a valid login.
pub(super) fn of(
    provider: &ConfiguredProvider,
    offered: Option<&Login>,
    moved: bool,
) -> Result<Option<Login>, ModelsError> {
    let table = format!("providers.{}.login", provider.name);
    let Some(mut login) = laid(&table, &provider.login, offered)? else { return Ok(None) };
    // A base URL of the user goes before an endpoint that the issuer names.
    if let Some(session) = login.session.as_mut().filter(|_| moved) {
        session.endpoint.clear();
        session.endpoint_hosts.clear();
    }
    Ok(Some(login))
}

/// Returns `offered` with the `table` of the configuration laid over it, or the latter alone.
///
/// # Errors
///
/// When the result is not a valid login.
pub(crate) fn laid(
    table: &str,
    own: &toml::Table,
    offered: Option<&Login>,
) -> Result<Option<Login>, ModelsError> {
    let unfit = |reason: String| ModelsError::Login { table: table.to_owned(), reason };
    let login: Login = match (offered, own.is_empty()) {
        (None, true) => return Ok(None),
        (Some(offered), true) => offered.clone(),
        (offered, false) => {
            let offered =
                serde_json::to_value(offered).map_err(|error| unfit(error.to_string()))?;
            let own = serde_json::to_value(own).map_err(|error| unfit(error.to_string()))?;
            let whole = serde_json::from_value(over(own, offered));
            whole.map_err(|error| unfit(error.to_string()))?
        }
    };
    check_login(&login).map_err(|error| unfit(error.to_string()))?;
    Ok(Some(login))
}

/// Lays `own` over `offered`. Keys of the configuration have `_` in place of the `-` of a manifest.
fn over(own: Value, offered: Value) -> Value {
    match (own, offered) {
        (Value::Object(own), Value::Object(mut offered)) => {
            for (key, value) in own {
                let key = key.replace('_', "-");
                let below = offered.remove(&key).unwrap_or_default();
                offered.insert(key, over(value, below));
            }
            Value::Object(offered)
        }
        (own @ Value::Object(_), _) => over(own, Value::Object(serde_json::Map::new())),
        (own, _) => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: &str = r#"{
        "client-id": "app", "device-url": "https://a.example/device", "token-url": "https://a.example/token",
        "session": {
            "url": "https://a.example/session", "prefix": "token ",
            "endpoint": "/api", "endpoint-hosts": ["*.a.example"]
        }
    }"#;

    fn provider(login: &str) -> ConfiguredProvider {
        ConfiguredProvider {
            name: "work".to_owned(),
            login: toml::from_str(login).unwrap(),
            ..ConfiguredProvider::default()
        }
    }

    fn offered() -> Login {
        serde_json::from_str(OFFERED).unwrap()
    }

    #[test]
    fn a_company_s_own_addresses_stand_in_for_the_usual_ones() {
        let own =
            "token_url = 'https://work.example/token'\nsession.url = 'https://work.example/s'";

        let login = of(&provider(own), Some(&offered()), false).unwrap().unwrap();

        let mut expected = offered();
        expected.token_url = "https://work.example/token".to_owned();
        expected.session.as_mut().unwrap().url = "https://work.example/s".to_owned();
        assert_eq!(login, expected);
    }

    #[test]
    fn where_the_user_says_that_the_service_is_the_issuer_says_nothing() {
        let login = of(&provider(""), Some(&offered()), true).unwrap().unwrap();

        assert!(login.session.unwrap().endpoint.is_empty());
    }

    #[test]
    fn a_login_of_the_user_s_own_needs_no_other() {
        let own = "client_id = 'me'\ndevice_url = 'https://w.example/d'\ntoken_url = 'https://w.example/t'";

        assert_eq!(of(&provider(own), None, true).unwrap().unwrap().client_id, "me");
        assert_eq!(of(&provider(""), None, true).unwrap(), None);
    }

    #[test]
    fn a_login_that_cannot_be_used_is_refused_with_the_reason() {
        for own in ["surprise = 1", "token_url = 'http://work.example/token'", "client_id = ''"] {
            let error = of(&provider(own), Some(&offered()), false).unwrap_err();
            assert!(matches!(error, ModelsError::Login { .. }), "{error}");
        }
        assert!(of(&provider("client_id = 'me'"), None, false).is_err());
    }
}
