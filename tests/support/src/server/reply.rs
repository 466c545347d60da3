//! What a server answers, in no vendor's words, and to which request.

use std::{fmt, sync::Arc, time::Duration};

use regex::Regex;
use serde_json::{Value, json};

use crate::script;

use super::{
    Answer, Conversation, Role,
    delivery::{End, Splits},
};

/// Why a model stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The limit of tokens.
    Length,
    /// Withheld by the vendor.
    Filtered,
    /// The model declined.
    Refused,
    /// The vendor paused a long turn.
    Paused,
}

/// One part of what a model says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Text.
    Text(String),
    /// A call with its arguments as text, which may be no JSON.
    Call(String, String),
    /// Thoughts with their signature.
    Thinking(String, String),
    /// Thoughts that the vendor encrypted.
    Redacted(String),
}

/// A condition on a request.
type Condition = Arc<dyn Fn(&Conversation) -> bool + Send + Sync>;

/// What is said, made from the request.
type Composer = Arc<dyn Fn(&Conversation) -> Vec<Block> + Send + Sync>;

/// One answer of the script.
#[derive(Clone, Default)]
pub struct Reply {
    pub(crate) blocks: Vec<Block>,
    pub(crate) stop: Option<Stop>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) raw: Option<Answer>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) splits: Splits,
    pub(crate) end: End,
    pub(crate) head_delay: Option<Duration>,
    pub(crate) hangs_up: bool,
    composer: Option<Composer>,
    conditions: Vec<Condition>,
    shown: Vec<String>,
    repeats: bool,
    optional: bool,
}

/// Tokens as the vendor counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Of the request, cached ones included.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
    /// Of `input`, read from the cache.
    pub cached: u64,
}

impl Tokens {
    /// What an answer takes unless the script says otherwise.
    pub const STANDARD: Self = Self { input: 100, output: 20, cached: 0 };
}

/// Returns an answer that is a text.
pub fn reply(text: &str) -> Reply {
    Reply::default().text(text)
}

/// Returns an answer that calls `tool` with these arguments, given as JSON text.
pub fn call(tool: &str, arguments: impl fmt::Display) -> Reply {
    Reply::default().and_call(tool, arguments)
}

/// Returns an answer of the judge that gives `score` in each dimension that the request names.
pub fn verdict(score: f64) -> Reply {
    let pattern = Regex::new(script::DIMENSION).expect("the pattern is valid");
    let composer = move |request: &Conversation| {
        let names = pattern.captures_iter(request.last_words()).map(|found| found[1].to_owned());
        let scores = names.map(|name| json!({ "dimension": name, "score": score }));
        let arguments = json!({ "scores": scores.collect::<Vec<_>>(), "findings": [] });
        vec![Block::Call("submit_verdict".to_owned(), arguments.to_string())]
    };
    Reply { composer: Some(Arc::new(composer)), ..Reply::default() }.to(Role::Evaluator)
}

/// Returns an answer of the planner: a change whose criterion is bound to the tests.
pub fn plan() -> Reply {
    call("submit_plan", script::change_plan()).to(Role::Planner)
}

impl Reply {
    /// Returns an answer in the vendor's own bytes.
    pub fn raw(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let answer = Answer { status, headers: headers.collect(), body: body.into() };
        Self { raw: Some(answer), ..Self::default() }
    }

