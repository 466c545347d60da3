//! What models are to code that does not mind whose they are.

use std::{cell::RefCell, collections::VecDeque};

use super::ask::{Prompt, complete};
use crate::conversation::{Completion, Part, StopReason, Usage};
use crate::{Failure, Result};

/// Models by role, the host's or a test's.
pub trait Models {
    /// Asks the model of `role` for one turn.
    ///
    /// # Errors
    ///
    /// As [`complete`].
    fn complete(&self, role: &str, prompt: &Prompt) -> Result<Completion>;
}

/// The models of the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl Models for Host {
    fn complete(&self, role: &str, prompt: &Prompt) -> Result<Completion> {
        complete(role, prompt)
    }
}

/// A model of a test: it answers with what it was given, one after the other, and every question is remembered.
///
/// ```
/// use openkoi_sdk::model::{Models, Prompt, Scripted};
///
/// let model = Scripted::new(["It is right."]);
/// let answer = model.complete("evaluator", &Prompt::new("You judge.", "Is it right?")).unwrap();
/// assert_eq!(answer.text(), "It is right.");
/// assert_eq!(model.asked()[0].0, "evaluator");
/// ```
#[derive(Default)]
pub struct Scripted {
    answers: RefCell<VecDeque<Vec<Part>>>,
    asked: RefCell<Vec<(String, Prompt)>>,
}

impl Scripted {
    /// Returns a model that says these texts.
    pub fn new<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::of_parts(texts.into_iter().map(|text| vec![Part::Text(text.into())]))
    }

    /// Returns a model with these answers: texts, calls of tools and other parts of a turn.
    pub fn of_parts(answers: impl IntoIterator<Item = Vec<Part>>) -> Self {
        Self { answers: RefCell::new(answers.into_iter().collect()), asked: RefCell::default() }
    }

    /// Returns the questions that were asked, with their roles.
    pub fn asked(&self) -> Vec<(String, Prompt)> {
        self.asked.borrow().clone()
    }
}

impl Models for Scripted {
    fn complete(&self, role: &str, prompt: &Prompt) -> Result<Completion> {
        self.asked.borrow_mut().push((role.to_owned(), prompt.clone()));
        let answer = self.answers.borrow_mut().pop_front();
        let parts = answer.ok_or_else(|| Failure::failed("nothing more was written down"))?;
        let (stop, model) = (StopReason::Finished, "scripted".to_owned());
        Ok(Completion { parts, stop, usage: Usage::UNKNOWN, model })
    }
}
