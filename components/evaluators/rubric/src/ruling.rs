//! The ruling that the judge submits, and the checks that it has to pass.

use openkoi_sdk::evaluator::{Dimension, Finding, Score, Severity};
use openkoi_sdk::serde_json::{self, Value};
use serde::Deserialize;

use crate::citation::Places;
use crate::earlier::{Earlier, Said};

/// The score, of ten, below which a dimension needs evidence.
const NEEDS_EVIDENCE: f64 = 7.0;

/// The most findings.
const FINDINGS: usize = 50;

/// The most characters of a message.
const MESSAGE: usize = 1000;

/// A ruling that holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ruling {
    /// One score for each dimension, in the order of the rubric, 0 to 1.
    pub scores: Vec<Score>,
    /// The findings. One without evidence takes off nothing.
    pub findings: Vec<Finding>,
    /// Earlier findings of which it says nothing.
    pub open: Vec<Finding>,
}

#[derive(Deserialize)]
struct Submitted {
    scores: Vec<SubmittedScore>,
    #[serde(default)]
    findings: Vec<SubmittedFinding>,
    #[serde(default)]
    earlier: Vec<Said>,
}

#[derive(Deserialize)]
struct SubmittedScore {
    dimension: String,
    score: f64,
}

#[derive(Deserialize)]
struct SubmittedFinding {
    severity: String,
    #[serde(default)]
    dimension: String,
    #[serde(default)]
    evidence: String,
    message: String,
}

/// Reads the arguments of `submit_verdict`. The error is a sentence for the judge.
pub(crate) fn read(
    json: &str,
    dimensions: &[Dimension],
    places: &Places<'_>,
    earlier: &Earlier,
) -> Result<Ruling, String> {
    let submitted: Submitted = serde_json::from_str(json).map_err(|error| {
        format!("the arguments do not fit the schema of `submit_verdict`: {error}")
    })?;
    let is_uncited = submitted.findings.is_empty();
    let scores = scores(&scaled(submitted.scores, is_uncited), dimensions)?;
    let findings = submitted.findings.into_iter().take(FINDINGS);
    let mut findings: Vec<Finding> =
        findings.map(|finding| checked(finding, dimensions, places)).collect::<Result<_, _>>()?;
    uncited(&scores, &findings)?;
    let (stand, open) = earlier.standing(&submitted.earlier, &findings, places)?;
    findings.extend(stand);
    Ok(Ruling { scores, findings, open })
}

/// Returns the findings of a ruling that hold, whatever else of it does not.
pub(crate) fn findings(json: &str, dimensions: &[Dimension], places: &Places<'_>) -> Vec<Finding> {
    let submitted: Option<Submitted> = serde_json::from_str(json).ok();
    let findings = submitted.into_iter().flat_map(|submitted| submitted.findings).take(FINDINGS);
    findings.filter_map(|finding| checked(finding, dimensions, places).ok()).collect()
}

/// Finds a ruling in prose: the last JSON object in it that has scores.
pub(crate) fn in_text(text: &str) -> Option<String> {
    let starts = text.char_indices().filter(|(_, c)| *c == '{').map(|(at, _)| at);
    for at in starts.take(50) {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        if let Some(Ok(value)) = values.next()
            && value["scores"].is_array()
        {
            return Some(value.to_string());
        }
    }
    None
}

/// Brings scores to the scale of ten. Shares of one and of a hundred are told by all of them together: on a scale of ten
/// nobody gives at most one everywhere, with a fraction or without a word of what is wrong.
fn scaled(mut scores: Vec<SubmittedScore>, is_uncited: bool) -> Vec<SubmittedScore> {
    let all = |is: fn(f64) -> bool| !scores.is_empty() && scores.iter().all(|one| is(one.score));
    let is_fraction = scores.iter().any(|one| one.score.fract() != 0.0);
    let is_good = scores.iter().any(|one| one.score > 0.0);
    let factor = match () {
        () if all(|score| (0.0..=1.0).contains(&score))
            && is_good
            && (is_fraction || is_uncited) =>
        {
            10.0
        }
        () if all(|score| score > 10.0 && score <= 100.0) => 0.1,
        () => return scores,
    };
    scores.iter_mut().for_each(|one| one.score *= factor);
    scores
}