    /// Returns an answer with a status and a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { raw: Some(Answer::json(status, body)), ..Self::default() }
    }

    /// Returns the document of an error; nothing for what is none.
    pub(crate) fn error(&self) -> Option<Value> {
        let raw = self.raw.as_ref().filter(|raw| raw.status >= 400)?;
        serde_json::from_slice(&raw.body).ok()
    }

    /// Adds text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.blocks.push(Block::Text(text.to_owned()));
        self
    }

    /// Adds a call in the same turn.
    #[must_use]
    pub fn and_call(mut self, tool: &str, arguments: impl fmt::Display) -> Self {
        self.blocks.push(Block::Call(tool.to_owned(), arguments.to_string()));
        self
    }

    /// Puts thoughts before what is said. They have to come back unchanged.
    #[must_use]
    pub fn thinking(mut self, text: &str, signature: &str) -> Self {
        self.blocks.insert(0, Block::Thinking(text.to_owned(), signature.to_owned()));
        self
    }

    /// Puts encrypted thoughts before what is said. They have to come back unchanged.
    #[must_use]
    pub fn redacted_thinking(mut self, data: &str) -> Self {
        self.blocks.insert(0, Block::Redacted(data.to_owned()));
        self
    }

    /// Stops for this reason instead of the natural one.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Counts these tokens.
    #[must_use]
    pub fn tokens(mut self, input: u64, output: u64, cached: u64) -> Self {
        self.tokens = Some(Tokens { input, output, cached });
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends each byte by itself.
    #[must_use]
    pub fn byte_by_byte(mut self) -> Self {
        self.splits = Splits::EachByte;
        self
    }

    /// Cuts the answer at places that the seed decides.
    #[must_use]
    pub fn cut_by(mut self, seed: u64) -> Self {
        self.splits = Splits::Random(seed);
        self
    }

    /// Cuts the answer in two after so many bytes.
    #[must_use]
    pub fn cut_at(mut self, byte: usize) -> Self {
        self.splits = Splits::At(byte);
        self
    }

    /// Sends only so many bytes, and ends as if that were all.
    #[must_use]
    pub fn ends_at(mut self, byte: usize) -> Self {
        self.end = End::Early(byte);
        self
    }

    /// Breaks the connection after so many bytes.
    #[must_use]
    pub fn breaks_at(mut self, byte: usize) -> Self {
        self.end = End::Broken(byte);
        self
    }

    /// Sends nothing more after so many bytes, and stays connected.
    #[must_use]
    pub fn stalls_at(mut self, byte: usize) -> Self {
        self.end = End::Stalled(byte);
        self
    }

    /// Sends its body over and over.
    #[must_use]
    pub fn without_end(mut self) -> Self {
        self.end = End::Endless;
        self
    }

    /// Waits before the head of the answer.
    #[must_use]
    pub fn head_after(mut self, delay: Duration) -> Self {
        self.head_delay = Some(delay);
        self
    }

    /// Closes the connection without an answer.
    #[must_use]
    pub fn hangs_up(mut self) -> Self {
        self.hangs_up = true;
        self
    }

    /// Answers only turns of this role.
    #[must_use]
    pub fn to(self, role: Role) -> Self {
        self.when(&role.to_string(), move |request| request.role() == role)
    }

    /// Answers only when the last message brings a result of `tool`.
    #[must_use]
    pub fn after(self, tool: &str) -> Self {
        let name = tool.to_owned();
        self.when(&format!("after `{tool}`"), move |request| {
            request.last_results().iter().any(|(known, _)| *known == name)
        })
    }

    /// Answers only when what the user said last contains `text`.
    #[must_use]
    pub fn on(self, text: &str) -> Self {
        let text = text.to_owned();
        self.when(&format!("on {text:?}"), move |request| request.last_words().contains(&text))
    }

    /// Answers only when the conversation has that many turns of the model.
    #[must_use]
    pub fn at(self, turns: usize) -> Self {
        self.when(&format!("at turn {turns}"), move |request| request.turns() == turns)
    }

    /// Answers only when `condition` holds; `shown` is its name in messages.
    #[must_use]
    pub fn when(
        mut self,
        shown: &str,
        condition: impl Fn(&Conversation) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.conditions.push(Arc::new(condition));
        self.shown.push(shown.to_owned());
        self
    }

    /// Answers any number of requests, at least one.
    #[must_use]
    pub fn again_and_again(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// Need not be asked for.
    #[must_use]
    pub fn if_asked(mut self) -> Self {
        self.optional = true;
        self
    }

    fn holds(&self, request: &Conversation) -> bool {
        self.conditions.iter().all(|condition| condition(request))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said: Vec<String> = match &self.raw {
            Some(raw) => vec![format!("status {}", raw.status)],
            None => self.blocks.iter().map(|block| format!("{block:?}")).collect(),
        };
        write!(f, "{} [{}]", said.join(", "), self.shown.join(", "))
    }
}

/// The replies of a server and how often each was given.
#[derive(Debug)]
pub(super) struct Replies(Vec<(Reply, usize)>);

impl Replies {
    pub(super) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self(replies.into_iter().map(|reply| (reply, 0)).collect())
    }

    /// Returns the first reply that is left and whose conditions hold.
    pub(super) fn choose(&mut self, request: &Conversation) -> Option<Reply> {
        let mut open = self.0.iter_mut().filter(|(reply, given)| reply.repeats || *given == 0);
        let (reply, given) = open.find(|(reply, _)| reply.holds(request))?;
        *given += 1;
        let mut reply = reply.clone();
        if let Some(composer) = &reply.composer {
            reply.blocks = composer(request);
        }
        Some(reply)
    }

    /// Returns one sentence for each reply that nobody asked for.
    pub(super) fn unused(&self) -> Vec<String> {
        let unused =
            self.0.iter().enumerate().filter(|(_, (reply, given))| *given == 0 && !reply.optional);
        unused
            .map(|(index, (reply, _))| format!("reply {} was not asked for: {reply:?}", index + 1))
            .collect()
    }
}

