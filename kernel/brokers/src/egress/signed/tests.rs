use super::*;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use url::Url;

fn hop(body: &str) -> Hop {
    Hop {
        url: Url::parse("https://api.example.com/v1/send?a=b").unwrap(),
        method: "POST".to_owned(),
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
        redirected: false,
    }
}

fn scheme(text: &str) -> Signature {
    serde_json::from_str(text).unwrap()
}

/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
#[test]
fn a_body_is_signed_as_github_does() {
    let scheme = scheme(
        r#"{"algorithm":"hmac-sha256","header":"X-Hub-Signature-256","prefix":"sha256=","message":"{body}"}"#,
    );

    let signed =
        sign(&hop("Hello, World!"), &scheme, b"It's a Secret to Everybody", (0, "")).unwrap();

    let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(signed.signature, ("X-Hub-Signature-256", expected.to_owned()));
    assert!(signed.others.is_empty());
}

/// <https://docs.slack.dev/authentication/verifying-requests-from-slack>
#[test]
fn a_time_is_signed_with_the_body_as_slack_does() {
    let scheme = scheme(
        r#"{"algorithm":"hmac-sha256","header":"x-slack-signature","prefix":"v0=",
            "message":"v0:{timestamp}:{body}","timestamp":"x-slack-request-timestamp"}"#,
    );
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F\
                96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    let time = 1_531_420_618_000;
    let signed =
        sign(&hop(body), &scheme, b"8f742231b10e8888abcd99yyyzzz85a5", (time, "")).unwrap();

    let expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    assert_eq!(signed.signature.1, expected);
    assert_eq!(signed.others, [("x-slack-request-timestamp", "1531420618".to_owned())]);
}

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
#[test]
fn an_id_and_a_path_are_signed_where_the_scheme_says_so() {
    let scheme = scheme(
        r#"{"algorithm":"hmac-sha512","encoding":"base64","header":"s","message":"{id}.{method}.{path}.{body}","id":"webhook-id"}"#,
    );

    let signed = sign(&hop("x"), &scheme, b"key", (0, "msg_1")).unwrap();

    let key = hmac::Key::new(hmac::HMAC_SHA512, b"key");
    let expected = hmac::sign(&key, b"msg_1.POST./v1/send?a=b.x");
    assert_eq!(signed.signature.1, STANDARD.encode(expected.as_ref()));
    assert_eq!(signed.others, [("webhook-id", "msg_1".to_owned())]);
}

fn assertion(algorithm: &str) -> Assertion {
    let text = format!(
        r#"{{"algorithm":"{algorithm}","issuer":"app","audience":"api","key-id":"k1","seconds":60}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// Returns the signed part of a token, its signature, and its head and claims.
fn taken_apart(token: &str) -> (String, Vec<u8>, Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part: &str| serde_json::from_slice(&bytes(part)).unwrap();
    let [head, claims, signature] = parts[..] else { panic!("{token}") };
    (format!("{head}.{claims}"), bytes(signature), json(head), json(claims))
}

#[test]
fn a_token_says_who_sends_it_to_whom_and_for_how_long() {
    let token = token(&assertion("hs256"), b"shared", 1_700_000_000_500).unwrap();

    let (signed, signature, head, claims) = taken_apart(&token);
    assert_eq!(head, serde_json::json!({ "alg": "HS256", "kid": "k1", "typ": "JWT" }));
    let expected = serde_json::json!({
        "iss": "app", "aud": "api", "iat": 1_700_000_000, "exp": 1_700_000_060
    });
    assert_eq!(claims, expected);
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"shared");
    assert!(hmac::verify(&key, signed.as_bytes(), &signature).is_ok());
}

/// Returns a key as PEM has it, in lines or in the one line of a variable.
fn pem(der: &[u8], in_lines: bool) -> Vec<u8> {
    let end = if in_lines { "\n" } else { "\\n" };
    let text = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----{end}{text}{end}-----END PRIVATE KEY-----{end}").into()
}

#[test]
fn a_token_is_signed_with_a_private_key() {
    let random = SystemRandom::new();
    let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let der = EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(curve, der.as_ref(), &random).unwrap();
    for in_lines in [true, false] {
        let token = token(&assertion("es256"), &pem(der.as_ref(), in_lines), 0).unwrap();

        let (signed, signature, ..) = taken_apart(&token);
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
        public.verify(signed.as_bytes(), &signature).unwrap();
    }
    for wrong in [&b"shared"[..], &pem(b"nonsense", true)] {
        assert!(token(&assertion("es256"), wrong, 0).is_err());
        assert!(token(&assertion("rs256"), wrong, 0).is_err());
    }
    assert!(token(&assertion("rs256"), &pem(der.as_ref(), true), 0).is_err());
}

/// The key is one that everybody knows (RFC 9500, section 2.1).
#[test]
fn a_token_is_signed_with_a_key_of_rsa() {
    let pem = include_str!("rfc9500.txt").replace("TESTING", "PRIVATE");
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_der(der.secret_der()).unwrap();

    let token = token(&assertion("rs256"), pem.as_bytes(), 0).unwrap();

    let (signed, signature, ..) = taken_apart(&token);
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public().as_ref());
    public.verify(signed.as_bytes(), &signature).unwrap();
}
