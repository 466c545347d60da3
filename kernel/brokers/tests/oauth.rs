//! Logins against a strict authorization server: made, kept, renewed (security.md, 169, 171 and 217).
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

mod support {
    pub(crate) mod logins;
}

use std::{os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use openkoi_brokers::{
    egress::EgressError,
    oauth::{AccessToken, LoginError},
    secrets::Secret,
};
use openkoi_core::credential::SecretSource;
use openkoi_test_support::authorization::{
    ACCOUNT, Authorization, Dialect, Poll, USER_CODE, access_token, refresh_token, session_token,
};
use serde_json::{Value, json};
use support::logins::{World, carried};

#[tokio::test]
async fn a_person_logs_in_with_a_code() {
    let server = Authorization::start(Dialect::Standard, [Poll::Pending, Poll::Pending]);
    let world = World::new(&server);

    let waiting = world.begin().await.unwrap();

    assert_eq!(waiting.user_code(), USER_CODE);
    assert_eq!(waiting.verification_url(), format!("http://{}/page", server.host()));
    assert_eq!(waiting.lifetime(), Duration::from_secs(600));
    waiting.wait().await.unwrap();
    assert_eq!(server.asked(), ["device", "poll", "poll", "poll"]);
    assert_eq!(world.clock.pauses(), [5, 5, 5]);
    assert_eq!(
        world.stored()["providers"]["work"],
        json!({
            "type": "oauth", "access_token": access_token(1), "refresh_token": refresh_token(1),
            "expires_at": world.clock.now() + 3_600,
            "extra": { "issuer": server.host(), "headers": {} },
        })
    );
    let mode = std::fs::metadata(world.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(carried(&world.access().await.unwrap()), access_token(1));
    server.finish();
}

#[tokio::test]
async fn a_person_logs_in_to_a_service_that_answers_with_an_authorization_code() {
    let server = Authorization::start(Dialect::Code, [Poll::Pending, Poll::SlowDown]);
    let world = World::new(&server);

    let waiting = world.begin().await.unwrap();
    assert_eq!(waiting.verification_url(), format!("http://{}/page", server.host()));
    waiting.wait().await.unwrap();

    assert_eq!(server.asked(), ["device", "poll", "poll", "poll", "code"]);
    assert_eq!(world.clock.pauses(), [5, 5, 10]);
    let access = world.access().await.unwrap();
    assert_eq!(carried(&access), access_token(1));
    assert_eq!(access.headers, [("X-Account-Id".to_owned(), ACCOUNT.to_owned())]);
    server.finish();
}

#[tokio::test]
async fn the_issued_token_is_exchanged_for_a_session_token_that_is_kept() {
    let server = Authorization::start(Dialect::Session, [Poll::Pending]);
    server.endpoint("http://127.0.0.1:9/v1/");
    let world = World::new(&server);

    world.begin().await.unwrap().wait().await.unwrap();

    let access = world.access().await.unwrap();
    assert_eq!(carried(&access), session_token(2));
    assert_eq!(access.base_url.as_deref(), Some("http://127.0.0.1:9/v1"));
    assert_eq!(
        carried(&world.other().access("work", &world.login).await.unwrap()),
        session_token(2)
    );
    assert_eq!(server.asked(), ["device", "poll", "poll", "session"]);
    assert_eq!(world.stored()["providers"]["work"]["refresh_token"], access_token(1));

    world.clock.advance(3_590);
    assert_eq!(carried(&world.access().await.unwrap()), session_token(3));
    assert_eq!(server.count("session"), 2);
    server.finish();
}

#[tokio::test]
async fn an_account_that_may_not_use_the_service_fails_at_its_login() {
    let server = Authorization::start(Dialect::Session, []);
    server.refuse_sessions();
    let world = World::new(&server);

    let error = world.begin().await.unwrap().wait().await.unwrap_err();

    let reason = "this account has no subscription".to_owned();
    assert!(matches!(&error, LoginError::Refused { reason: said } if *said == reason), "{error}");
    assert!(!world.file().exists());
    server.finish();
}

#[tokio::test]
async fn an_answer_does_not_lead_to_a_host_that_the_login_does_not_name() {
    let server = Authorization::start(Dialect::Session, []);
    server.endpoint("https://evil.example/v1");
    let world = World::new(&server);

    let error = world.begin().await.unwrap().wait().await.unwrap_err();

    assert!(error.to_string().contains("evil.example"), "{error}");
    assert!(matches!(error, LoginError::Answer { .. }));
    assert!(!world.file().exists());
    server.finish();
}

#[tokio::test]
async fn a_service_that_asks_to_slow_down_is_polled_less_often() {
    let server =
        Authorization::start(Dialect::Standard, [Poll::SlowDown, Poll::Pending, Poll::SlowDown]);
    let world = World::new(&server);

    world.begin().await.unwrap().wait().await.unwrap();

    assert_eq!(world.clock.pauses(), [5, 10, 10, 15]);
    server.finish();
}

#[tokio::test]
async fn a_code_that_nobody_uses_expires() {
    for dialect in [Dialect::Standard, Dialect::Session] {
        let server = Authorization::start(dialect, [Poll::Pending; 400]);
        server.code_life(60);
        let world = World::new(&server);

        let error = world.begin().await.unwrap().wait().await.unwrap_err();

        assert!(matches!(error, LoginError::Expired), "{error}");
        assert_eq!(server.count("poll"), 11);
        server.finish();
    }
    let server = Authorization::start(Dialect::Standard, [Poll::Pending, Poll::Expired]);
    let error = World::new(&server).begin().await.unwrap().wait().await.unwrap_err();
    assert!(matches!(error, LoginError::Expired), "{error}");
    server.finish();
}

#[tokio::test]
async fn a_login_that_the_person_refuses_ends() {
    for dialect in [Dialect::Standard, Dialect::Session] {
        let server = Authorization::start(dialect, [Poll::Pending, Poll::Denied]);
        let world = World::new(&server);

        let error = world.begin().await.unwrap().wait().await.unwrap_err();

        assert!(matches!(error, LoginError::Denied), "{error}");
        assert!(!world.file().exists());
        server.finish();
    }
    let server = Authorization::start(Dialect::Code, [Poll::Denied]);
    let error = World::new(&server).begin().await.unwrap().wait().await.unwrap_err();
    assert!(matches!(error, LoginError::Refused { .. }), "{error}");
    server.finish();
}

#[tokio::test]
async fn a_login_goes_on_after_the_network_failed_for_a_while() {
    for dialect in [Dialect::Standard, Dialect::Code] {
        let polls = [Poll::Pending, Poll::HangUp, Poll::HangUp, Poll::Broken, Poll::Pending];
        let server = Authorization::start(dialect, polls);
        let world = World::new(&server);

        world.begin().await.unwrap().wait().await.unwrap();

        assert_eq!(world.clock.pauses(), [5, 5, 10, 20, 25, 25]);
        server.finish();
    }
}

#[tokio::test]
async fn a_token_is_renewed_when_less_than_a_minute_is_left() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.begin().await.unwrap().wait().await.unwrap();

    world.clock.advance(3_539);
    assert_eq!(carried(&world.access().await.unwrap()), access_token(1));
    world.clock.advance(1);
    assert_eq!(carried(&world.access().await.unwrap()), access_token(2));

    assert_eq!(world.stored()["providers"]["work"]["refresh_token"], refresh_token(2));
    world.clock.advance(3_600);
    assert_eq!(carried(&world.access().await.unwrap()), access_token(3));
    assert_eq!(server.count("refresh"), 2);
    server.finish();
}

#[tokio::test]
async fn many_requests_at_once_make_one_renewal() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.keep_expired(&server);
    server.delay(Duration::from_millis(50));

    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (logins, login) = (world.other(), world.login.clone());
            tokio::spawn(async move { logins.access("work", &login).await })
        })
        .collect();

    for task in tasks {
        assert_eq!(carried(&task.await.unwrap().unwrap()), access_token(1));
    }
    assert_eq!(server.asked(), ["refresh"]);
    server.finish();
}