fn scores(submitted: &[SubmittedScore], dimensions: &[Dimension]) -> Result<Vec<Score>, String> {
    if let Some(unknown) =
        submitted.iter().find(|score| dimensions.iter().all(|known| known.name != score.dimension))
    {
        return Err(format!("the rubric has no dimension `{}`", unknown.dimension));
    }
    dimensions.iter().map(|dimension| score(submitted, &dimension.name)).collect()
}

fn score(submitted: &[SubmittedScore], name: &str) -> Result<Score, String> {
    let mut own = submitted.iter().filter(|score| score.dimension == name);
    let Some(score) = own.next() else {
        return Err(format!("the dimension `{name}` has no score"));
    };
    if own.next().is_some() {
        return Err(format!("the dimension `{name}` has two scores"));
    }
    // This is false for what is not a number, too.
    if !(0.0..=10.0).contains(&score.score) {
        return Err(format!("the score of `{name}` is not between 0 and 10"));
    }
    Ok(Score { dimension: name.to_owned(), value: score.score / 10.0 })
}

fn checked(
    finding: SubmittedFinding,
    dimensions: &[Dimension],
    places: &Places<'_>,
) -> Result<Finding, String> {
    let severity = match finding.severity.to_ascii_lowercase().as_str() {
        "note" => Severity::Note,
        "minor" => Severity::Minor,
        "major" => Severity::Major,
        "critical" => Severity::Critical,
        other => return Err(format!("there is no severity `{other}`")),
    };
    let dimension = finding.dimension;
    if !dimension.is_empty() && dimensions.iter().all(|known| known.name != dimension) {
        return Err(format!("the rubric has no dimension `{dimension}`"));
    }
    let message: String = finding.message.trim().chars().take(MESSAGE).collect();
    if message.is_empty() {
        return Err("a finding has no message".to_owned());
    }
    let evidence = places.first(&finding.evidence);
    // What would forbid the work must be there to be looked up.
    if evidence.is_none() && severity >= Severity::Major {
        return Err(format!(
            "a finding that is {} needs evidence that exists, `path:line`, a check's id or a criterion's id: {message}",
            finding.severity
        ));
    }
    // What cannot be looked up is heard and weighs nothing.
    let severity = if evidence.is_some() { severity } else { Severity::Note };
    Ok(Finding { severity, message, evidence: evidence.unwrap_or_default(), dimension })
}

