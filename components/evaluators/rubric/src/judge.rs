//! The conversation with the judge.

use openkoi_sdk::conversation::{
    Completion, Message, Part, Speaker, ToolCall, ToolChoice, ToolResult,
};
use openkoi_sdk::evaluator::{Rubric, Subject, Verdict};
use openkoi_sdk::model::Prompt;
use openkoi_sdk::{Failure, Result};

use crate::citation::Places;
use crate::earlier::Earlier;
use crate::fence::fenced;
use crate::ruling::{self, Ruling};
use crate::world::World;
use crate::{prompt, tools};

/// The most times that the judge may look at files before it has to rule.
const ROUNDS: u32 = 6;

/// The most calls that are answered in one round.
const CALLS: usize = 8;

/// The most tokens of one turn. A ruling is short, but a model that reasons writes its thoughts first.
const TOKENS: u32 = 16_000;

/// Has `subject` judged by its rubric.
pub(crate) fn evaluate(subject: &Subject, world: &dyn World) -> Result<Verdict> {
    let Some(rubric) = &subject.rubric else {
        return Err(Failure::invalid("/rubric", "there is no rubric to judge by"));
    };
    if rubric.dimensions.is_empty() {
        return Err(Failure::invalid("/rubric", "the rubric has no dimensions"));
    }
    world.say(&format!("judging by the rubric {}", rubric.name));
    let ruling = Judge::new(subject, rubric, world).rule()?;
    let summary = summary(&ruling);
    Ok(Verdict { scores: ruling.scores, findings: ruling.findings, ..Verdict::new(summary) })
}

/// What the ruling does not speak of stands.
fn stood(mut ruling: Ruling) -> Ruling {
    ruling.findings.append(&mut ruling.open);
    ruling
}

/// `correctness=9.2 safety=9.5`
fn summary(ruling: &Ruling) -> String {
    if ruling.scores.is_empty() {
        return "no scores; what was found before stands".to_owned();
    }
    let scores = ruling.scores.iter();
    let parts = scores.map(|score| format!("{}={:.1}", score.dimension, score.value * 10.0));
    parts.collect::<Vec<_>>().join(" ")
}

struct Judge<'a> {
    subject: &'a Subject,
    rubric: &'a Rubric,
    places: Places<'a>,
    world: &'a dyn World,
    prompt: Prompt,
    /// What it found before, in earlier work or in a ruling that did not hold.
    earlier: Earlier,
    /// Rounds of looking at files that are left.
    rounds: u32,
    /// Why the last ruling did not hold. The next one has to.
    objection: Option<String>,
}

impl<'a> Judge<'a> {
    fn new(subject: &'a Subject, rubric: &'a Rubric, world: &'a dyn World) -> Self {
        let prompt = Prompt::new(prompt::SYSTEM, prompt::case(subject, rubric)).max_tokens(TOKENS);
        let places = Places::new(subject, world);
        let earlier = Earlier::new(&subject.earlier);
        let (rounds, objection) = (ROUNDS, None);
        let mut judge = Self { subject, rubric, places, world, prompt, earlier, rounds, objection };
        judge.offer();
        judge
    }

    /// Offers the tools. What was found before is asked for where there is something.
    fn offer(&mut self) {
        let names: Vec<&str> = self.rubric.dimensions.iter().map(|one| one.name.as_str()).collect();
        self.prompt.tools = tools::all(&names, !self.earlier.is_empty());
    }

    fn rule(mut self) -> Result<Ruling> {
        loop {
            self.prompt.tool_choice = match self.rounds {
                0 => ToolChoice::Named(tools::SUBMIT.to_owned()),
                _ => ToolChoice::Required,
            };
            let turn = self.world.complete(&self.prompt)?;
            let looks: Vec<&ToolCall> = looks(&turn).collect();
            match self.submitted(&turn) {
                Some(ruling) => match ruling {
                    Ok(ruling) if ruling.open.is_empty() || self.objection.is_some() => {
                        return Ok(stood(ruling));
                    }
                    Ok(_) => {
                        self.object(&turn, "it does not say what became of what you found before");
                    }
                    Err(objection) => {
                        if let Some(ruling) = self.objected(&turn, &objection)? {
                            return Ok(ruling);
                        }
                    }
                },
                None if !looks.is_empty() && self.rounds > 0 => self.look(&turn),
                None => {
                    if let Some(ruling) = self.objected(&turn, "there was no ruling")? {
                        return Ok(ruling);
                    }
                }
            }
        }
    }