#[tokio::test]
async fn a_slow_service_does_not_delay_other_logins() {
    let (slow, quick) =
        (Authorization::start(Dialect::Standard, []), Authorization::start(Dialect::Standard, []));
    let (world, other) = (World::new(&slow), World::new(&quick));
    world.keep_expired(&slow);
    quick.accepts("koi-refresh-old-0123456789");
    let mut document = world.stored();
    document["providers"]["pond/2"] = document["providers"]["work"].clone();
    document["providers"]["pond/2"]["extra"]["issuer"] = json!(quick.host());
    world.write(&document);
    slow.delay(Duration::from_secs(25));
    let (logins, login) = (world.logins.clone(), world.login.clone());
    let waiting = tokio::spawn(async move { logins.access("work", &login).await });
    let asked = async {
        while slow.count("refresh") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap();

    for logins in [&world.logins, &world.other()] {
        assert!(logins.access("pond/2", &other.login).await.is_ok());
    }

    assert!(!waiting.is_finished());
    assert_eq!(quick.asked(), ["refresh"]);
    waiting.abort();
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_requests() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.begin().await.unwrap().wait().await.unwrap();
    let rejected = world.access().await.unwrap().secret;
    let (one, other) = (world.other(), world.other());

    let first = one.renewed("work", &world.login, &rejected).await.unwrap();
    let second = other.renewed("work", &world.login, &rejected).await.unwrap();

    assert_eq!([carried(&first), carried(&second)], [access_token(2), access_token(2)]);
    assert_eq!(server.count("refresh"), 1);
    server.finish();
}

#[tokio::test]
async fn a_login_that_has_ended_says_how_to_log_in_again() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.keep_expired(&server);
    server.revoke();
    let before = world.stored();

    let error = world.access().await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "the login for `work` has ended: invalid_grant: the token was used before"
    );
    assert_eq!(error.hint().as_deref(), Some("openkoi connect work"));
    assert_eq!(world.stored(), before);
    server.finish();
}

