//! The generated side of the contract in `wit/`: the one file that calls `generate!`.
//!
//! `host` holds every type and every import. Each kind is a world of its own that only exports, so that a
//! component which implements one kind carries no trace of the others; imports that a component does not use
//! vanish when it is linked.

#![allow(
    missing_docs,
    clippy::missing_safety_doc,
    clippy::too_many_arguments,
    reason = "generated code; what is public carries the comments of the contract"
)]

/// Every host interface and every shared type.
pub mod host {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host"],
        world: "openkoi:host/every-interface",
        with: { "openkoi:types/failures@0.1.0": crate::failure },
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq],
        additional_derives_ignore: ["response"],
    });
}

/// The exports of a tool.
pub mod tool {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/tool"],
        inline: "
            package openkoi:sdk-tool@0.1.0;
            world tool-exports { export openkoi:tool/tool@0.1.0; }
        ",
        with: {
            "openkoi:types/failures@0.1.0": crate::failure,
            "openkoi:types/conversation@0.1.0": crate::bindings::host::openkoi::types::conversation,
        },
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "openkoi_sdk::bindings::tool",
    });
}

/// The exports of a provider.
pub mod provider {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/provider"],
        inline: "
            package openkoi:sdk-provider@0.1.0;
            world provider-exports { export openkoi:provider/codec@0.1.0; }
        ",
        with: {
            "openkoi:types/failures@0.1.0": crate::failure,
            "openkoi:types/http-types@0.1.0": crate::bindings::host::openkoi::types::http_types,
            "openkoi:types/conversation@0.1.0": crate::bindings::host::openkoi::types::conversation,
        },
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "openkoi_sdk::bindings::provider",
    });
}

/// The exports of an evaluator.
pub mod evaluator {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/evaluator"],
        inline: "
            package openkoi:sdk-evaluator@0.1.0;
            world evaluator-exports { export openkoi:evaluator/evaluator@0.1.0; }
        ",
        with: { "openkoi:types/failures@0.1.0": crate::failure },
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "openkoi_sdk::bindings::evaluator",
    });
}

/// The exports of an integration.
pub mod integration {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/tool", "../../wit/integration"],
        inline: "
            package openkoi:sdk-integration@0.1.0;
            world integration-exports { export openkoi:integration/integration@0.1.0; }
        ",
        with: {
            "openkoi:types/failures@0.1.0": crate::failure,
            "openkoi:types/http-types@0.1.0": crate::bindings::host::openkoi::types::http_types,
        },
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "openkoi_sdk::bindings::integration",
    });
}

/// The exports of an integration whose service talks over a socket, beside those of every integration.
pub mod socket {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/tool", "../../wit/integration"],
        inline: "
            package openkoi:sdk-socket@0.1.0;
            world socket-exports { export openkoi:integration/socket@0.1.0; }
        ",
        with: {
            "openkoi:types/failures@0.1.0": crate::failure,
            "openkoi:types/http-types@0.1.0": crate::bindings::host::openkoi::types::http_types,
            "openkoi:integration/messages@0.1.0":
                crate::bindings::integration::openkoi::integration::messages,
        },
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "openkoi_sdk::bindings::socket",
    });
}

/// The exports of an embedder.
pub mod embedder {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/embedder"],
        inline: "
            package openkoi:sdk-embedder@0.1.0;
            world embedder-exports { export openkoi:embedder/embedder@0.1.0; }
        ",
        with: { "openkoi:types/failures@0.1.0": crate::failure },
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "openkoi_sdk::bindings::embedder",
    });
}

/// The exports of a learner.
pub mod learner {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/learner"],
        inline: "
            package openkoi:sdk-learner@0.1.0;
            world learner-exports { export openkoi:learner/learner@0.1.0; }
        ",
        with: { "openkoi:types/failures@0.1.0": crate::failure },
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "openkoi_sdk::bindings::learner",
    });
}

/// The exports of an agency.
pub mod agency {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/agency"],
        inline: "
            package openkoi:sdk-agency@0.1.0;
            world agency-exports { export openkoi:agency/agency@0.1.0; }
        ",
        with: { "openkoi:types/failures@0.1.0": crate::failure },
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "openkoi_sdk::bindings::agency",
    });
}

/// The exports of a view.
pub mod view {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/view"],
        inline: "
            package openkoi:sdk-view@0.1.0;
            world view-exports { export openkoi:view/view@0.1.0; }
        ",
        with: { "openkoi:types/failures@0.1.0": crate::failure },
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "openkoi_sdk::bindings::view",
    });
}
