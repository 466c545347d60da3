//! Credentials as data: the places where one can be, how it is put into a request, and how a login is made.
//!
//! Manifests and connections are made of these types. Reading a credential, renewing it and putting it into a
//! request is the brokers' work; no type here holds a secret.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

pub use crate::header::{is_header_name, is_line};
use crate::{
    pattern::HostPattern,
    signature::{Assertion, Signature},
};

/// A place where a credential can be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// A variable of the environment.
    Variable(String),
    /// A key of this name that `openkoi connect` keeps, in a file of the home or in the key ring.
    Saved(String),
    /// A login of this name. Its token is renewed before it is used.
    Login(String),
    /// A pair of variables with a key that signs requests. They may be set for other programs too.
    Pair(Box<VariablePair>),
    /// Files of profiles with keys that sign requests. They belong to other programs.
    Profile(Box<ProfileStore>),
    /// A token that belongs to another program.
    Foreign(Box<ForeignToken>),
}

impl SecretSource {
    /// Tells whether it belongs to another program, so that it is read only if the user allows it.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.external().is_some()
    }

    /// Tells whether the keychain may have it. Looking there starts a program, so it is not done unasked.
    #[must_use]
    pub fn may_be_in_keychain(&self) -> bool {
        matches!(self, Self::Foreign(token) if !token.keychain.is_empty())
    }

    /// Returns the name under which the user allows another program's credential to be read, and its place.
    /// Nothing for the user's own.
    #[must_use]
    pub fn external(&self) -> Option<(&str, Cow<'_, str>)> {
        match self {
            Self::Profile(store) => Some((&store.name, Cow::Borrowed(&store.path))),
            Self::Foreign(token) => Some((&token.name, token.place())),
            _ => None,
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::Saved(name) => write!(f, "the credential `{name}`"),
            Self::Login(name) => write!(f, "the login `{name}`"),
            Self::Pair(pair) => {
                write!(f, "the pair of variables {} and {}", pair.id, pair.secret)
            }
            Self::Profile(store) => write!(f, "the profile of {}", store.program),
            Self::Foreign(token) => {
                write!(f, "the token of {} in {}", token.program, token.place())
            }
        }
    }
}

/// The variables that hold a key which signs requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VariablePair {
    /// The variable with the id of the key.
    pub id: String,
    /// The variable with its secret.
    pub secret: String,
    /// The variable with the token of a session, which need not be set.
    pub token: String,
}

/// Files in the format of INI, one section a profile, that hold keys which sign requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProfileStore {
    /// The name under which the user allows it to be read.
    pub name: String,
    /// The program that the profiles belong to, as people call it.
    pub program: String,
    /// The place of the files, as people are told.
    pub path: String,
    /// The variable that names the profile.
    pub profile_environment: String,
    /// The profile that is used if the variable is not set.
    pub profile: String,
    /// The files. If two of them have the same setting, the first counts.
    pub files: Vec<ProfileFile>,
    /// The setting with the id of the key.
    pub id: String,
    /// The setting with its secret.
    pub secret: String,
    /// The setting with the token of a session.
    pub token: String,
    /// Settings by which a profile gets its keys from elsewhere, even if it has keys of its own.
    #[serde(default)]
    pub elsewhere: Vec<String>,
    /// Settings by which a profile without keys gets them from elsewhere.
    #[serde(default)]
    pub otherwise: Vec<String>,
    /// The advice for such a profile; `{profile}` stands for its name.
    #[serde(default)]
    pub advice: String,
}

/// One file of a [`ProfileStore`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProfileFile {
    /// Its path; `~/` is the user's home.
    pub path: String,
    /// The variable that replaces the path.
    pub environment: String,
    /// The word before the profile's name in a section's title. The default profile's title may go without.
    #[serde(default)]
    pub prefix: String,
}

/// A token that another program keeps in a JSON file, or in the keychain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ForeignToken {
    /// The name under which the user allows it to be read.
    pub name: String,
    /// The other program, as people call it.
    pub program: String,
    /// The file; `~/` is the user's home.
    pub path: String,
    /// JSON pointer to the token.
    pub token: String,
    /// JSON pointer to the time when the token expires, in milliseconds since 1970. Empty if the file has none.
    pub expires: String,
    /// The service of the keychain item that is read if there is no file. Empty on systems without a keychain.
    pub keychain: String,
}

