//! Switches that turn one guard off, so that its tests can be seen to fail; see [`openkoi_brokers::sabotage`].

openkoi_brokers::sabotage_guards! {
    /// A component that imports an interface has to ask for it in its manifest.
    HostUndeclared = "host-undeclared" => "admitted::an_import_that_the_manifest_does_not_ask_for_is_refused",
    /// A component with imports outside the contract is refused before it is compiled.
    HostUnknown = "host-unknown" => "admitted::an_import_outside_the_contract_is_refused_by_name",
    /// What did not come with the program has no power without a grant.
    HostUngranted = "host-ungranted" => "granted::what_nobody_granted_has_no_power_and_no_credential",
    /// Bytes that were installed are held against their hash before they are compiled.
    HostInstalled = "host-installed" => "granted::installed_bytes_are_run_as_they_were_installed_or_not_at_all",
    /// The process that compiles gives up everything else first.
    CompilerConfined = "compiler-confined" => "compiling::whoever_compiles_can_do_nothing_else",
    /// A component has a largest size.
    HostSize = "host-size" => "admitted::sizes_are_checked_before_parsing",
    /// Arguments fit the tool's schema before it runs.
    HostArguments = "host-arguments" => "tools::arguments_are_checked_against_the_schema_before_a_call",
    /// The running time of a call is limited.
    HostCpu = "host-cpu" => "limits::an_endless_loop_ends_at_its_running_time",
    /// A call ends at its deadline.
    HostWall = "host-wall" => "limits::a_call_that_waits_too_long_ends_at_its_deadline",
    /// The memories of a call have one limit together.
    HostMemory = "host-memory" => "limits::memory_ends_at_its_limit",
    /// The tables of a call have one limit together.
    HostTables = "host-tables" => "raw::a_table_whose_first_size_is_too_large_is_refused",
    /// Calls of the host are counted.
    HostCalls = "host-calls" => "floods::cheap_calls_of_the_host_are_counted",
    /// Bytes across the boundary are counted.
    HostBytes = "host-bytes" => "floods::bytes_are_counted_over_all_calls_of_the_host",
    /// One call of the host passes a limited number of bytes.
    HostCallBytes = "host-call-bytes" => "floods::bytes_of_one_call_of_the_host_are_limited",
    /// Resources held at once are limited.
    HostHandles = "host-handles" => "floods::resources_held_at_once_are_limited",
    /// An output has a largest size.
    HostOutput = "host-output" => "floods::an_output_beyond_its_limit_is_refused",
    /// Log records are counted and cut.
    HostLog = "host-log" => "floods::log_records_beyond_their_number_and_length_are_dropped",
    /// Progress reports are counted.
    HostProgress = "host-progress" => "floods::progress_is_capped_and_cannot_drive_a_terminal",
    /// Characters that drive a terminal are made visible.
    HostVisible = "host-visible" => "tools::an_output_cannot_drive_a_terminal",
    /// Standard output and error do not reach the terminal.
    HostStreams = "host-streams" => "powers::printed_text_does_not_reach_the_terminal",
    /// A component with too many faults is put into quarantine.
    HostQuarantine = "host-quarantine" => "quarantine::three_traps_in_a_minute_lead_to_quarantine",
    /// A wildcard in a grant leads to the host that was approved.
    HostWildcard = "host-wildcard" => "powers::a_host_that_only_a_wildcard_covers_is_asked_for",
    /// The value of a placeholder in a base URL is one label of a host name.
    TemplateLabel = "template-label" => "providers::the_value_of_a_placeholder_in_a_base_url_is_one_label",
    /// A score is a number from 0 to 1.
    HostScore = "host-score" => "evaluators::a_verdict_with_an_impossible_score_is_not_evaluated",
}
