//! Functions that wait for the service, as machines that the host moves step by step.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use super::{Answer, HttpAnswer, Letter, Request};
use crate::{Failure, Result, provider::HttpRequest};

/// The way to the service.
pub struct Link(Rc<RefCell<Desk>>);

/// What lies between a function and the host: what it asks for, and what became of that.
#[derive(Default)]
struct Desk {
    wanted: Option<Wanted>,
    answer: Option<Answer>,
}

/// What a function waits for.
pub(super) enum Wanted {
    /// Something sent.
    Request(Request),
    /// Time, in milliseconds.
    Wait(u32),
}

/// Where a machine stands.
pub(super) enum Step<T> {
    /// It waits.
    Wanted(Wanted),
    /// It has its result.
    Done(T),
}

impl Link {
    /// Sends a request and returns what the server answered, an error status included.
    ///
    /// # Errors
    ///
    /// If the host answers something else than a response, which would be a fault of the host.
    pub async fn http(&self, request: HttpRequest) -> Result<HttpAnswer> {
        match self.ask(Wanted::Request(Request::Http(request))).await {
            Answer::Http(answer) => Ok(answer),
            _ => Err(other_answer()),
        }
    }

    /// Sends a letter and returns its `Message-ID`.
    ///
    /// # Errors
    ///
    /// As [`Link::http`].
    pub async fn mail(&self, letter: Letter) -> Result<String> {
        match self.ask(Wanted::Request(Request::Mail(letter))).await {
            Answer::Mail(id) => Ok(id),
            _ => Err(other_answer()),
        }
    }

    /// Waits, at most a minute.
    ///
    /// # Errors
    ///
    /// As [`Link::http`].
    pub async fn wait(&self, milliseconds: u32) -> Result<()> {
        match self.ask(Wanted::Wait(milliseconds)).await {
            Answer::Waited => Ok(()),
            _ => Err(other_answer()),
        }
    }

    async fn ask(&self, wanted: Wanted) -> Answer {
        self.0.borrow_mut().wanted = Some(wanted);
        poll_fn(|_| match self.0.borrow_mut().answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
        .await
    }
}

fn other_answer() -> Failure {
    Failure::failed("the host answered something else than what was asked for")
}

/// A function that waits for its link.
pub(super) struct Machine<T> {
    desk: Rc<RefCell<Desk>>,
    running: Option<Pin<Box<dyn Future<Output = Result<T>>>>>,
}

impl<T> Machine<T> {
    /// Makes the machine of a function, which does not begin yet.
    pub(super) fn new<F: Future<Output = Result<T>> + 'static>(
        function: impl FnOnce(Link) -> F,
    ) -> Self {
        let desk = Rc::<RefCell<Desk>>::default();
        let running: Pin<Box<dyn Future<Output = Result<T>>>> =
            Box::pin(function(Link(Rc::clone(&desk))));
        Self { desk, running: Some(running) }
    }

    /// Goes on with what became of the step before.
    pub(super) fn next(&mut self, before: Option<Answer>) -> Result<Step<T>> {
        self.desk.borrow_mut().answer = before;
        let Some(running) = &mut self.running else {
            return Err(Failure::conflict("it is done already"));
        };
        let Poll::Ready(result) = running.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            let wanted = self.desk.borrow_mut().wanted.take();
            return wanted.map(Step::Wanted).ok_or_else(|| {
                Failure::failed("it waits for something else than an answer to its link")
            });
        };
        self.running = None;
        result.map(Step::Done)
    }
}

/// Runs a function to its end with answers from `answer`, so that it can be tested without a service. No time passes.
///
/// # Errors
///
/// What the function or `answer` fails with.
pub fn run<T, F: Future<Output = Result<T>> + 'static>(
    function: impl FnOnce(Link) -> F,
    mut answer: impl FnMut(&Request) -> Result<Answer>,
) -> Result<T> {
    let mut machine = Machine::new(function);
    let mut before = None;
    loop {
        before = match machine.next(before)? {
            Step::Wanted(Wanted::Request(request)) => Some(answer(&request)?),
            Step::Wanted(Wanted::Wait(_)) => Some(Answer::Waited),
            Step::Done(result) => return Ok(result),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Answer {
        Answer::Http(HttpAnswer { status: 200, headers: Vec::new(), body: text.into() })
    }

    fn asked(step: Step<String>) -> String {
        match step {
            Step::Wanted(Wanted::Request(Request::Http(request))) => request.url,
            Step::Wanted(Wanted::Request(Request::Mail(letter))) => letter.subject,
            Step::Wanted(Wanted::Wait(milliseconds)) => format!("{milliseconds} ms"),
            Step::Done(result) => format!("done: {result}"),
        }
    }

    async fn upload(link: Link) -> Result<String> {
        let place = link.http(HttpRequest::get("https://a.example/place")).await?;
        link.wait(20).await?;
        let place = String::from_utf8_lossy(&place.body).into_owned();
        let id = link.http(HttpRequest::get(place)).await?;
        Ok(String::from_utf8_lossy(&id.body).into_owned())
    }

    #[test]
    fn each_step_is_made_of_the_answer_before() {
        let mut machine = Machine::new(upload);
        let answers =
            [None, Some(said("https://b.example/1")), Some(Answer::Waited), Some(said("id"))];

        let steps: Vec<_> =
            answers.into_iter().map(|answer| asked(machine.next(answer).unwrap())).collect();

        assert_eq!(steps, ["https://a.example/place", "20 ms", "https://b.example/1", "done: id"]);
        assert_eq!(machine.next(None).err(), Some(Failure::conflict("it is done already")));
    }

    #[test]
    fn an_answer_of_another_kind_and_a_wait_for_something_else_are_failures() {
        let mut machine = Machine::new(upload);
        machine.next(None).unwrap();
        assert_eq!(machine.next(Some(Answer::Waited)).err(), Some(other_answer()));

        let mut machine = Machine::<()>::new(|_| std::future::pending());
        let failure = machine.next(None).err().unwrap();
        assert!(failure.to_string().contains("something else"), "{failure}");
    }

    #[test]
    fn a_function_runs_to_its_end_without_a_service() {
        let mut seen = Vec::new();
        let result = run(upload, |request| {
            let Request::Http(request) = request else { return Err(other_answer()) };
            seen.push(request.url.clone());
            Ok(said("https://b.example/1"))
        });
        assert_eq!(result.unwrap(), "https://b.example/1");
        assert_eq!(seen, ["https://a.example/place", "https://b.example/1"]);
    }
}
