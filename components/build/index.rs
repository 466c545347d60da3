//! Writes the Rust source that `src/lib.rs` includes: the components and the skills.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{BuildError, at},
    guests::Layout,
    native::Component,
    yaml,
};

/// Writes all indexes.
pub(crate) fn write(layout: &Layout, components: &[Component]) -> Result<(), BuildError> {
    let (mut packed, mut entries) = (String::new(), String::new());
    for component in components {
        // Should somebody empty the directory of compiled code, this build is to be done again.
        println!("cargo::rerun-if-changed={}", component.code.display());
        if !component.is_base() {
            push(&mut packed, &code(component)?);
        }
        push(&mut entries, &entry(component));
    }
    let source = format!("{{\n{packed}    &[\n{entries}    ]\n}}\n");
    write_if_changed(&layout.out.join("components.rs"), &source)?;
    let base: String = components.iter().filter(|one| one.is_base()).map(base).collect();
    write_if_changed(&layout.out.join("base.rs"), &base)?;
    write_if_changed(&layout.out.join("skills.rs"), &skills(&layout.root.join("skills"))?)?;
    write_if_changed(&layout.out.join("demos.rs"), &demos(&layout.root.join("components")))
}

fn entry(component: &Component) -> String {
    let Component { name, kind, digest, manifest, form, against, .. } = component;
    let Component { wasm_length, code_length, .. } = component;
    let code = match component.is_base() {
        true => "&BASE.0".to_owned(),
        false => format!("&{}", static_of(component)),
    };
    format!(
        "    Embedded {{ name: {name:?}, kind: {kind:?}, digest: {digest:?}, manifest: {manifest:?}, form: Form::{form:?}, \
         code: {code}, against: {against:?}, wasm_length: {wasm_length}, code_length: {code_length} }},"
    )
}

/// The packed code has a name of its own, by which the linker puts it where the texts beside it are not.
fn code(component: &Component) -> Result<String, BuildError> {
    let path = &component.code;
    let length = at(path, fs::metadata(path))?.len();
    let name = static_of(component);
    Ok(format!("    static {name}: [u8; {length}] = *include_bytes!({path:?});"))
}

fn static_of(component: &Component) -> String {
    component.name.replace('-', "_").to_uppercase()
}

/// The code that is not packed lies at the beginning of a page, to be run where it is.
fn base(component: &Component) -> String {
    format!("&Paged(*include_bytes!({:?}))\n", component.code)
}

fn skills(root: &Path) -> Result<String, BuildError> {
    let mut found = Vec::new();
    collect(root, &mut found);
    found.sort();
    let mut source = String::from("&[\n");
    for path in &found {
        let name = path.strip_prefix(root).unwrap_or(path).display().to_string().replace('\\', "/");
        let text = at(path, fs::read_to_string(path))?;
        let text =
            in_json(&text).map_err(|problem| BuildError::Skill { path: path.clone(), problem })?;
        push(&mut source, &format!("    ({name:?}, {text:?}),"));
    }
    source.push_str("]\n");
    Ok(source)
}

/// Returns a skill with its front matter in JSON: every start of the program reads it, and JSON is read faster than YAML. The
/// text under it stays in its lines.
fn in_json(text: &str) -> Result<String, String> {
    let parts = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    let (header, body) = parts.ok_or("it has no front matter")?;
    let json = yaml::parse(header).map_err(|error| error.to_string())?.json();
    let rest = "\n".repeat(header.matches('\n').count());
    Ok(format!("---\n{json}{rest}\n---\n{body}"))
}

/// Lists `components/<kind>/<name>/demo/<flavour>`: the description and the files of each project.
fn demos(root: &Path) -> String {
    let mut source = String::from("&[\n");
    let below = |path: &Path| {
        let mut paths: Vec<PathBuf> = fs::read_dir(path)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .collect();
        paths.sort();
        paths
    };
    for demo in below(root).iter().flat_map(|kind| below(kind)).map(|one| one.join("demo")) {
        for flavour in below(&demo).iter().filter(|path| path.join("demo.json").is_file()) {
            println!("cargo::rerun-if-changed={}", flavour.display());
            push(&mut source, &project(flavour));
        }
    }
    source.push_str("]\n");
    source
}

fn project(flavour: &Path) -> String {
    let mut files = Vec::new();
    every_file(&flavour.join("files"), &mut files);
    files.sort();
    let description = flavour.join("demo.json");
    let files: String = files
        .iter()
        .map(|path| {
            let name = path.strip_prefix(flavour).unwrap_or(path).display().to_string();
            format!("({name:?}, include_str!({path:?})), ")
        })
        .collect();
    format!("    Demo {{ description: include_str!({description:?}), files: &[{files}] }},")
}

fn every_file(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() {
            every_file(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() {
            collect(&path, found);
        } else if path.file_name().is_some_and(|name| name == "SKILL.md") {
            found.push(path);
        }
    }
}

fn push(source: &mut String, line: &str) {
    source.push_str(line);
    source.push('\n');
}

/// An untouched file spares everything that includes it.
fn write_if_changed(path: &Path, contents: &str) -> Result<(), BuildError> {
    if fs::read_to_string(path).is_ok_and(|present| present == contents) {
        return Ok(());
    }
    at(path, fs::write(path, contents))
}
