//! One suite for every provider: the bundled component on the real host, over the real egress broker, against a
//! strict server that speaks the vendor's wire format.
//!
//! [`conformance!`] makes the tests of one wire format; [`peer`] is what they stand on.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot be set up has to fail, loudly and at once"
)]

pub mod peer;
pub mod suite;

/// Makes a module of tests for a wire format.
#[macro_export]
macro_rules! conformance {
    ($name:ident, $wire:ty) => {
        mod $name {
            use super::*;

            $crate::conformance!(@cases $wire:
                a_text_is_shown_as_it_arrives_and_becomes_a_turn,
                three_rounds_of_tools_keep_their_ids,
                parallel_calls_are_told_apart,
                tokens_are_counted_as_the_vendor_counts_them,
                every_stop_has_its_reason,
                every_cut_gives_the_same_turn,
                no_early_end_passes_for_a_turn,
                a_stream_that_keeps_ending_early_is_an_outage,
                a_body_that_is_not_a_stream_is_a_typed_error,
                a_stream_without_end_is_ended,
                giving_up_closes_the_connection,
                every_problem_has_its_kind,
                what_may_pass_is_asked_again_and_what_may_not_is_not,
                what_a_tool_shows_is_looked_at_or_described,
                every_problem_inside_of_a_stream_has_its_kind,
                what_may_pass_inside_of_a_stream_is_asked_again_and_what_may_not_is_not,
                what_was_shown_is_kept_and_nobody_is_asked_again,
                what_nobody_was_shown_is_begun_anew_and_counted,
                the_models_are_listed,
            );
        }
    };
    (@cases $wire:ty: $($case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::suite::$case::<$wire>().await;
            }
        )+
    };
}
