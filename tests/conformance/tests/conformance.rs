//! Every wire format passes the same suite.

use openkoi_conformance::conformance;
use openkoi_test_support::{
    anthropic::Messages, google::Gemini, ollama::Native as OllamaChat, openai::Chat,
};

conformance!(anthropic, Messages);
conformance!(google, Gemini);
conformance!(ollama, OllamaChat);
conformance!(openai_chat, Chat);
