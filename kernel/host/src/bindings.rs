//! Code generated from the contract in `wit/`.
//!
//! [`imports`] holds each host interface and each shared type once. Each kind has a world of its own with exports and
//! no imports, so that it uses the types of [`imports`] and no interface is generated twice.

#![allow(missing_docs, clippy::all, reason = "generated code; the contract carries the comments")]

/// Every host interface, with every shared type.
pub(crate) mod imports {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host"],
        world: "openkoi:host/every-interface",
        imports: { default: async | trappable },
        with: {
            "openkoi:host/http.body": crate::resources::BodyStream,
            "openkoi:host/process.child": crate::resources::RunningChild,
        },
    });
}

/// The exports of a tool.
pub(crate) mod tool {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/tool"],
        inline: "
            package openkoi:host-side-tool@0.1.0;
            world tool-exports { export openkoi:tool/tool@0.1.0; }
        ",
        exports: { default: async },
        with: {
            "openkoi:types/failures": crate::bindings::imports::openkoi::types::failures,
            "openkoi:types/conversation": crate::bindings::imports::openkoi::types::conversation,
        },
        require_store_data_send: true,
    });
}

/// The exports of a provider.
pub(crate) mod provider {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/provider"],
        inline: "
            package openkoi:host-side-provider@0.1.0;
            world provider-exports { export openkoi:provider/codec@0.1.0; }
        ",
        exports: { default: async },
        with: {
            "openkoi:types/failures": crate::bindings::imports::openkoi::types::failures,
            "openkoi:types/http-types": crate::bindings::imports::openkoi::types::http_types,
            "openkoi:types/conversation": crate::bindings::imports::openkoi::types::conversation,
        },
        require_store_data_send: true,
    });
}

/// The exports of an evaluator.
pub(crate) mod evaluator {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/evaluator"],
        inline: "
            package openkoi:host-side-evaluator@0.1.0;
            world evaluator-exports { export openkoi:evaluator/evaluator@0.1.0; }
        ",
        exports: { default: async },
        with: {
            "openkoi:types/failures": crate::bindings::imports::openkoi::types::failures,
        },
        require_store_data_send: true,
    });
}

/// The exports of a learner.
pub(crate) mod learner {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/learner"],
        inline: "
            package openkoi:host-side-learner@0.1.0;
            world learner-exports { export openkoi:learner/learner@0.1.0; }
        ",
        exports: { default: async },
        with: {
            "openkoi:types/failures": crate::bindings::imports::openkoi::types::failures,
        },
        require_store_data_send: true,
    });
}

/// The exports of an agency.
pub(crate) mod agency {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/agency"],
        inline: "
            package openkoi:host-side-agency@0.1.0;
            world agency-exports { export openkoi:agency/agency@0.1.0; }
        ",
        exports: { default: async },
        with: {
            "openkoi:types/failures": crate::bindings::imports::openkoi::types::failures,
        },
        require_store_data_send: true,
    });
}

/// The exports of a view.
pub(crate) mod view {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/view"],
        inline: "
            package openkoi:host-side-view@0.1.0;
            world view-exports { export openkoi:view/view@0.1.0; }
        ",
        exports: { default: async },
        with: {
            "openkoi:types/failures": crate::bindings::imports::openkoi::types::failures,
        },
        require_store_data_send: true,
    });
}
