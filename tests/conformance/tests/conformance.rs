//! Every wire format passes the same suite.

use openkoi_conformance::conformance;
use openkoi_test_support::{anthropic::Messages, openai::Chat};

conformance!(anthropic, Messages);
conformance!(openai_chat, Chat);