    /// The arguments of a turn's ruling: from its call, or from its text where the model cannot call.
    fn arguments(turn: &Completion) -> Option<String> {
        match turn.tool_calls().find(|call| call.name == tools::SUBMIT) {
            Some(call) => Some(call.arguments.clone()),
            None if turn.tool_calls().next().is_none() => ruling::in_text(&turn.text()),
            None => None,
        }
    }

    fn submitted(&self, turn: &Completion) -> Option<Result<Ruling, String>> {
        let json = Self::arguments(turn)?;
        Some(ruling::read(&json, &self.rubric.dimensions, &self.places, &self.earlier))
    }

    /// Shows the judge what it asked for.
    fn look(&mut self, turn: &Completion) {
        self.rounds -= 1;
        let mut parts: Vec<Part> = Vec::new();
        for (at, call) in turn.tool_calls().enumerate() {
            let result = match at < CALLS {
                true => tools::answer(call, self.subject, self.world),
                false => refused(call, "too many calls at once"),
            };
            parts.push(Part::ToolResult(result));
        }
        if self.rounds == 0 {
            let text = "You have seen enough. Call `submit_verdict` now.".to_owned();
            parts.push(Part::Text(text));
        }
        self.answer(turn, parts);
    }

    /// Asks once more. The second time what was found before is the ruling, without scores; where there is nothing the
    /// judge has failed.
    fn objected(&mut self, turn: &Completion, objection: &str) -> Result<Option<Ruling>> {
        let Some(first) = &self.objection else {
            let json = Self::arguments(turn).unwrap_or_default();
            let holds = ruling::findings(&json, &self.rubric.dimensions, &self.places);
            self.earlier.carry(&holds);
            self.object(turn, objection);
            return Ok(None);
        };
        let findings = self.earlier.all().to_vec();
        if !findings.is_empty() {
            return Ok(Some(Ruling { scores: Vec::new(), findings, open: Vec::new() }));
        }
        let message = if first == objection {
            format!("the judge gave no ruling that holds: {objection}")
        } else {
            format!("the judge gave no ruling that holds: {first}; then: {objection}")
        };
        Err(Failure::failed(message))
    }

    fn object(&mut self, turn: &Completion, objection: &str) {
        let mut reminder = format!(
            "Your ruling was not accepted: {objection}. Call `submit_verdict` with every dimension, scores from 0 to \
             10, and evidence that exists. Do not answer in prose."
        );
        if !self.earlier.is_empty() {
            reminder.push_str(" Say of each of these in `earlier` whether it stands:\n");
            reminder.push_str(&fenced("earlier", &self.earlier.text()));
        }
        let mut parts: Vec<Part> =
            turn.tool_calls().map(|call| Part::ToolResult(refused(call, "not accepted"))).collect();
        parts.push(Part::Text(reminder));
        self.answer(turn, parts);
        self.offer();
        self.rounds = 0;
        self.objection = Some(objection.to_owned());
    }

    fn answer(&mut self, turn: &Completion, parts: Vec<Part>) {
        if !turn.parts.is_empty() {
            let said = Message { speaker: Speaker::Assistant, parts: turn.parts.clone() };
            self.prompt.messages.push(said);
        }
        self.prompt.messages.push(Message { speaker: Speaker::User, parts });
    }
}

fn looks(turn: &Completion) -> impl Iterator<Item = &ToolCall> {
    turn.tool_calls().filter(|call| call.name != tools::SUBMIT)
}

