use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::tool::Effect;

fn tally(accepted: u64, decided: u64) -> Tally {
    Tally { accepted, decided }
}

#[test]
fn advice_needs_five_tasks_and_both_the_share_and_what_is_certain_of_it() {
    use Advice::{Keep, Lower, Raise, TooFew};
    use TrustLevel::{Act, Ask, Autonomous, Suggest};
    for (level, outcomes, expected) in [
        (Act, tally(0, 0), TooFew(5)),
        (Act, tally(4, 4), TooFew(1)),
        // Five of five may well be 60 %.
        (Act, tally(5, 5), Keep),
        (Act, tally(16, 16), Raise(Autonomous)),
        (Suggest, tally(57, 60), Raise(Act)),
        (Suggest, tally(56, 60), Keep),
        (Autonomous, tally(60, 60), Keep),
        (Act, tally(2, 5), Lower(Suggest)),
        // Four of five is 80 %.
        (Act, tally(4, 5), Keep),
        (Ask, tally(0, 5), Keep),
        (Autonomous, tally(70, 100), Lower(Act)),
    ] {
        assert_eq!(advise(level, outcomes), expected, "{level} {outcomes:?}");
    }
}

#[test]
fn a_named_action_is_read_as_it_is_written() {
    for text in ["send_mail", "send_mail=a@b.c", "http=POST https://x/*"] {
        let named: NamedAction = text.parse().unwrap();
        assert_eq!(named.to_string(), text);
    }
    for text in ["", "=x", "send_mail=", "send mail"] {
        text.parse::<NamedAction>().unwrap_err();
    }
    let named: NamedAction = "http=POST https://x/*".parse().unwrap();
    assert!(named.covers("http", "POST https://x/a"));
    assert!(!named.covers("http", "POST https://y/a"));
    assert!(!named.covers("send", "POST https://x/a"));
}

const DOMAINS: [&str; 3] = ["mail", "shell", "files"];
const PLACES: [&str; 2] = ["/pond", "/lake"];

/// What happens to trust.
#[derive(Clone, Debug)]
enum Step {
    Grant {
        domain: usize,
        place: Option<usize>,
        level: usize,
        lasts: Option<u64>,
    },
    Revoke {
        domain: usize,
        place: Option<usize>,
    },
    /// Work of `autonomous` in a place is undone.
    Undo {
        domain: usize,
        place: usize,
    },
    Wait(u64),
    Ask {
        domain: usize,
        place: usize,
        effect: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let place = || prop::option::of(0..2_usize);
    prop_oneof![
        (0..3_usize, place(), 0..4_usize, prop::option::of(1..50_u64))
            .prop_map(|(domain, place, level, lasts)| Step::Grant { domain, place, level, lasts }),
        (0..3_usize, place()).prop_map(|(domain, place)| Step::Revoke { domain, place }),
        (0..3_usize, 0..2_usize).prop_map(|(domain, place)| Step::Undo { domain, place }),
        (1..30_u64).prop_map(Step::Wait),
        (0..3_usize, 0..2_usize, 0..5_usize).prop_map(|(domain, place, effect)| Step::Ask {
            domain,
            place,
            effect
        }),
    ]
}

/// The rules in the plainest form: one grant at most for each domain and place, with what is left of its time.
#[derive(Default)]
struct Model(BTreeMap<(usize, Option<usize>), (TrustLevel, Option<u64>)>);

impl Model {
    fn level(&self, configured: &Trust, domain: usize, place: usize) -> TrustLevel {
        let here = self.0.get(&(domain, Some(place))).or(self.0.get(&(domain, None)));
        let ceiling = configured.domains.get(DOMAINS[domain]);
        match (here, ceiling) {
            (Some((level, _)), Some(ceiling)) if level > ceiling => *ceiling,
            (Some((level, _)), _) => *level,
            (None, Some(ceiling)) => *ceiling,
            (None, None) => configured.fallback,
        }
    }

    fn wait(&mut self, time: u64) {
        self.0.retain(|_, (_, left)| left.is_none_or(|left| left > time));
        self.0.values_mut().for_each(|(_, left)| *left = left.map(|left| left - time));
    }
}

fn end(all: &mut [Delegation], at: u64, why: DelegationEnd, which: impl Fn(&Delegation) -> bool) {
    let open = all.iter_mut().filter(|one| one.ended.is_none() && which(one));
    open.for_each(|one| one.ended = Some((at, why)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn grants_outcomes_and_requests_follow_the_rules(
        steps in prop::collection::vec(step(), 1..60),
        ceilings in prop::collection::vec(prop::option::of(0..4_usize), 3),
        fallback in 0..4_usize,
    ) {
        let named = ceilings.iter().enumerate().filter_map(|(at, level)| Some((DOMAINS[at].to_owned(), TrustLevel::ALL[(*level)?])));
        let configured = Trust { domains: named.collect(), fallback: TrustLevel::ALL[fallback], ..Trust::default() };
        let (mut model, mut all, mut now) = (Model::default(), Vec::<Delegation>::new(), 0_u64);
        let at = |place: Option<usize>| place.map(|place| PLACES[place].to_owned());
        for step in steps {
            match step {
                Step::Grant { domain, place, level, lasts } => {
                    let level = TrustLevel::ALL[level];
                    end(&mut all, now, DelegationEnd::Replaced, |one| one.domain == DOMAINS[domain] && one.workspace == at(place));
                    all.push(Delegation {
                        id: all.len() as u64 + 1, domain: DOMAINS[domain].to_owned(), workspace: at(place), level,
                        names: Vec::new(), reason: String::new(), granted_ms: now,
                        expires_ms: lasts.map(|lasts| now + lasts), ended: None,
                    });
                    model.0.insert((domain, place), (level, lasts));
                }
                Step::Revoke { domain, place } => {
                    end(&mut all, now, DelegationEnd::Revoked, |one| one.domain == DOMAINS[domain] && one.workspace == at(place));
                    model.0.remove(&(domain, place));
                }
                Step::Undo { domain, place } => {
                    end(&mut all, now, DelegationEnd::Undone, |one| one.answers_for(DOMAINS[domain], PLACES[place], now));
                    for place in [Some(place), None] {
                        let key = (domain, place);
                        if model.0.get(&key).is_some_and(|(level, _)| *level == TrustLevel::Autonomous) {
                            model.0.remove(&key);
                        }
                    }
                }
                Step::Wait(time) => {
                    // A run that goes on meanwhile is held to the end of a grant, too.
                    let before = PLACES.map(|place| trust_in(&configured, &all, place, now));
                    now += time;
                    model.wait(time);
                    for (running, place) in before.iter().zip(PLACES) {
                        for domain in DOMAINS {
                            let after = trust_in(&configured, &all, place, now).level(domain);
                            prop_assert!(running.level_at(domain, now) <= after);
                        }
                    }
                }
                Step::Ask { domain, place, effect } => {
                    let effect = [Effect::Read, Effect::Write, Effect::Execute, Effect::Send, Effect::Destructive][effect];
                    let trust = trust_in(&configured, &all, PLACES[place], now);
                    let level = model.level(&configured, domain, place);
                    prop_assert_eq!(trust.level_at(DOMAINS[domain], now), level);
                    prop_assert_eq!(trust.level_at(DOMAINS[domain], now).allows(effect), level.allows(effect));
                }
            }
        }
    }
}