impl ForeignToken {
    /// Returns its place in words. The user's consent is for this place.
    #[must_use]
    pub fn place(&self) -> Cow<'_, str> {
        if self.keychain.is_empty() {
            return Cow::Borrowed(&self.path);
        }
        Cow::Owned(format!("{} or the keychain item `{}`", self.path, self.keychain))
    }
}

/// The part of a request that a credential is put into, as manifests write it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Inject {
    /// A word by itself: `"bearer"`.
    Word(InjectWord),
    /// `{ header = "…", prefix = "…" }`.
    Header {
        /// The name of the header.
        header: String,
        /// The text before the secret.
        #[serde(default)]
        prefix: String,
    },
    /// `{ query = "…" }`.
    Query {
        /// The name of the parameter.
        query: String,
    },
    /// `{ basic = "…" }`.
    Basic {
        /// The user name.
        basic: String,
    },
    /// `{ path = "{…}" }`: the text in the path of the URL that the secret takes the place of.
    Path {
        /// A name in braces, such as `{token}`.
        path: String,
    },
    /// `{ json = "/…" }`: a field of the JSON object in the body.
    Json {
        /// The pointer to the field.
        json: String,
    },
    /// `{ form = "…" }`: a field of the form in the body.
    Form {
        /// The name of the field.
        form: String,
    },
    /// `{ sigv4 = "…", region = "…" }`: a signature for AWS.
    SigV4 {
        /// The service.
        sigv4: String,
        /// The region. Empty for that of a provider's option `region`.
        #[serde(default)]
        region: String,
    },
    /// `{ signature = { … } }`: a signature of the request with the secret, which is not sent.
    Signature {
        /// How it is made.
        signature: Signature,
    },
    /// `{ jwt = { … } }`: a token that is made for each request and signed with the secret, which is not sent.
    Jwt {
        /// What it says.
        jwt: Assertion,
    },
}

/// A way to inject that needs no further words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InjectWord {
    /// `Authorization: Bearer …`.
    Bearer,
    /// Nowhere: it checks what a service signed.
    Nowhere,
}

/// The way to a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginGrant {
    /// A person types a code on a page of the service (RFC 8628). No browser is needed on this machine.
    #[default]
    Device,
    /// A person agrees in a browser on this machine, which then comes back to this program (RFC 6749, section 4.1, with
    /// RFC 7636 and RFC 8252).
    Code,
    /// This program has a secret of its own, and no person is needed (RFC 6749, section 4.4).
    Client,
}

/// How tokens of a service are issued, and how they are renewed (RFC 6749, section 6), with the differences that services
/// have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Login {
    /// The way to a token.
    #[serde(default)]
    pub grant: LoginGrant,
    /// The authorization server. What is empty of the addresses below is in its metadata (RFC 8414).
    #[serde(default)]
    pub issuer: String,
    /// The name of this program at the service. Empty: the program registers itself there (RFC 7591).
    #[serde(default)]
    pub client_id: String,
    /// What some services call the secret of a program on a person's machine. It is public as well.
    #[serde(default)]
    pub client_secret: String,
    /// The scope that is asked for. Empty for the service's default.
    #[serde(default)]
    pub scope: String,
    /// What the token is for (RFC 8707). Empty if the service does not ask for it.
    #[serde(default)]
    pub resource: String,
    /// The address that issues the code for the person (RFC 8628, section 3.1).
    #[serde(default)]
    pub device_url: String,
    /// The page on which a person agrees in a browser (RFC 6749, section 3.1).
    #[serde(default)]
    pub authorize_url: String,
    /// Further parameters of that page.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The address that issues and renews tokens (RFC 6749, section 3.2). Requests to it are always forms.
    #[serde(default)]
    pub token_url: String,
    /// The address that ends tokens (RFC 7009). Empty if there is none.
    #[serde(default)]
    pub revoke_url: String,
    /// The page on which the person types the code, if the service's answer does not name it.
    #[serde(default)]
    pub verification_url: String,
    /// The encoding of requests to `device-url`, and with `code` to its `poll-url`.
    #[serde(default)]
    pub encoding: Encoding,
    /// For a service that answers polls with an authorization code instead of tokens.
    pub code: Option<CodeExchange>,
    /// For a service whose models take a short-lived session token instead of the issued one.
    pub session: Option<SessionExchange>,
    /// Headers of requests to the service whose values are claims of the token.
    #[serde(default, rename = "claim")]
    pub claims: Vec<JwtClaim>,
}