#[tokio::test]
async fn a_token_goes_back_to_its_issuer_only() {
    let server = Authorization::start(Dialect::Standard, []);
    let other = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.begin().await.unwrap().wait().await.unwrap();
    world.clock.advance(4_000);

    let login = serde_json::from_value(other.login()).unwrap();
    let error = world.logins.access("work", &login).await.unwrap_err();

    assert!(matches!(error, LoginError::Issuer { .. }), "{error}");
    assert_eq!(other.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_clock_that_is_off_does_not_make_every_request_renew() {
    let server = Authorization::start(Dialect::Session, []);
    server.token_life(Some(0));
    let world = World::new(&server);
    world.begin().await.unwrap().wait().await.unwrap();

    for _ in 0..5 {
        world.access().await.unwrap();
    }
    assert_eq!(server.count("session"), 2);

    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.begin().await.unwrap().wait().await.unwrap();
    for hour in [3_600_i64, -3_600, 3_600, -3_600] {
        world.clock.jump(hour);
        world.access().await.unwrap();
    }
    assert!(server.count("refresh") <= 2, "{:?}", server.asked());
    server.finish();
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_until_the_service_says_no() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.write(&json!({ "providers": { "work": {
        "type": "oauth", "access_token": "koi-only-0123456789", "refresh_token": "koi-only-0123456789",
        "expires_at": 1, "extra": {},
    } } }));

    let access = world.access().await.unwrap();
    assert_eq!(carried(&access), "koi-only-0123456789");
    let error = world.logins.renewed("work", &world.login, &access.secret).await.unwrap_err();

    assert!(matches!(error, LoginError::Ended { .. }), "{error}");
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_new_token_is_kept_although_its_request_was_cancelled() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.keep_expired(&server);
    server.delay(Duration::from_millis(200));

    let asking = world.access();
    assert!(tokio::time::timeout(Duration::from_millis(100), asking).await.is_err());

    world.until_stored(&access_token(1)).await;
    assert_eq!(world.stored()["providers"]["work"]["refresh_token"], refresh_token(1));
    server.finish();
}

#[tokio::test]
async fn entries_of_other_programs_stay_in_the_file() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    let others = json!({
        "version": 7,
        "providers": {
            "other": { "type": "api_key", "key": "koi-key-0123456789" },
            "strange": [1, 2],
            "work": {
                "type": "oauth", "access_token": "a", "refresh_token": "b", "expires_at": 1,
                "note": "mine", "extra": { "colour": "red" },
            },
        },
    });
    world.write(&others);

    world.begin().await.unwrap().wait().await.unwrap();

    let mut expected = others;
    let work = &mut expected["providers"]["work"];
    work["access_token"] = json!(access_token(1));
    work["refresh_token"] = json!(refresh_token(1));
    work["expires_at"] = json!(world.clock.now() + 3_600);
    work["extra"]["issuer"] = json!(server.host());
    work["extra"]["headers"] = json!({});
    assert_eq!(world.stored(), expected);
    assert!(world.secrets.has(&[SecretSource::Login("work".to_owned())]));
    assert!(!world.secrets.has(&[SecretSource::Login("other".to_owned())]));
    let names: Vec<_> = world.logins.list().unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["work"]);
    server.finish();
}

