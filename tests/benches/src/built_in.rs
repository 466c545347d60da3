//! The embedded components as the catalog takes them.

use openkoi_host::{
    catalog::{Embedded, Form},
    manifest::Kind,
};

/// Returns every component that comes with the program.
pub(crate) fn all() -> impl Iterator<Item = Embedded> {
    openkoi_components::all().iter().map(|one| Embedded {
        name: one.name,
        kind: Kind::of_word(one.kind).expect("the build has checked it"),
        digest: one.digest,
        manifest: one.manifest,
        form: match one.form {
            openkoi_components::Form::Native => Form::Native,
            openkoi_components::Form::WebAssembly => Form::WebAssembly,
        },
        code: one.code,
        unpack: one.unpacked_by(),
        wasm_len: one.wasm_length,
        code_len: one.code_length,
    })
}

/// Returns the component called `name`.
pub(crate) fn one(name: &str) -> Embedded {
    all().find(|one| one.name == name).expect("there is such a component")
}