fn refused(call: &ToolCall, why: &str) -> ToolResult {
    let (id, name) = (call.id.clone(), call.name.clone());
    ToolResult { id, name, content: why.to_owned(), is_error: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::tests::subject;
    use crate::world::tests::Fake;
    use openkoi_sdk::evaluator::{Finding, Severity};

    const GOOD: &str = r#"{"scores":[{"dimension":"correctness","score":9},{"dimension":"style","score":8}],"findings":[]}"#;
    const UNCITED: &str = r#"{"scores":[{"dimension":"correctness","score":3},{"dimension":"style","score":8}],"findings":[]}"#;

    fn failure(world: &Fake) -> String {
        evaluate(&subject(), world).unwrap_err().to_string()
    }

    #[test]
    fn a_ruling_becomes_a_verdict() {
        let world = Fake::default().calls("submit_verdict", GOOD);

        let verdict = evaluate(&subject(), &world).unwrap();

        assert_eq!(verdict.summary, "correctness=9.0 style=8.0");
        assert_eq!(verdict.scores.len(), 2);
        assert_eq!(world.asked.borrow()[0].tool_choice, ToolChoice::Required);
    }

    #[test]
    fn the_judge_may_look_first() {
        let world = Fake::default()
            .file("src/a.rs", "fn a() {}\n")
            .calls("read_file", r#"{"path":"src/a.rs"}"#)
            .calls("submit_verdict", GOOD);

        evaluate(&subject(), &world).unwrap();

        assert!(world.heard()[1].contains("1\tfn a() {}"), "{:?}", world.heard());
    }

    #[test]
    fn after_six_looks_it_has_to_rule() {
        let mut world = Fake::default();
        for _ in 0..6 {
            world = world.calls("list_files", r#"{"path":"."}"#);
        }
        let world = world.calls("submit_verdict", GOOD);

        evaluate(&subject(), &world).unwrap();

        let asked = world.asked.borrow();
        assert_eq!(asked[5].tool_choice, ToolChoice::Required);
        assert_eq!(asked[6].tool_choice, ToolChoice::Named("submit_verdict".to_owned()));
        assert!(world.heard()[6].ends_with("Call `submit_verdict` now."));
    }

    #[test]
    fn a_judge_that_only_looks_gives_no_ruling() {
        let mut world = Fake::default();
        for _ in 0..8 {
            world = world.calls("list_files", r#"{"path":"."}"#);
        }

        assert_eq!(failure(&world), "the judge gave no ruling that holds: there was no ruling");
    }

    #[test]
    fn prose_is_asked_about_once_and_then_refused_as_a_ruling() {
        let again = Fake::default().says("Looks good, 8 of 10").calls("submit_verdict", GOOD);
        assert!(evaluate(&subject(), &again).is_ok());
        assert!(again.heard()[1].contains("Do not answer in prose"));

        let never = Fake::default().says("Looks good").says("I said, it looks good");
        assert_eq!(failure(&never), "the judge gave no ruling that holds: there was no ruling");
    }

    #[test]
    fn a_ruling_in_text_is_taken() {
        let world = Fake::default().says(&format!("```json\n{GOOD}\n```"));

        assert!(evaluate(&subject(), &world).is_ok());
    }

    #[test]
    fn a_deduction_without_evidence_is_asked_about_once_and_then_refused() {
        let mended = Fake::default().calls("submit_verdict", UNCITED).calls("submit_verdict", GOOD);
        assert_eq!(evaluate(&subject(), &mended).unwrap().summary, "correctness=9.0 style=8.0");

        let stubborn =
            Fake::default().calls("submit_verdict", UNCITED).calls("submit_verdict", UNCITED);
        assert!(failure(&stubborn).contains("`correctness` scored below 7 without evidence"));
    }

    #[test]
    fn every_call_is_answered() {
        let world = Fake::default().calls("submit_verdict", UNCITED).calls("submit_verdict", GOOD);

        evaluate(&subject(), &world).unwrap();

        let asked = world.asked.borrow();
        let Part::ToolResult(result) = &asked[1].messages[2].parts[0] else { panic!() };
        assert_eq!((result.id.as_str(), result.is_error), ("call-0", true));
    }

    #[test]
    fn without_a_rubric_there_is_nothing_to_judge_by() {
        let subject = Subject { rubric: None, ..subject() };

        let failure = evaluate(&subject, &Fake::default()).unwrap_err();

        assert_eq!(failure.to_string(), "`/rubric`: there is no rubric to judge by");
    }

    #[test]
    fn a_model_that_fails_gives_no_ruling() {
        assert_eq!(failure(&Fake::default()), "nothing more was written down");
    }

    const CITED: &str = r#"{"scores":[{"dimension":"correctness","score":4},{"dimension":"style","score":8}],
        "findings":[{"severity":"critical","dimension":"correctness","evidence":"src/lib.rs:2","message":"b is gone"}]}"#;

    fn before() -> Subject {
        let finding = Finding {
            severity: Severity::Critical,
            message: "b is gone".to_owned(),
            evidence: "src/lib.rs:2".to_owned(),
            dimension: "correctness".to_owned(),
        };
        Subject { earlier: vec![finding], ..subject() }
    }

    fn saying(earlier: &str) -> String {
        GOOD.replacen(r#""findings":[]"#, &format!(r#""findings":[],"earlier":[{earlier}]"#), 1)
    }

    #[test]
    fn what_was_found_before_is_shown_and_asked_for_and_stands_until_it_is_taken_back() {
        let world = Fake::default().calls("submit_verdict", GOOD).calls("submit_verdict", GOOD);

        let verdict = evaluate(&before(), &world).unwrap();

        assert_eq!(verdict.findings, before().earlier);
        assert!(world.heard()[0].contains("e1 [critical] src/lib.rs:2: b is gone"));
        assert!(world.heard()[1].contains("what became of what you found before"));
        assert!(world.asked.borrow()[0].tools[3].parameters.contains("stands"));
    }

    #[test]
    fn what_was_found_before_is_taken_back_with_a_place_that_exists() {
        for (earlier, left) in [
            (r#"{"id":"e1","stands":false,"evidence":"src/lib.rs:2"}"#, 0),
            (r#"{"id":"e1","stands":true,"evidence":""}"#, 1),
        ] {
            let world = Fake::default().calls("submit_verdict", &saying(earlier));
            assert_eq!(evaluate(&before(), &world).unwrap().findings.len(), left, "{earlier}");
        }
        let nowhere = saying(r#"{"id":"e1","stands":false,"evidence":"src/none.rs:1"}"#);
        let world =
            Fake::default().calls("submit_verdict", &nowhere).calls("submit_verdict", &nowhere);
        let verdict = evaluate(&before(), &world).unwrap();
        assert_eq!((verdict.findings.len(), verdict.scores.len()), (1, 0));
        assert_eq!(verdict.summary, "no scores; what was found before stands");
    }

    #[test]
    fn the_same_place_found_again_is_one_finding() {
        let world = Fake::default().calls("submit_verdict", CITED);

        assert_eq!(evaluate(&before(), &world).unwrap().findings.len(), 1);
    }

    #[test]
    fn what_a_ruling_that_does_not_hold_found_is_not_forgotten_by_the_next() {
        let not_holding = CITED.replace("\"score\":8", "\"score\":3");
        let world =
            Fake::default().calls("submit_verdict", &not_holding).calls("submit_verdict", GOOD);

        let verdict = evaluate(&subject(), &world).unwrap();

        assert_eq!(verdict.findings.len(), 1);
        assert!(world.heard()[1].contains("e1 [critical] src/lib.rs:2: b is gone"));
    }

    #[test]
    fn places_that_programs_noticed_are_in_the_case() {
        let pointers = before().earlier;
        let world = Fake::default().calls("submit_verdict", GOOD);

        evaluate(&Subject { pointers, ..subject() }, &world).unwrap();

        assert!(world.heard()[0].contains("- src/lib.rs:2: b is gone\n</pointers"));
    }
}