#[tokio::test]
async fn a_broken_file_is_an_error_and_never_replaced() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.begin().await.unwrap().wait().await.unwrap();
    let whole = std::fs::read(world.file()).unwrap();
    world.clock.advance(4_000);

    let cut = (0..whole.len()).map(|at| whole[..at].to_vec());
    for bytes in cut.chain([vec![0; whole.len()], b"[]".to_vec(), b"{\"providers\":[]}".to_vec()]) {
        std::fs::write(world.file(), &bytes).unwrap();

        let error = world.access().await.unwrap_err();
        assert!(matches!(error, LoginError::Broken { .. }), "{error}: {bytes:?}");
        assert!(!error.to_string().contains("koi-"), "{error}");
        assert!(world.logins.logout("work").await.is_err());
        assert!(matches!(world.begin().await.unwrap_err(), LoginError::Broken { .. }));
        assert_eq!(std::fs::read(world.file()).unwrap(), bytes);
    }
    assert_eq!(server.count("refresh"), 0);
    server.finish();
}

#[tokio::test]
async fn a_file_that_others_can_read_is_refused() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.begin().await.unwrap().wait().await.unwrap();
    std::fs::set_permissions(world.file(), std::fs::Permissions::from_mode(0o644)).unwrap();

    let error = world.access().await.unwrap_err();

    assert!(error.to_string().contains("chmod 600"), "{error}");
    server.finish();
}

#[tokio::test]
async fn tokens_are_redacted_and_go_to_no_other_host() {
    let server = Authorization::start(Dialect::Standard, []);
    let elsewhere = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.begin().await.unwrap().wait().await.unwrap();

    let access = world.access().await.unwrap();

    let text = format!("{} and {}", access_token(1), refresh_token(1));
    assert_eq!(world.secrets.redact_str(&text), "[redacted] and [redacted]");
    let shown = format!("{access:?} {:?} {:?}", world.logins, world.logins.list());
    assert!(!shown.contains("koi-access") && !shown.contains("koi-refresh"), "{shown}");
    for token in [access_token(1), refresh_token(1)] {
        let error: EgressError = world.post(&elsewhere, &token).await.unwrap_err();
        assert!(error.message.contains("login work") && !error.message.contains(&token), "{error}");
    }
    assert_eq!(elsewhere.asked(), Vec::<String>::new());
    server.finish();
}

