//! AWS's own examples: its test suite for Signature Version 4, and the request to `ListUsers` of its guide. A path of
//! the suite is not yet encoded, so here it is given as a service sees it before it encodes.

use super::*;
use crate::secrets::Secret;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NOON: &str = "20150830T123600Z";
const SESSION: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

fn hop(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Hop {
    let headers =
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    Hop {
        url: Url::parse(url).unwrap(),
        method: method.to_owned(),
        headers: headers.collect(),
        body: body.as_bytes().to_vec(),
        redirected: false,
    }
}

fn authorization(hop: &Hop, service: &str, token: Option<&str>) -> String {
    let token = token.map(|token| token.as_bytes().to_vec());
    let secret = Secret::signing("AKIDEXAMPLE".to_owned(), SECRET.as_bytes().to_vec(), token);
    let scope = SigningScope { service, region: "us-east-1", time: NOON };
    sign(hop, secret.expose(), secret.signer().unwrap(), &scope)
}

fn signature(hop: &Hop, token: Option<&str>) -> String {
    let value = authorization(hop, "service", token);
    value.rsplit_once('=').unwrap().1.to_owned()
}

#[test]
fn the_requests_of_the_suite_of_aws_get_its_signatures() {
    let example = "https://example.amazonaws.com";
    let get = |path: &str| signature(&hop("GET", &format!("{example}{path}"), &[], ""), None);
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

    assert_eq!(get("/"), vanilla);
    assert_eq!(get("//"), vanilla);
    assert_eq!(get("/example/.."), vanilla);
    assert_eq!(
        get("/?Param2=value2&Param1=value1"),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    );
    assert_eq!(
        get("//example//"),
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"
    );
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(
        signature(&hop("POST", example, &form, "Param1=value1"), None),
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    );
    assert_eq!(
        signature(&hop("POST", example, &[], ""), None),
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    );
    assert_eq!(
        signature(&hop("POST", example, &[], ""), Some(SESSION)),
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
    );
}

#[test]
fn the_example_of_the_guide_gets_its_signature() {
    let type_of_form = "application/x-www-form-urlencoded; charset=utf-8";
    let url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08";
    let hop = hop("GET", url, &[("content-type", type_of_form), ("accept", "*/*")], "");
    let signer = Signing { id: "AKIDEXAMPLE".to_owned(), token: None };
    let scope = SigningScope { service: "iam", region: "us-east-1", time: NOON };

    let (canonical, _) = canonical(&hop, &headers(&hop, &signer, &scope));

    assert_eq!(
        hex(&Sha256::digest(canonical.as_bytes())),
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    );
    assert_eq!(
        authorization(&hop, "iam", None),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

#[test]
fn the_sent_path_is_encoded_once_more() {
    let signed = |sent: &str| path(&Url::parse(&format!("https://h{sent}")).unwrap());

    assert_eq!(signed("/model/nova-v1%3A0/converse"), "/model/nova-v1%253A0/converse");
    assert_eq!(signed("/model/nova-v1:0/converse"), "/model/nova-v1%3A0/converse");
    assert_eq!(
        signed("/model/arn%3Aaws%3Ab%3A%3A1%2Fx/c"),
        "/model/arn%253Aaws%253Ab%253A%253A1%252Fx/c"
    );
    assert_eq!(signed("/a b/~-._"), "/a%2520b/~-._");
    assert_eq!(signed(""), "/");
}

#[test]
fn a_port_of_its_own_and_headers_of_aws_are_signed() {
    let sent = [("X-Amz-Target", "  a   b "), ("x-amz-target", "c"), ("x-other", "d")];
    let signer = Signing { id: "id".to_owned(), token: Some(Secret::new(b"t".to_vec())) };
    let scope = SigningScope { service: "s", region: "r", time: NOON };

    let headers = headers(&hop("POST", "http://127.0.0.1:8080/", &sent, ""), &signer, &scope);

    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        headers,
        [
            pair("host", "127.0.0.1:8080"),
            pair("x-amz-date", NOON),
            pair("x-amz-security-token", "t"),
            pair("x-amz-target", "a b,c"),
        ]
    );
}

#[test]
fn the_time_is_written_as_aws_wants_it() {
    assert_eq!(time(1_440_938_160_000), NOON);
    assert_eq!(time(0), "19700101T000000Z");
    assert_eq!(time(u64::MAX), "19700101T000000Z");
}