/// A low score needs a finding with a place that exists.
fn uncited(scores: &[Score], findings: &[Finding]) -> Result<(), String> {
    let cited = |name: &str| {
        findings.iter().any(|finding| finding.dimension == name && !finding.evidence.is_empty())
    };
    let low = scores.iter().filter(|score| score.value * 10.0 < NEEDS_EVIDENCE);
    let names: Vec<String> = low
        .filter(|score| !cited(&score.dimension))
        .map(|score| format!("`{}`", score.dimension))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let names = names.join(", ");
    Err(format!(
        "{names} scored below {NEEDS_EVIDENCE} without evidence that exists: cite `path:line`, a check's id or a \
         criterion's id for each deduction, or do not make it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::tests::{rubric, subject};
    use crate::world::tests::Fake;

    fn ruled(json: &str) -> Result<Ruling, String> {
        let (subject, world) = (subject(), Fake::default());
        read(json, &rubric().dimensions, &Places::new(&subject, &world), &Earlier::default())
    }

    fn with_scores(correctness: &str, style: &str) -> Result<Ruling, String> {
        ruled(&format!(
            r#"{{"scores":[{{"dimension":"style","score":{style}}},{{"dimension":"correctness","score":{correctness}}}]}}"#
        ))
    }

    #[test]
    fn scores_become_shares_in_the_order_of_the_rubric() {
        let ruling = with_scores("9.5", "7").unwrap();

        let scores: Vec<(&str, f64)> =
            ruling.scores.iter().map(|score| (score.dimension.as_str(), score.value)).collect();
        assert_eq!(scores, [("correctness", 0.95), ("style", 0.7)]);
    }

    #[test]
    fn a_ruling_with_impossible_scores_is_refused() {
        for (score, sentence) in [
            ("11", "the score of `correctness` is not between 0 and 10"),
            ("-0.5", "the score of `correctness` is not between 0 and 10"),
            ("1e999", "the arguments do not fit the schema"),
            ("NaN", "the arguments do not fit the schema"),
            ("null", "the arguments do not fit the schema"),
            ("\"9\"", "the arguments do not fit the schema"),
        ] {
            let error = with_scores(score, "8").unwrap_err();
            assert!(error.starts_with(sentence), "{score}: {error}");
        }
    }

    #[test]
    fn a_ruling_with_missing_unknown_or_double_dimensions_is_refused() {
        let one = r#"{"dimension":"correctness","score":8}"#;
        let other = r#"{"dimension":"charm","score":8}"#;

        let error = |scores: &str| ruled(&format!(r#"{{"scores":[{scores}]}}"#)).unwrap_err();

        assert_eq!(error(one), "the dimension `style` has no score");
        assert_eq!(error(&format!("{one},{other}")), "the rubric has no dimension `charm`");
        assert_eq!(error(&format!("{one},{one}")), "the dimension `correctness` has two scores");
    }

    fn low(evidence: &str) -> Result<Ruling, String> {
        ruled(&format!(
            r#"{{"scores":[{{"dimension":"correctness","score":4}},{{"dimension":"style","score":9}}],
            "findings":[{{"severity":"major","dimension":"correctness","evidence":"{evidence}","message":"wrong"}}]}}"#
        ))
    }

    #[test]
    fn a_low_score_needs_a_place_that_exists() {
        let ruling = low("see src/lib.rs:2").unwrap();
        assert_eq!(ruling.findings[0].evidence, "src/lib.rs:2");
        assert_eq!(ruling.findings[0].severity, Severity::Major);

        for evidence in ["", "src/lib.rs:99", "src/none.rs:1"] {
            let error = low(evidence).unwrap_err();
            assert!(error.starts_with("a finding that is major needs evidence"), "{error}");
        }
        assert!(with_scores("6.9", "9").is_err());
    }

    fn without_a_place(severity: &str) -> Result<Ruling, String> {
        ruled(&format!(
            r#"{{"scores":[{{"dimension":"correctness","score":8}},{{"dimension":"style","score":9}}],
            "findings":[{{"severity":"{severity}","dimension":"style","evidence":"src/none.rs:1","message":"bad"}}]}}"#
        ))
    }

    #[test]
    fn a_finding_without_a_place_weighs_nothing_and_one_that_would_forbid_the_work_is_asked_for_it()
    {
        let ruling = without_a_place("minor").unwrap();

        assert_eq!(ruling.findings[0].severity, Severity::Note);
        assert_eq!(ruling.findings[0].evidence, "");
        for severity in ["major", "critical"] {
            let error = without_a_place(severity).unwrap_err();
            assert!(error.starts_with(&format!("a finding that is {severity} needs evidence")));
        }
    }

    #[test]
    fn scores_on_another_scale_are_recognised() {
        let values = |one: &str, other: &str| -> Vec<f64> {
            with_scores(one, other).unwrap().scores.iter().map(|score| score.value).collect()
        };

        assert_eq!(values("0.95", "1"), [0.95, 1.0]);
        assert_eq!(values("1", "1"), [1.0, 1.0]);
        assert_eq!(values("90", "100"), [0.9, 1.0]);
        assert!(with_scores("11", "8").is_err());
    }

    #[test]
    fn a_ruling_is_found_in_prose() {
        let text =
            "Here {is} my ruling:\n```json\n{\"scores\": [], \"findings\": []}\n```\nThank you";

        assert_eq!(in_text(text).as_deref(), Some(r#"{"findings":[],"scores":[]}"#));
        assert_eq!(in_text("8 of 10"), None);
    }
}
