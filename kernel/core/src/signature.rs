//! Requests that are signed with a secret that is not sent, as manifests describe them: by this program, or by a service that
//! calls it.

use serde::{Deserialize, Serialize};

use crate::header::{is_header_name, is_line};

/// How a request is signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Signature {
    /// What it is made with.
    pub algorithm: SignatureAlgorithm,
    /// How its bytes are written.
    #[serde(default)]
    pub encoding: SignatureEncoding,
    /// The header that it is in.
    pub header: String,
    /// The text before it in the header.
    #[serde(default)]
    pub prefix: String,
    /// What is signed, with [`SignedPart`]s in braces: `v0:{timestamp}:{body}`. Empty for a token.
    #[serde(default)]
    pub message: String,
    /// The header with the time of signing, in seconds since 1970. Empty if there is none.
    #[serde(default)]
    pub timestamp: String,
    /// The header with an id of the request. Empty if there is none.
    #[serde(default)]
    pub id: String,
}

/// What a signature is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureAlgorithm {
    /// HMAC with SHA-1, which older services have.
    HmacSha1,
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-512.
    HmacSha512,
    /// Ed25519. The credential is the public key of the service, in hexadecimal.
    Ed25519,
    /// None: the header has the secret itself.
    Token,
}

impl SignatureAlgorithm {
    /// Tells whether this program can sign with it, and not only check what others signed.
    #[must_use]
    pub fn is_of_shared_secret(self) -> bool {
        matches!(self, Self::HmacSha1 | Self::HmacSha256 | Self::HmacSha512)
    }
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureEncoding {
    /// Hexadecimal, in small letters.
    #[default]
    Hex,
    /// Base64 with the usual alphabet, padded.
    Base64,
}

/// A part of what is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedPart<'t> {
    /// This text.
    Text(&'t str),
    /// `{body}`: the body, byte for byte.
    Body,
    /// `{method}`: the method in capitals.
    Method,
    /// `{path}`: the path with the query, if there is one.
    Path,
    /// `{timestamp}`: the value of that header.
    Timestamp,
    /// `{id}`: the value of that header.
    Id,
}

impl Signature {
    /// Returns the parts of what is signed, in their order.
    ///
    /// # Errors
    ///
    /// What is wrong about the message, in words.
    pub fn parts(&self) -> Result<Vec<SignedPart<'_>>, String> {
        let mut parts = Vec::new();
        let mut rest = self.message.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) =
                after.split_once('}').ok_or("the message has a brace that is not closed")?;
            parts.extend((!before.is_empty()).then_some(SignedPart::Text(before)));
            parts.push(match name {
                "body" => SignedPart::Body,
                "method" => SignedPart::Method,
                "path" => SignedPart::Path,
                "timestamp" => SignedPart::Timestamp,
                "id" => SignedPart::Id,
                _ => return Err(format!("the message has no `{{{name}}}`")),
            });
            rest = behind;
        }
        parts.extend((!rest.is_empty()).then_some(SignedPart::Text(rest)));
        Ok(parts)
    }

    /// Checks that it says what is signed and where each part of that is.
    ///
    /// # Errors
    ///
    /// What is missing or wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let headers = [&self.timestamp, &self.id].into_iter().filter(|name| !name.is_empty());
        for name in headers.chain([&self.header]) {
            if !is_header_name(name) {
                return Err("a header's name is made of letters, digits and `-`".to_owned());
            }
        }
        if !is_line(&self.prefix) || !is_line(&self.message) {
            return Err("the prefix and the message are one line of ASCII".to_owned());
        }
        let parts = self.parts()?;
        if self.algorithm == SignatureAlgorithm::Token {
            let is_bare = parts.is_empty() && self.timestamp.is_empty() && self.id.is_empty();
            return if is_bare { Ok(()) } else { Err("a token signs nothing".to_owned()) };
        }
        for (part, header, name) in [
            (SignedPart::Timestamp, &self.timestamp, "timestamp"),
            (SignedPart::Id, &self.id, "id"),
        ] {
            // A header that is not signed could be set by anybody.
            if parts.contains(&part) == header.is_empty() {
                return Err(format!(
                    "`{name}` is a header, and `{{{name}}}` is in the message; one is missing"
                ));
            }
        }
        if !parts.contains(&SignedPart::Body) {
            return Err("the message has no `{body}`".to_owned());
        }
        Ok(())
    }
}

