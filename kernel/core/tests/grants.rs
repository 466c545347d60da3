//! Properties of the intersection of grants: it never gives more than either side, and never less than both.

#![expect(clippy::expect_used, reason = "what a test needs is there, or the test fails")]

use openkoi_core::{
    capability::{Access, Coverage, Grant, Use},
    pattern::{CommandRule, HttpRule, HttpTarget},
};
use proptest::{collection::vec, prelude::*, sample::select};

const HOSTS: [&str; 7] = [
    "*",
    "*.example.com",
    "a.example.com",
    "example.com",
    "localhost",
    "127.0.0.1",
    "*.corp.internal",
];
const ASKED_HOSTS: [&str; 8] = [
    "a.example.com",
    "b.example.com",
    "x.a.example.com",
    "example.com",
    "localhost",
    "127.0.0.1",
    "pc.corp.internal",
    "-.example.com",
];
const PATHS: [&str; 9] = [
    "/**",
    "/v1/**",
    "/v1/*",
    "/*/items",
    "/v1/i*s",
    "/v1/items",
    "/**/items",
    "/v1/**/items",
    "/",
];
const ASKED_PATHS: [&str; 9] = [
    "/",
    "/v1",
    "/v1/items",
    "/v1/a/items",
    "/v2/items",
    "/v1//items",
    "/v1/is",
    "/v1/i%2Fs",
    "/items",
];
const METHODS: [&str; 4] = ["", "GET ", "POST ", "GET,POST "];
const PROGRAMS: [&str; 4] = ["*", "git", "sh", "cargo"];
const INTERFACES: [&str; 3] = ["state", "records", "memory"];
const ROLES: [&str; 3] = ["small", "planner", "evaluator"];

fn rule() -> impl Strategy<Value = HttpRule> {
    let schemes = select(vec!["https://", "http://"]);
    (select(&METHODS[..]), schemes, select(&HOSTS[..]), select(&PATHS[..])).prop_map(
        |(methods, scheme, host, path)| {
            format!("{methods}{scheme}{host}{path}").parse().expect("a rule")
        },
    )
}

fn grant() -> impl Strategy<Value = Grant> {
    let program = select(&PROGRAMS[..]).prop_map(|one| one.parse::<CommandRule>().expect("a rule"));
    let role = (select(&ROLES[..]), proptest::option::of(1_u32..4));
    (
        proptest::option::of(select(vec![Access::Read, Access::Write])),
        vec(rule(), 0..4),
        vec(program, 0..3),
        any::<bool>(),
        vec(role, 0..3),
        vec(select(&INTERFACES[..]), 0..3),
    )
        .prop_map(|(files, http, commands, network, roles, whole)| Grant {
            files,
            http,
            commands,
            network,
            roles: roles.into_iter().map(|(role, most)| (role.to_owned(), most)).collect(),
            whole: whole.into_iter().map(str::to_owned).collect(),
            asked: None,
        })
}

fn requests() -> impl Iterator<Item = HttpTarget<'static>> {
    let hosts =
        ASKED_HOSTS.iter().flat_map(|host| ASKED_PATHS.iter().map(move |path| (host, path)));
    hosts.flat_map(|(host, path)| {
        ["GET", "POST", "DELETE"].into_iter().flat_map(move |method| {
            [(true, 443), (false, 80), (true, 8443)].into_iter().map(move |(secure, port)| {
                HttpTarget { method, secure, host, port, path, query: "" }
            })
        })
    })
}

fn uses() -> Vec<Use<'static>> {
    let programs = ["git", "sh", "rm", "./git"];
    let programs = programs.into_iter().map(|program| Use::Process { program, line: program });
    let whole = INTERFACES.into_iter().map(|interface| Use::Whole { interface, target: interface });
    [Use::Files(Access::Read), Use::Files(Access::Write), Use::Model("nobody")]
        .into_iter()
        .chain(requests().map(Use::Http))
        .chain(programs)
        .chain(whole)
        .chain(ROLES.into_iter().map(Use::Model))
        .collect()
}

/// Returns the most tokens of a turn; the largest number stands for no limit.
fn ceiling(grant: &Grant, role: &str) -> u64 {
    grant.roles.get(role).map_or(0, |most| most.map_or(u64::MAX, u64::from))
}

proptest! {
    #[test]
    fn the_intersection_covers_exactly_what_both_sides_cover(a in grant(), b in grant()) {
        let both = a.intersect(&b);

        for wanted in uses() {
            let covers = |grant: &Grant| grant.coverage(&wanted) != Coverage::None;
            prop_assert_eq!(covers(&both), covers(&a) && covers(&b), "{:?}", wanted);
        }
        for role in ROLES {
            prop_assert_eq!(ceiling(&both, role), ceiling(&a, role).min(ceiling(&b, role)));
        }
        prop_assert_eq!(both.network, a.network && b.network);
    }

    #[test]
    fn a_private_address_is_left_open_by_both_sides_or_not_at_all(a in grant(), b in grant()) {
        for rule in a.intersect(&b).http {
            prop_assert_eq!(rule.private, rule.host.is_private_literal());
        }
    }
}

#[test]
fn a_rule_that_is_within_another_covers_no_request_that_the_other_does_not() {
    let all = HOSTS.iter().flat_map(|host| PATHS.iter().map(move |path| (host, path)));
    let all = all.flat_map(|(host, path)| {
        ["", "GET "].map(|method| format!("{method}https://{host}{path}").parse().expect("a rule"))
    });
    let all: Vec<HttpRule> = all.collect();
    let mut within = 0;
    for own in &all {
        for wide in all.iter().filter(|wide| own.is_within(wide)) {
            within += 1;
            let beyond = requests().find(|target| own.matches(target) && !wide.matches(target));
            assert_eq!(beyond, None, "{own} is not within {wide}");
        }
    }
    // Each is within itself, and some are within others.
    assert!(within > 3 * all.len(), "{within} of {}", all.len());
}