/// The encoding of a request's fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`, as in RFC 8628.
    #[default]
    Form,
    /// A JSON object.
    Json,
}

/// A variant of RFC 8628 that ends with an authorization code.
///
/// The first answer has a `device_auth_id`. Polls are answered with 403 or 404 while the person has not
/// finished, and with 429 when they come too often. The last answer has an `authorization_code` and its
/// `code_verifier`, which are exchanged as in RFC 6749 (4.1.3) and RFC 7636.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CodeExchange {
    /// The address that is polled.
    pub poll_url: String,
    /// The redirection that the code was issued for. No browser is sent there.
    pub redirect_url: String,
}

/// The exchange of the issued token for a short-lived session token.
///
/// It is a GET with the issued token. The answer has a `token`, and in `refresh_in` or `expires_in` the seconds
/// for which it is valid.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SessionExchange {
    /// The address of the exchange.
    pub url: String,
    /// The text before the token in `Authorization`.
    pub prefix: String,
    /// Further headers of the request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// JSON pointer to the base URL for this account in the answer. Empty if the answer has none.
    #[serde(default)]
    pub endpoint: String,
    /// The hosts that such a base URL may have. Any other is an error: it would lead the token elsewhere.
    #[serde(default)]
    pub endpoint_hosts: Vec<HostPattern>,
}

/// A header whose value is a claim of the token, which is a JWT (RFC 7519).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct JwtClaim {
    /// The name of the header.
    pub header: String,
    /// The names that lead to the claim, from the outermost.
    pub path: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &str = r#"{
        "client-id": "app", "device-url": "https://auth.example.com/device",
        "token-url": "https://auth.example.com/token",
        "session": {
            "url": "https://api.example.com/session", "prefix": "token ",
            "endpoint": "/endpoints/api", "endpoint-hosts": ["*.example.com"]
        },
        "claim": [{ "header": "X-Account", "path": ["account", "id"] }]
    }"#;

    fn token(keychain: &str) -> SecretSource {
        SecretSource::Foreign(Box::new(ForeignToken {
            name: "pond-cli".to_owned(),
            program: "Pond CLI".to_owned(),
            path: "~/.pond/login.json".to_owned(),
            token: "/token".to_owned(),
            expires: String::new(),
            keychain: keychain.to_owned(),
        }))
    }

    #[test]
    fn a_login_that_is_written_reads_back_as_the_same() {
        let login: Login = serde_json::from_str(LOGIN).unwrap();

        let written = serde_json::to_string(&login).unwrap();

        assert_eq!(serde_json::from_str::<Login>(&written).unwrap(), login);
    }

    #[test]
    fn an_unknown_key_of_a_login_is_refused_at_every_level() {
        for (from, to) in [
            ("\"client-id\"", "\"surprise\": 1, \"client-id\""),
            ("\"prefix\"", "\"surprise\": 1, \"prefix\""),
            ("\"header\"", "\"surprise\": 1, \"header\""),
        ] {
            let text = LOGIN.replacen(from, to, 1);
            assert!(serde_json::from_str::<Login>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_source_of_another_program_has_a_name_and_a_place_to_consent_to() {
        let (file, keychain) = (token(""), token("Pond"));

        assert_eq!(file.external(), Some(("pond-cli", Cow::Borrowed("~/.pond/login.json"))));
        assert_eq!(
            keychain.to_string(),
            "the token of Pond CLI in ~/.pond/login.json or the keychain item `Pond`"
        );
        assert!(file.is_external() && !file.may_be_in_keychain());
        assert!(keychain.may_be_in_keychain());
        let own = SecretSource::Saved("pond".to_owned());
        assert!(!own.is_external() && !own.may_be_in_keychain());
    }
}