/// Cuts a text into pieces as a model makes them: a few characters each.
pub(crate) fn fragments(text: &str) -> Vec<String> {
    // A long text in small pieces would be mostly wrapping.
    let length = if text.len() > 10_000 { 1_000 } else { 7 };
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(length).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planner() -> Conversation {
        Conversation { tools: vec!["submit_plan".to_owned()], ..Conversation::default() }
    }

    fn texts(replies: &mut Replies, request: &Conversation) -> Option<Vec<Block>> {
        replies.choose(request).map(|reply| reply.blocks)
    }

    #[test]
    fn replies_are_given_once_in_order_and_by_their_conditions() {
        let work = reply("work").to(Role::Executor);
        let mut replies = Replies::new([work, reply("plan").to(Role::Planner), reply("more")]);
        let text = |text: &str| Some(vec![Block::Text(text.to_owned())]);

        assert_eq!(texts(&mut replies, &planner()), text("plan"));
        assert_eq!(texts(&mut replies, &planner()), text("more"));
        assert_eq!(texts(&mut replies, &planner()), None);
        assert_eq!(texts(&mut replies, &Conversation::default()), text("work"));
        assert_eq!(replies.unused(), Vec::<String>::new());
    }

    #[test]
    fn a_repeated_reply_never_runs_out_but_has_to_be_used() {
        let mut replies = Replies::new([reply("x").again_and_again()]);
        assert_eq!(replies.unused(), ["reply 1 was not asked for: Text(\"x\") []"]);

        for _ in 0..3 {
            assert!(replies.choose(&planner()).is_some());
        }
        assert_eq!(replies.unused(), Vec::<String>::new());
    }

    #[test]
    fn a_verdict_scores_the_dimensions_that_the_request_names() {
        let words = "Judge.\n- `safety` (weight 0.3)\n- style (weight 0.7)\n- not one\n";
        let said = super::super::Said { text: words.to_owned(), ..Default::default() };
        let tools = vec!["submit_verdict".to_owned()];
        let request = Conversation { messages: vec![said], tools, ..Conversation::default() };

        let blocks = texts(&mut Replies::new([verdict(9.0)]), &request).unwrap();

        let Block::Call(_, arguments) = &blocks[0] else { panic!("{blocks:?}") };
        let scores = json!([
            { "dimension": "safety", "score": 9.0 }, { "dimension": "style", "score": 9.0 },
        ]);
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        assert_eq!(arguments, json!({ "scores": scores, "findings": [] }));
    }

    #[test]
    fn an_optional_reply_may_stay_unused() {
        assert_eq!(Replies::new([reply("x").if_asked()]).unused(), Vec::<String>::new());
    }
}
