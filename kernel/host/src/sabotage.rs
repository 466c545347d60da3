//! Switches that turn one guard off, so that its tests can be seen to fail; see [`openkoi_brokers::sabotage`].

openkoi_brokers::sabotage_guards! {
    /// A component gets the interfaces that its manifest asks for and no others.
    HostUndeclared = "host-undeclared" => "admitted::what_was_not_asked_for_is_refused",
    /// What no host offers is refused before it is compiled.
    HostUnknown = "host-unknown" => "admitted::what_no_host_offers_is_refused_by_name",
    /// A component has a size.
    HostSize = "host-size" => "admitted::sizes_are_looked_at_before_anything_is_parsed",
    /// Arguments fit the tool's schema before it runs.
    HostArguments = "host-arguments" => "tools::arguments_are_held_against_the_schema_before_anything_runs",
    /// A call has its running time.
    HostCpu = "host-cpu" => "limits::an_endless_loop_ends_at_its_running_time",
    /// A call ends at its deadline.
    HostWall = "host-wall" => "limits::a_call_that_waits_too_long_ends_at_its_deadline",
    /// Memories have a limit together.
    HostMemory = "host-memory" => "limits::memory_ends_at_its_limit",
    /// Tables have a limit together.
    HostTables = "host-tables" => "raw::a_table_that_begins_too_large_is_refused",
    /// Calls of the host are counted.
    HostCalls = "host-calls" => "floods::cheap_calls_of_the_host_are_counted",
    /// Bytes across the boundary are counted.
    HostBytes = "host-bytes" => "floods::bytes_are_counted_over_all_calls_of_the_host",
    /// One call of the host takes so many bytes.
    HostCallBytes = "host-call-bytes" => "floods::one_call_of_the_host_takes_so_many_bytes",
    /// Resources are counted.
    HostHandles = "host-handles" => "floods::resources_are_counted",
    /// An answer has a size.
    HostOutput = "host-output" => "floods::an_answer_beyond_its_size_is_none",
    /// Log records are counted and cut.
    HostLog = "host-log" => "floods::log_records_beyond_their_number_and_length_are_dropped",
    /// Progress reports are counted.
    HostProgress = "host-progress" => "floods::progress_is_capped_and_cannot_drive_a_terminal",
    /// What steers a terminal is made visible.
    HostVisible = "host-visible" => "tools::nothing_of_an_answer_drives_a_terminal",
    /// Standard output and error stay inside.
    HostStreams = "host-streams" => "powers::what_is_printed_stays_inside",
    /// A component that breaks again and again is left alone.
    HostQuarantine = "host-quarantine" => "quarantine::three_traps_in_a_minute_are_too_many",
    /// A wildcard in a grant leads to the host that was agreed to and no other.
    HostWildcard = "host-wildcard" => "powers::a_host_that_only_a_wildcard_covers_is_asked_for",
    /// What fills a place in a base URL names no other host.
    PlaceLabel = "place-label" => "providers::what_fills_a_place_in_a_base_url_is_one_label",
    /// A score is a number from 0 to 1.
    HostScore = "host-score" => "evaluators::a_score_that_is_none_is_not_evaluated",
}
