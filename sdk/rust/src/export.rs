//! What the `export_*!` macros expand to. Natively they only check the type: the names of component exports do
//! not link outside of WebAssembly.

/// Embeds the `component.toml` beside the calling crate's `Cargo.toml` as the section `openkoi:manifest`.
#[doc(hidden)]
#[macro_export]
macro_rules! __embed_manifest {
    () => {
        #[used]
        #[allow(unsafe_code, reason = "a named section is how a manifest travels with the code")]
        #[unsafe(link_section = "openkoi:manifest")]
        static MANIFEST: [u8; include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/component.toml"
        ))
        .len()] = *include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/component.toml"));
    };
}

/// Makes a type that implements [`Tool`](crate::tool::Tool) the component's tool.
#[macro_export]
macro_rules! export_tool {
    ($type:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn exported<T: $crate::tool::Tool>() {}
            exported::<$type>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__embed_manifest!();
            type Exported = $crate::tool::Adapter<$type>;
    $crate::bindings::tool::export!(Exported with_types_in $crate::bindings::tool);
        };
    };
}

/// Makes a type that implements [`Codec`](crate::provider::Codec) the component's provider.
#[macro_export]
macro_rules! export_provider {
    ($type:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn exported<T: $crate::provider::Codec>() {}
            exported::<$type>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__embed_manifest!();
            type Exported = $crate::provider::Adapter<$type>;
    $crate::bindings::provider::export!(Exported with_types_in $crate::bindings::provider);
        };
    };
}

/// Makes a type that implements [`Evaluator`](crate::evaluator::Evaluator) the component's evaluator.
#[macro_export]
macro_rules! export_evaluator {
    ($type:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn exported<T: $crate::evaluator::Evaluator>() {}
            exported::<$type>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__embed_manifest!();
            type Exported = $crate::evaluator::Adapter<$type>;
            $crate::bindings::evaluator::export!(Exported with_types_in $crate::bindings::evaluator);
        };
    };
}
