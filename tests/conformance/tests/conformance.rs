//! Every wire format passes the same suite.

use openkoi_conformance::conformance;
use openkoi_test_support::{anthropic::Messages, openai::Chat, responses::Responses};

conformance!(anthropic, Messages);
conformance!(openai_chat, Chat);
conformance!(openai_responses, Responses);
