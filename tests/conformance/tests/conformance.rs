//! Every wire format passes the same suite.

use openkoi_conformance::conformance;
use openkoi_test_support::{
    anthropic::Messages, bedrock::Converse, google::Gemini, ollama::Native as OllamaChat,
    openai::Chat, responses::Responses,
};

conformance!(anthropic, Messages);
conformance!(bedrock, Converse);
conformance!(google, Gemini);
conformance!(ollama, OllamaChat);
conformance!(openai_chat, Chat);
conformance!(openai_responses, Responses);
