//! Questions that wait for a person, and their answers.

use std::sync::Arc;

use openkoi_app::answers;
use openkoi_core::approval::Answer;
use openkoi_storage::questions::{Asked, Given, QuestionRecord};

use super::{
    problem::Problem,
    route::{Answering, Call, Reply},
    shared::Api,
    tasks::said,
    types::{Approval, Approvals, GivenAnswer, Permission},
};

/// Who answers, as it is kept beside the answer.
const BY: &str = "api";

pub(crate) fn list(api: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        let open = api.storage.open_questions()?;
        Reply::json(&Approvals { approvals: open.iter().map(Approval::of).collect() })
    })
}

pub(crate) fn show(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move { Reply::json(&Approval::of(&find(&api, call.id())?)) })
}

pub(crate) fn answer(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let question = find(&api, call.id())?;
        let given = given(call.body()?)?;
        if !given.fits(&question.asked) {
            return Err(Problem::conflict(match question.asked {
                Asked::Approval(_) => "this question is answered by `answer`",
                Asked::Question(_) => "this question is answered by `text`",
            }));
        }
        let has_alike = match &question.asked {
            Asked::Approval(request) => request.alike.is_some(),
            Asked::Question(_) => false,
        };
        if given == Given::Answer(Answer::AllowAlike) && !has_alike {
            return Err(Problem::conflict("there are no commands that begin like this one"));
        }
        if !answers::give(&api.app, &question, &given, BY)? {
            return Err(Problem::conflict("the question does not wait for an answer any more"));
        }
        Reply::json(&Approval::of(&find(&api, &question.id)?))
    })
}

fn find(api: &Api, id: &str) -> Result<QuestionRecord, Problem> {
    let found = api.storage.question(id)?;
    found.ok_or_else(|| Problem::not_found("there is no such question"))
}

fn given(answer: GivenAnswer) -> Result<Given, Problem> {
    let permission = match answer {
        GivenAnswer::Words(words) => return Ok(Given::Text(said(&words.text, "text")?.to_owned())),
        GivenAnswer::Permission(given) => given.answer,
    };
    Ok(Given::Answer(match permission {
        Permission::AllowOnce => Answer::AllowOnce,
        Permission::AllowSession => Answer::AllowSession,
        Permission::AllowAlways => Answer::AllowAlways,
        Permission::AllowAlike => Answer::AllowAlike,
        Permission::RejectOnce => Answer::RejectOnce,
        Permission::RejectAlways => Answer::RejectAlways,
    }))
}
