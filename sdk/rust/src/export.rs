//! The expansion of the `export_*!` macros. Natively they only check the type: the names of component exports do
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

/// Makes functions the tools of the component, by name: each takes its arguments and the [`Context`](crate::tool::Context).
///
/// The schemas in `component.toml` come from the types of the arguments. A test of the component, which this macro writes,
/// fails where they differ, and with `OPENKOI_UPDATE=1` writes them there instead.
///
/// What the tools ask of the world can be given a name, so that tests put another in its place: the macro then writes a
/// function `dispatch` that takes it, the name of a tool, its arguments as JSON, and the context.
///
/// ```
/// use openkoi_sdk::{arguments, files::{FileSystem, Host, Memory}, tool::{Context, Output}, tools};
///
/// #[arguments]
/// struct Count {
///     path: String,
/// }
///
/// tools! {
///     files: &impl FileSystem = &Host;
///     "count" => |count: Count, _| {
///         let bytes = files.read_to_end(&count.path, 1_000_000)?;
///         Ok(Output::text(format!("{} bytes", bytes.len())))
///     },
/// }
///
/// let files = Memory::new([("a.txt", "abc")]);
/// let output = dispatch(&files, "count", r#"{"path":"a.txt"}"#, &Context::default()).unwrap();
/// assert_eq!(output.text, "3 bytes");
/// ```
#[macro_export]
macro_rules! tools {
    ($($name:literal => $handler:expr),+ $(,)?) => {
        $crate::tools! { _nothing: () = (); $($name => $handler),+ }
    };
    ($world:ident: $kind:ty = $host:expr; $($name:literal => $handler:expr),+ $(,)?) => {
        fn dispatch(
            $world: $kind,
            name: &str,
            arguments: &str,
            context: &$crate::tool::Context,
        ) -> $crate::Result<$crate::tool::Output> {
            match name {
                $($name => $crate::tool::answer($handler, arguments, context),)+
                other => $crate::tool::unknown(other),
            }
        }

        #[doc(hidden)]
        struct Tools;

        impl $crate::tool::Tool for Tools {
            fn call(
                name: &str,
                arguments: &str,
                context: &$crate::tool::Context,
            ) -> $crate::Result<$crate::tool::Output> {
                dispatch($host, name, arguments, context)
            }
        }

        $crate::export_tool!(Tools);

        #[cfg(all(test, not(target_family = "wasm")))]
        mod manifest_of_tools {
            use super::*;

            #[test]
            fn the_manifest_says_what_the_types_say() {
                let $world = $host;
                $crate::schema::hold(
                    env!("CARGO_MANIFEST_DIR"),
                    &[$(($name, $crate::schema::of_arguments($handler))),+],
                );
            }
        }
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

/// Makes a type that implements [`Embedder`](crate::embedder::Embedder) the component's embedder.
#[macro_export]
macro_rules! export_embedder {
    ($type:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn exported<T: $crate::embedder::Embedder>() {}
            exported::<$type>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__embed_manifest!();
            type Exported = $crate::embedder::Adapter<$type>;
    $crate::bindings::embedder::export!(Exported with_types_in $crate::bindings::embedder);
        };
    };
}

/// Makes a type that implements [`Learner`](crate::learner::Learner) the component's learner.
#[macro_export]
macro_rules! export_learner {
    ($type:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn exported<T: $crate::learner::Learner>() {}
            exported::<$type>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__embed_manifest!();
            type Exported = $crate::learner::Adapter<$type>;
    $crate::bindings::learner::export!(Exported with_types_in $crate::bindings::learner);
        };
    };
}

/// Makes a type that implements [`Agency`](crate::agency::Agency) the component's agency.
#[macro_export]
macro_rules! export_agency {
    ($type:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn exported<T: $crate::agency::Agency>() {}
            exported::<$type>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__embed_manifest!();
            type Exported = $crate::agency::Adapter<$type>;
    $crate::bindings::agency::export!(Exported with_types_in $crate::bindings::agency);
        };
    };
}

/// Makes a type that implements [`View`](crate::view::View) the component's view.
#[macro_export]
macro_rules! export_view {
    ($type:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn exported<T: $crate::view::View>() {}
            exported::<$type>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__embed_manifest!();
            type Exported = $crate::view::Adapter<$type>;
    $crate::bindings::view::export!(Exported with_types_in $crate::bindings::view);
        };
    };
}

/// Makes a type that implements [`Integration`](crate::integration::Integration) the component's integration, and a type
/// that implements [`Session`](crate::integration::Session) its socket, if it has one.
///
/// An integration has tools, too: [`tools!`](crate::tools) makes them, and embeds the manifest.
#[macro_export]
macro_rules! export_integration {
    ($type:ty $(, socket: $session:ty)?) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn exported<T: $crate::integration::Integration>() {}
            exported::<$type>();
            $({
                const fn exported<T: $crate::integration::Session>() {}
                exported::<$session>();
            })?
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::integration::Adapter<$type>;
            $crate::bindings::integration::export!(Exported with_types_in $crate::bindings::integration);
        };
        $(
            #[cfg(target_family = "wasm")]
            const _: () = {
                type Exported = $crate::integration::SocketAdapter<$session>;
                $crate::bindings::socket::export!(Exported with_types_in $crate::bindings::socket);
            };
        )?
    };
}
