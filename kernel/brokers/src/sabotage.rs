//! Switches that turn one guard off, to show that its test fails then.
//!
//! A guard whose test stays green without it is not tested. With the cargo feature `sabotage` (not in a release)
//! `OPENKOI_SABOTAGE=egress-rule` turns that guard off; [`CASES`] names the test that must fail then. Without the feature
//! [`off`] is a constant. The host has a table of its own, made by the same macro.

/// Declares the guards of a crate once, each with the test that must fail when it is off.
#[doc(hidden)]
#[macro_export]
macro_rules! sabotage_guards {
    ($($(#[$doc:meta])* $name:ident = $text:literal => $case:literal,)+) => {
        /// One guard of this crate.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Guard {
            $($(#[$doc])* $name,)+
        }

        impl Guard {
            /// Every guard.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the name of the guard, as the variable has it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }

        /// Guard by guard, the test of this crate that must fail while the guard is off.
        pub const CASES: &[(Guard, &str)] = &[$((Guard::$name, $case),)+];

        /// Returns whether `guard` is turned off for a test of the tests. Always false without the feature.
        #[cfg(not(feature = "sabotage"))]
        #[inline]
        #[must_use]
        pub const fn off(_guard: Guard) -> bool {
            false
        }

        /// Returns whether `guard` is turned off for a test of the tests.
        #[cfg(feature = "sabotage")]
        #[must_use]
        pub fn off(guard: Guard) -> bool {
            use std::sync::OnceLock;
            static NAMED: OnceLock<String> = OnceLock::new();
            let named = NAMED.get_or_init(|| std::env::var("OPENKOI_SABOTAGE").unwrap_or_default());
            named == guard.name()
        }
    };
}

sabotage_guards! {
    /// A path of an archive leads to a place below the folder that it is unpacked in.
    ArchivePath = "archive-path" => "an_archive_with_a_path_that_leads_out_is_refused",
    /// What an archive unpacks to has an end.
    ArchiveSize = "archive-size" => "an_archive_that_unpacks_to_too_much_is_refused",
    /// A request that no rule covers is refused before anything is resolved.
    EgressRule = "egress-rule" => "a_host_without_a_rule_is_refused_before_it_is_resolved",
    /// A URL with a user name is refused.
    EgressUserinfo = "egress-userinfo" => "a_user_name_in_a_url_is_refused",
    /// Headers that belong to the host are refused.
    EgressHeaders = "egress-headers" => "headers_of_the_host_are_refused",
    /// Addresses in URLs are checked against the rule.
    EgressLiteral = "egress-literal" => "a_private_address_needs_a_rule_that_spells_it",
    /// Addresses that a name resolves to are checked against the public ranges.
    EgressResolver = "egress-resolver" => "a_name_that_resolves_to_a_private_address_is_refused",
    /// A proxy is not asked for names that lead into the local network.
    EgressProxy = "egress-proxy" => "a_proxy_is_not_asked_for_what_lies_inside",
    /// Secrets of other hosts do not leave.
    EgressScan = "egress-scan" => "a_secret_of_another_host_does_not_leave",
    /// A credential goes to its own host only.
    EgressBinding = "egress-binding" => "a_credential_goes_to_its_own_host_only",
    /// A credential goes to the addresses of its host that it is for.
    EgressPath = "egress-path" => "a_credential_goes_to_its_own_paths_only",
    /// A key that signs is not sent to any host.
    EgressSigning = "egress-signing" => "a_secret_that_signs_leaves_for_no_host",
    /// No header of the caller follows a redirect.
    EgressRedirectHeaders = "egress-redirect-headers" => "no_header_follows_a_redirect",
    /// Each hop is decided like the first request.
    EgressRedirectRule = "egress-redirect-rule" => "a_redirect_is_decided_like_a_request",
    /// A body ends at its limit.
    EgressBodyLimit = "egress-body-limit" => "a_body_ends_at_its_limit",
    /// Sensitive headers of an answer are dropped.
    EgressAnswerHeaders = "egress-answer-headers" => "cookies_and_challenges_do_not_come_back",
    /// A credential that is echoed is redacted.
    EgressEcho = "egress-echo" => "an_echoed_credential_is_redacted",
    /// A credential file that others can read is refused.
    SecretMode = "secret-mode" => "a_key_file_that_others_can_read_is_refused",
    /// A request that waited for the lock of a login uses the token that another one got.
    LoginReread = "login-reread" => "many_requests_at_once_make_one_renewal",
    /// A login's tokens go back to their issuer only.
    LoginIssuer = "login-issuer" => "a_token_goes_back_to_its_issuer_only",
    /// A browser is heard that was sent to this machine by its address, not by a name that leads here.
    LoopbackHost = "loopback-host" => "a_login_in_a_browser_is_ended_by_its_own_answer_alone",
    /// A browser is heard that brings the state of the login.
    LoopbackState = "loopback-state" => "a_login_in_a_browser_is_ended_by_its_own_answer_alone",
    /// Agent-control files are read-only.
    FileControl = "file-control" => "control_files_are_read_only",
    /// Files that look like secrets are refused.
    FileSecret = "file-secret" => "secret_files_are_refused",
    /// The target of a link is checked against the same rules.
    FileLink = "file-link" => "a_link_does_not_lead_around_a_rule",
    /// Only regular files are opened.
    FileKind = "file-kind" => "only_regular_files_are_read",
    /// Paths outside the rules are refused.
    FileRule = "file-rule" => "a_path_that_no_rule_names_is_refused",
    /// A file that has not the contents that the writer expects is not replaced.
    FileExpect = "file-expect" => "a_file_that_changed_is_not_replaced",
    /// A program of OpenKoi's own gets no environment.
    InnerEnvironment = "inner-environment" => "a_program_of_our_own_sees_no_environment",
    /// A program of OpenKoi's own ends at a deadline.
    InnerDeadline = "inner-deadline" => "a_program_of_our_own_ends_at_its_deadline",
    /// What a program of OpenKoi's own says has an end.
    InnerAnswer = "inner-answer" => "the_answer_of_a_program_of_our_own_has_an_end",
    /// What lies in the store of native code is believed only if it was put there.
    SealedCode = "sealed-code" => "what_was_not_kept_here_or_was_changed_is_not_there",
    /// A key that others could have read or chosen is none.
    SealedKey = "sealed-key" => "a_key_that_others_can_read_is_none",
    /// Files that are ignored are left alone by a restore.
    SnapshotIgnored = "snapshot-ignored" => "ignored_files_are_never_touched",
    /// Control files are captured, ignored ones and those of `.git` too.
    SnapshotControl = "snapshot-control" => "control_files_are_put_back",
    /// An object whose bytes are not those it is named after is not put back.
    SnapshotHash = "snapshot-hash" => "a_broken_object_is_not_restored",
    /// What somebody else changed while a layer was open is not overwritten.
    LayerConflict = "layer-conflict" => "what_somebody_else_changed_meanwhile_stays_and_is_named",
    /// A directory in a place that others can write to is used only if it is this user's own.
    PrivateOwn = "private-own" => "a_directory_that_others_may_have_made_is_not_used",
    /// Over a layer, places of secrets in the workspace are empty, and nothing is taken over from them.
    LayerClosed = "layer-closed" => "over_a_layer_of_a_home_its_secrets_are_closed_and_the_rest_is_open",
    /// A program in a copy of the workspace does not see the workspace.
    ScratchHidden = "scratch-hidden" => "in_a_copy_the_workspace_itself_is_not_seen",
    /// A program sees the files it was given and no others.
    ProcessFiles = "process-files" => "a_program_writes_only_where_it_may",
    /// A program has no network unless it was granted.
    ProcessNetwork = "process-network" => "a_program_has_no_network",
    /// Over a layer, everything but a program's places is read-only for it, modes and times too.
    ProcessMounts = "process-mounts" => "over_a_layer_nothing_outside_changes_its_mode_owner_or_time",
    /// A program's shared memory is its own.
    ProcessIpc = "process-ipc" => "a_program_sees_no_shared_memory_of_others_and_leaves_none",
    /// A program reaches the hosts that its policy admits, and no others.
    ProcessHosts = "process-hosts" => "a_program_reaches_what_is_admitted_and_is_told_why_the_rest_is_not",
    /// A host that is admitted by its name is not reached at an address of the local network.
    ProcessAddresses = "process-addresses" => "a_name_does_not_lead_a_program_into_the_local_network",
    /// A program's internet sockets are in a network of its own.
    ProcessNamespace = "process-namespace" => "a_program_reaches_itself_and_nothing_else",
    /// A program keeps no capability that leads around the sandbox, of a namespace or of root.
    ProcessCapabilities = "process-capabilities" => "a_program_has_no_capability_over_its_sandbox",
    /// Without a sandbox no program is started.
    ProcessClosed = "process-closed" => "without_a_sandbox_nothing_is_started",
    /// A program gets the variables of the allow-list, and no others.
    ProcessEnvironment = "process-environment" => "a_program_sees_only_the_allowed_environment",
    /// A program's whole group ends with it.
    ProcessGroup = "process-group" => "the_whole_group_is_killed_at_the_deadline",
    /// A program sees its own processes alone, and they end with it.
    ProcessPids = "process-pids" => "a_program_sees_no_process_of_others_and_leaves_none",
    /// A program has so many processes at once and no more.
    ProcessNumbers = "process-numbers" => "a_fork_bomb_ends_the_program_and_nothing_else",
    /// A program has so much memory with all its processes and no more.
    ProcessMemory = "process-memory" => "a_program_that_takes_all_memory_is_ended_and_nothing_else",
    /// A program writes so much and no more.
    ProcessDisk = "process-disk" => "a_program_that_fills_the_disk_is_ended_and_says_why",
    /// Where a program sees the processes of others, it does nothing to them.
    ProcessKin = "process-kin" => "where_a_program_sees_others_it_does_nothing_to_them",
    /// Without mounts of its own a program sets no set-id bits and no attributes.
    ProcessMetadata = "process-metadata" => "without_mounts_of_its_own_a_program_sets_no_set_id_bits_and_no_attributes",
    /// Without mounts of its own root does nothing to files of others, and becomes nobody else, in a workspace of its own.
    ProcessOwners = "process-owners" => "without_mounts_of_its_own_root_does_nothing_to_files_of_others",
    /// On kernels that do not confine truncation a program cuts no file that it may only read.
    ProcessTruncation = "process-truncation" => "on_old_kernels_a_program_cuts_no_file_that_it_may_only_read",
    /// Where a program was seen to do what is forbidden, none is started.
    ProcessTried = "process-tried" => "where_a_trial_from_inside_got_out_no_program_is_started",
    /// A program has limits of its own.
    ProcessLimits = "process-limits" => "a_program_has_limits",
}
