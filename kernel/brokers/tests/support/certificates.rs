//! Certificates that are made where they are needed: an authority of a company, and hosts that it vouches for.
#![allow(dead_code, reason = "each test file uses its part")]

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

const SEQUENCE: u8 = 0x30;
/// ecdsa-with-SHA256.
const SIGNED: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// id-ecPublicKey on prime256v1.
const CURVE: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07,
];

/// A key and its certificate, both in DER.
pub(crate) struct Certified {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// Returns a certificate authority.
pub(crate) fn authority() -> Certified {
    let key = key();
    // Basic constraints, critical: an authority.
    let constraints = part(0x04, &part(SEQUENCE, &[0x01, 0x01, 0xff]));
    let is_authority = part(
        SEQUENCE,
        &[&[0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff], &constraints[..]].concat(),
    );
    let certificate = certificate(&key, &key, "Koi Company", &is_authority);
    Certified { certificate, key }
}

/// Returns the certificate of a host, which `authority` vouches for.
pub(crate) fn host(authority: &Certified, name: &str) -> Certified {
    let key = key();
    let names = part(0x04, &part(SEQUENCE, &part(0x82, name.as_bytes())));
    let alternative = part(SEQUENCE, &[&[0x06, 0x03, 0x55, 0x1d, 0x11], &names[..]].concat());
    let certificate = certificate(&authority.key, &key, name, &alternative);
    Certified { certificate, key }
}

/// Returns a certificate as programs read it.
pub(crate) fn pem(certificate: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn key() -> Vec<u8> {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
    made.unwrap().as_ref().to_vec()
}

fn pair(key: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key, &SystemRandom::new()).unwrap()
}

fn part(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let length = match length {
        0..0x80 => vec![u8::try_from(length).unwrap()],
        0x80..0x100 => vec![0x81, u8::try_from(length).unwrap()],
        _ => vec![0x82, u8::try_from(length >> 8).unwrap(), u8::try_from(length & 0xff).unwrap()],
    };
    [&[tag][..], &length, contents].concat()
}

/// Returns a name that has nothing but a common name.
fn named(name: &str) -> Vec<u8> {
    let common = [&[0x06, 0x03, 0x55, 0x04, 0x03][..], &part(0x0c, name.as_bytes())].concat();
    part(SEQUENCE, &part(0x31, &part(SEQUENCE, &common)))
}

fn certificate(issuer: &[u8], subject: &[u8], name: &str, extension: &[u8]) -> Vec<u8> {
    let bits = |bytes: &[u8]| part(0x03, &[&[0][..], bytes].concat());
    let algorithm = part(SEQUENCE, SIGNED);
    let public = pair(subject);
    let public =
        part(SEQUENCE, &[part(SEQUENCE, CURVE), bits(public.public_key().as_ref())].concat());
    let valid = [part(0x17, b"200101000000Z"), part(0x18, b"21200101000000Z")].concat();
    let signed = [
        part(0xa0, &[0x02, 0x01, 0x02]),
        vec![0x02, 0x01, 0x01],
        algorithm.clone(),
        named("Koi Company"),
        part(SEQUENCE, &valid),
        named(name),
        public,
        part(0xa3, &part(SEQUENCE, extension)),
    ];
    let signed = part(SEQUENCE, &signed.concat());
    let signature = pair(issuer).sign(&SystemRandom::new(), &signed).unwrap();
    part(SEQUENCE, &[signed, algorithm, bits(signature.as_ref())].concat())
}