#[tokio::test]
async fn a_logout_removes_one_login_and_leaves_the_others() {
    let server = Authorization::start(Dialect::Standard, []);
    let world = World::new(&server);
    world.begin().await.unwrap().wait().await.unwrap();
    let mut document = world.stored();
    document["providers"]["home"] = document["providers"]["work"].clone();
    world.write(&document);

    assert!(world.logins.logout("work").await.unwrap());
    assert!(!world.logins.logout("work").await.unwrap());

    let error = world.access().await.unwrap_err();
    assert!(matches!(error, LoginError::Absent { .. }), "{error}");
    assert_eq!(error.hint().as_deref(), Some("openkoi connect work"));
    assert!(world.logins.access("home", &world.login).await.is_ok());
    server.finish();
}

#[tokio::test]
async fn a_malformed_answer_is_an_error_that_does_not_repeat_it() {
    let token = "koi-canary-0123456789";
    let answers = [
        (200, String::new()),
        (200, "<html>".to_owned()),
        (200, format!("{{\"access_token\":\"{token}\"")),
        (200, format!("{{\"access_token\":\"{token}\",\"token_type\":\"mac\"}}")),
        (200, format!("{{\"access_token\":\"{token}\\n\"}}")),
        (200, "{\"access_token\":\"\"}".to_owned()),
        (200, "[]".to_owned()),
        (302, String::new()),
        (418, "{\"error\":\"\\u001b[2J teapot\"}".to_owned()),
    ];
    for (status, body) in answers {
        let server = Authorization::start(Dialect::Standard, []);
        let world = World::new(&server);
        world.keep_expired(&server);
        let before = world.stored();
        server.answer(status, &body);

        let error = world.access().await.unwrap_err();

        assert!(
            matches!(error, LoginError::Answer { .. } | LoginError::Refused { .. }),
            "{status} {body}: {error:?}"
        );
        let text = format!("{error} {error:?}");
        assert!(!text.contains(token) && !text.contains('\u{1b}'), "{text}");
        assert_eq!(world.stored(), before, "{body}");
    }
}

#[tokio::test]
async fn a_server_that_is_out_of_order_does_not_end_a_login() {
    for (status, body) in [(500, "{}"), (503, "<html>"), (429, "{}")] {
        let server = Authorization::start(Dialect::Standard, []);
        let world = World::new(&server);
        world.keep_expired(&server);
        server.answer(status, body);

        let error = world.access().await.unwrap_err();

        assert!(matches!(error, LoginError::Unreachable { .. }), "{error:?}");
        assert!(error.hint().is_none());
    }
}

#[tokio::test]
async fn a_login_that_another_program_wrote_is_read() {
    let server = Authorization::start(Dialect::Code, []);
    let world = World::new(&server);
    let id = openkoi_test_support::authorization::id_token();
    // In milliseconds, and with the account in the token itself.
    world.write(&json!({ "providers": { "work": {
        "type": "oauth", "access_token": id, "refresh_token": "koi-theirs-0123456789",
        "expires_at": (world.clock.now() + 1_000) * 1_000,
    } } }));

    let access: AccessToken = world.access().await.unwrap();

    assert_eq!(access.headers, [("X-Account-Id".to_owned(), ACCOUNT.to_owned())]);
    assert_eq!(server.asked(), Vec::<String>::new());
    let secret: Arc<Secret> = Arc::new(access.secret);
    assert_eq!(format!("{secret:?}"), "Secret([redacted])");
    let listed: Vec<Value> =
        world.logins.list().unwrap().iter().map(|one| json!(one.expires_at)).collect();
    assert_eq!(listed, [json!(world.clock.now() + 1_000)]);
}