/// A token that says who sends it and is signed by the sender (RFC 7519, RFC 7523). It is sent as
/// `Authorization: Bearer …`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Assertion {
    /// What it is signed with.
    pub algorithm: AssertionAlgorithm,
    /// Who sends it.
    pub issuer: String,
    /// Whom it is about. Empty if the service does not ask.
    #[serde(default)]
    pub subject: String,
    /// Whom it is for. Empty if the service does not ask.
    #[serde(default)]
    pub audience: String,
    /// The name of the key at the service. Empty if the service does not ask.
    #[serde(default)]
    pub key_id: String,
    /// For how many seconds it is valid.
    #[serde(default = "usual_seconds")]
    pub seconds: u32,
}

/// What a token is signed with (RFC 7518).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssertionAlgorithm {
    /// HMAC with SHA-256 and a shared secret.
    Hs256,
    /// RSA with SHA-256 and a private key in PEM.
    Rs256,
    /// ECDSA on P-256 with SHA-256 and a private key in PEM (PKCS #8).
    Es256,
}

fn usual_seconds() -> u32 {
    300
}

impl Assertion {
    /// The longest time for which one may be valid, in seconds.
    pub const MOST_SECONDS: u32 = 3_600;

    /// Checks its words.
    ///
    /// # Errors
    ///
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        if self.issuer.is_empty() {
            return Err("it has no issuer".to_owned());
        }
        let words = [&self.issuer, &self.subject, &self.audience, &self.key_id];
        if words.into_iter().any(|word| word.len() > 256 || !is_line(word)) {
            return Err("its words are lines of at most 256 characters of ASCII".to_owned());
        }
        if !(1..=Self::MOST_SECONDS).contains(&self.seconds) {
            return Err(format!("it is valid for 1 to {} seconds", Self::MOST_SECONDS));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(text: &str) -> Signature {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_signed_is_text_and_parts_of_the_request() {
        let slack = signature(
            r#"{"algorithm":"hmac-sha256","header":"x-signature","prefix":"v0=",
                "message":"v0:{timestamp}:{body}","timestamp":"x-timestamp"}"#,
        );

        assert_eq!(slack.check(), Ok(()));
        let parts = [
            SignedPart::Text("v0:"),
            SignedPart::Timestamp,
            SignedPart::Text(":"),
            SignedPart::Body,
        ];
        assert_eq!(slack.parts().unwrap(), parts);
        let token = signature(r#"{"algorithm":"token","header":"x-secret"}"#);
        assert_eq!(token.check(), Ok(()));
    }

    #[test]
    fn a_signature_without_one_of_its_parts_is_refused() {
        for text in [
            r#"{"algorithm":"hmac-sha256","header":"x y","message":"{body}"}"#,
            r#"{"algorithm":"hmac-sha256","header":"x","message":""}"#,
            r#"{"algorithm":"hmac-sha256","header":"x","message":"{path}"}"#,
            r#"{"algorithm":"hmac-sha256","header":"x","message":"{body"}"#,
            r#"{"algorithm":"hmac-sha256","header":"x","message":"{surprise}{body}"}"#,
            r#"{"algorithm":"hmac-sha256","header":"x","message":"{timestamp}{body}"}"#,
            r#"{"algorithm":"hmac-sha256","header":"x","message":"{body}","timestamp":"t"}"#,
            r#"{"algorithm":"hmac-sha256","header":"x","message":"{id}{body}"}"#,
            r#"{"algorithm":"token","header":"x","message":"{body}"}"#,
        ] {
            assert!(signature(text).check().is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_says_who_sends_it_and_is_valid_for_an_hour_at_most() {
        let good = r#"{"algorithm":"rs256","issuer":"app"}"#;
        let read = |text: &str| serde_json::from_str::<Assertion>(text).unwrap();

        assert_eq!((read(good).check(), read(good).seconds), (Ok(()), 300));
        for bad in [
            r#"{"algorithm":"rs256","issuer":""}"#,
            r#"{"algorithm":"rs256","issuer":"a\nb"}"#,
            r#"{"algorithm":"rs256","issuer":"a","seconds":0}"#,
            r#"{"algorithm":"rs256","issuer":"a","seconds":3601}"#,
        ] {
            assert!(read(bad).check().is_err(), "{bad}");
        }
    }
}
