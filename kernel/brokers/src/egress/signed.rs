//! Signatures and tokens that are made for one request with a secret that is not sent.

use super::hop::Hop;
use super::sigv4::hex;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openkoi_core::signature::{
    Assertion, AssertionAlgorithm, Signature, SignatureAlgorithm, SignatureEncoding, SignedPart,
};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The headers of a signature, with their values.
pub(super) struct Signed<'s> {
    /// The signature itself.
    pub(super) signature: (&'s str, String),
    /// Those that are signed with it.
    pub(super) others: Vec<(&'s str, String)>,
}

/// Signs a hop at `now_ms`. `id` is that of the request.
///
/// # Errors
///
/// What is wrong about the scheme, in words.
pub(super) fn sign<'s>(
    hop: &Hop,
    scheme: &'s Signature,
    secret: &[u8],
    (now_ms, id): (u64, &str),
) -> Result<Signed<'s>, String> {
    let algorithm = match scheme.algorithm {
        SignatureAlgorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        SignatureAlgorithm::HmacSha256 => hmac::HMAC_SHA256,
        SignatureAlgorithm::HmacSha512 => hmac::HMAC_SHA512,
        SignatureAlgorithm::Ed25519 | SignatureAlgorithm::Token => {
            return Err("it signs with a shared secret only".to_owned());
        }
    };
    let time = (now_ms / 1_000).to_string();
    let mut signed = hmac::Context::with_key(&hmac::Key::new(algorithm, secret));
    for part in scheme.parts()? {
        match part {
            SignedPart::Text(text) => signed.update(text.as_bytes()),
            SignedPart::Body => signed.update(&hop.body),
            SignedPart::Method => signed.update(hop.method.as_bytes()),
            SignedPart::Path => {
                signed.update(hop.url.path().as_bytes());
                if let Some(query) = hop.url.query() {
                    signed.update(b"?");
                    signed.update(query.as_bytes());
                }
            }
            SignedPart::Timestamp => signed.update(time.as_bytes()),
            SignedPart::Id => signed.update(id.as_bytes()),
        }
    }
    let written = written(signed.sign().as_ref(), scheme.encoding);
    let others = [(scheme.timestamp.as_str(), time), (scheme.id.as_str(), id.to_owned())];
    Ok(Signed {
        signature: (&scheme.header, format!("{}{written}", scheme.prefix)),
        others: others.into_iter().filter(|(name, _)| !name.is_empty()).collect(),
    })
}

fn written(bytes: &[u8], encoding: SignatureEncoding) -> String {
    match encoding {
        SignatureEncoding::Base64 => STANDARD.encode(bytes),
        SignatureEncoding::Hex => hex(bytes),
    }
}

/// Makes the token of an assertion that begins at `now_ms`.
///
/// # Errors
///
/// The secret is no key for its algorithm.
pub(super) fn token(
    assertion: &Assertion,
    secret: &[u8],
    now_ms: u64,
) -> Result<Zeroizing<String>, &'static str> {
    let algorithm = match assertion.algorithm {
        AssertionAlgorithm::Hs256 => "HS256",
        AssertionAlgorithm::Rs256 => "RS256",
        AssertionAlgorithm::Es256 => "ES256",
    };
    let mut head = Map::from_iter(
        [("alg", algorithm), ("typ", "JWT")].map(|(name, word)| (name.to_owned(), word.into())),
    );
    let now = now_ms / 1_000;
    let times = [("iat", now), ("exp", now + u64::from(assertion.seconds))];
    let mut claims =
        Map::from_iter(times.map(|(name, seconds)| (name.to_owned(), Value::from(seconds))));
    let words =
        [("iss", &assertion.issuer), ("sub", &assertion.subject), ("aud", &assertion.audience)];
    let said = |words: &[(&str, &String)]| -> Vec<(String, Value)> {
        let said = words.iter().filter(|(_, word)| !word.is_empty());
        said.map(|(name, word)| ((*name).to_owned(), Value::from(word.as_str()))).collect()
    };
    head.extend(said(&[("kid", &assertion.key_id)]));
    claims.extend(said(&words));
    let part = |part: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
    let mut token = Zeroizing::new(format!("{}.{}", part(head), part(claims)));
    let signature = signature(assertion.algorithm, secret, token.as_bytes())?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

fn signature(
    algorithm: AssertionAlgorithm,
    secret: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, &'static str> {
    if algorithm == AssertionAlgorithm::Hs256 {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        return Ok(hmac::sign(&key, message).as_ref().to_vec());
    }
    // A variable holds a key in one line.
    let lines = String::from_utf8_lossy(secret).replace("\\n", "\n");
    let lines = Zeroizing::new(lines);
    let key = PrivateKeyDer::from_pem_slice(lines.as_bytes())
        .map_err(|_| "it is not a private key in PEM")?;
    let random = SystemRandom::new();
    match (algorithm, &key) {
        (AssertionAlgorithm::Rs256, PrivateKeyDer::Pkcs8(_) | PrivateKeyDer::Pkcs1(_)) => {
            let key = match &key {
                PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
                _ => RsaKeyPair::from_der(key.secret_der()),
            };
            let key = key.map_err(|_| "it is not a private key of RSA")?;
            let mut signature = vec![0; key.public().modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                .map_err(|_| "it does not sign")?;
            Ok(signature)
        }
        (AssertionAlgorithm::Es256, PrivateKeyDer::Pkcs8(key)) => {
            let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let key = EcdsaKeyPair::from_pkcs8(curve, key.secret_pkcs8_der(), &random)
                .map_err(|_| "it is not a private key of P-256")?;
            let signature = key.sign(&random, message).map_err(|_| "it does not sign")?;
            Ok(signature.as_ref().to_vec())
        }
        _ => Err("it is a private key of another form"),
    }
}

#[cfg(test)]
mod tests;
