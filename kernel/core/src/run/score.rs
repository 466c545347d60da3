//! The judges: what they are shown, and what becomes of what they say.

use super::{halt::Halt, state::Run};
use crate::{
    evaluation::{EvaluatorCard, Subject, Tier},
    evidence::{critical, is_blocking, rubric_score},
};

impl Run {
    /// Returns what a judge is shown: what the checks came to, and what it found itself before.
    fn case(&self, subject: &Subject, card: &EvaluatorCard) -> Subject {
        let Some((last, before)) = self.attempts.split_last() else { return subject.clone() };
        let judges = self.of_tier(Tier::Rubric);
        // Judges do not read each other.
        let of_programs =
            last.findings.iter().filter(|(by, _)| judges.iter().all(|judge| judge.name != *by));
        let pointers = of_programs.map(|(_, finding)| finding.clone());
        let heard = before.iter().rfind(|attempt| attempt.heard.contains(&card.name));
        let found = heard.into_iter().flat_map(|attempt| &attempt.findings);
        let own = found.filter(|(by, finding)| *by == card.name && is_blocking(finding));
        Subject {
            evidence: last.evidence_paths().into_iter().map(str::to_owned).collect(),
            pointers: pointers.collect(),
            earlier: own.map(|(_, finding)| finding.clone()).collect(),
            ..subject.clone()
        }
    }

    /// Has the last attempt scored.
    pub(super) async fn score(&mut self, key: &str, subject: &Subject) -> Result<(), Halt> {
        for card in self.of_tier(Tier::Rubric) {
            let tree = self.attempts.last().and_then(|attempt| attempt.tree.clone());
            let case = self.case(subject, &card);
            let asked = match self.ask_evaluator(key, &card, &case, tree).await {
                Err(Halt::Trip(trip)) if self.stands_unjudged() => Err(trip.to_string()),
                asked => asked?.map_err(|failure| format!("{}: {failure}", card.name)),
            };
            let Some(attempt) = self.attempts.last_mut() else { return Ok(()) };
            match asked {
                Ok(verdict) => {
                    let dimensions =
                        self.rubric.as_ref().map_or(&[][..], |rubric| &rubric.dimensions);
                    attempt.standing.score = rubric_score(dimensions, &verdict.scores);
                    attempt.standing.critical += critical(&verdict.findings);
                    attempt.scores = verdict.scores;
                    attempt.scored_by = Some(card.name.clone());
                    attempt.heard.push(card.name.clone());
                    let findings = verdict.findings.into_iter();
                    attempt.findings.extend(findings.map(|found| (card.name.clone(), found)));
                }
                Err(why) => {
                    // What it found before is not forgotten because it says nothing now.
                    attempt.standing.critical += critical(&case.earlier);
                    let findings = case.earlier.into_iter();
                    attempt.findings.extend(findings.map(|found| (card.name.clone(), found)));
                    attempt.unjudged = Some(why);
                }
            }
        }
        Ok(())
    }

    /// Returns whether the last attempt can be accepted without a judge, as checked and not judged: a judge that there is
    /// no budget for holds nothing back.
    fn stands_unjudged(&self) -> bool {
        self.attempts
            .last()
            .is_some_and(|attempt| self.is_checked(&attempt.checks, &attempt.standing))
    }
}
