//! Reads the files of one crate, from its root along `mod`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Expr, ExprLit, Ident, Item, ItemMod, ItemUse, Lit, Macro, Meta, Token, UseTree,
    Visibility,
    ext::IdentExt as _,
    parse::Parser as _,
    punctuated::Punctuated,
    visit::{self, Visit},
};

use super::{
    mention,
    module::{Binding, Crate, Module, Way},
};

/// Reads the crate whose root is `file`.
///
/// # Errors
///
/// A file cannot be read or is not Rust.
pub(super) fn read(root: &Path, file: &Path) -> io::Result<Crate> {
    let mut reader = Reader {
        root,
        found: Crate::default(),
        module: 0,
        depth: 0,
        directory: directory(file),
        file: file.to_path_buf(),
        failure: None,
    };
    reader.module(file, None)?;
    Ok(reader.found)
}

/// Returns the directory in which the files of the children of a crate's root lie.
fn directory(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).to_path_buf()
}

/// Walks over the syntax and writes down what is defined and what is named.
struct Reader<'a> {
    root: &'a Path,
    found: Crate,
    /// The module that is being read.
    module: usize,
    /// How many blocks stand around: what is defined in a function has no name outside.
    depth: usize,
    /// Where the files of the module's children lie.
    directory: PathBuf,
    file: PathBuf,
    /// The first file that could not be read: the walk itself returns nothing.
    failure: Option<io::Error>,
}

impl Reader<'_> {
    /// Reads the file of one module and those below it. The caller says where its children lie.
    fn module(&mut self, file: &Path, parent: Option<usize>) -> io::Result<usize> {
        let text = fs::read_to_string(file)?;
        let syntax = syn::parse_file(&text)
            .map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
        let path = file.canonicalize()?;
        let name = path.strip_prefix(self.root).unwrap_or(&path).display().to_string();
        let module = self.open(name, parent);
        let outer = (self.module, self.depth);
        (self.module, self.depth) = (module, 0);
        for item in &syntax.items {
            self.visit_item(item);
        }
        (self.module, self.depth) = outer;
        self.failure.take().map_or(Ok(module), Err)
    }

    fn open(&mut self, file: String, parent: Option<usize>) -> usize {
        self.found.modules.push(Module::new(file, parent));
        self.found.modules.len() - 1
    }

    fn here(&mut self) -> &mut Module {
        &mut self.found.modules[self.module]
    }

    /// Reads the file of the child that `mod name;` declares.
    fn child(&mut self, item: &ItemMod) -> io::Result<usize> {
        let name = item.ident.unraw().to_string();
        let outer = (self.directory.clone(), self.file.clone());
        if let Some(path) = item.attrs.iter().find_map(path_attribute) {
            self.file = directory(&self.file).join(path);
            self.directory = directory(&self.file);
        } else {
            let flat = self.directory.join(format!("{name}.rs"));
            let nested = self.directory.join(&name).join("mod.rs");
            self.file = if flat.is_file() { flat } else { nested };
            self.directory = self.directory.join(name);
        }
        let file = self.file.clone();
        let module = self.module(&file, Some(self.module));
        (self.directory, self.file) = outer;
        module
    }

    /// Reads a module that is written into the file of its parent.
    fn inline(&mut self, name: &Ident, items: &[Item]) -> usize {
        let file = self.here().file.clone();
        let module = self.open(file, Some(self.module));
        let outer = (self.module, self.depth, self.directory.clone());
        (self.module, self.depth) = (module, 0);
        self.directory = self.directory.join(name.unraw().to_string());
        for item in items {
            self.visit_item(item);
        }
        (self.module, self.depth, self.directory) = outer;
        module
    }

    /// Writes down what `item` defines.
    fn define(&mut self, item: &Item) {
        let module = self.module;
        let (name, is_type) = match item {
            Item::Const(item) => (&item.ident, false),
            Item::Enum(item) => (&item.ident, true),
            Item::Fn(item) => (&item.sig.ident, false),
            Item::Static(item) => (&item.ident, false),
            Item::Struct(item) => (&item.ident, true),
            Item::Trait(item) => (&item.ident, true),
            Item::TraitAlias(item) => (&item.ident, true),
            Item::Type(item) => (&item.ident, true),
            Item::Union(item) => (&item.ident, true),
            Item::Macro(item) => {
                let Some(name) = &item.ident else { return };
                let name = name.unraw().to_string();
                self.found.macros.entry(name.clone()).or_default().push(module);
                if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")) {
                    self.found.modules[0].bind(name, Binding::Item { module, is_type: false });
                }
                return;
            }
            _ => return,
        };
        if self.depth == 0 {
            self.here().bind(name.unraw().to_string(), Binding::Item { module, is_type });
        }
    }

    /// Writes down what a `use` brings in: the names it gives, and that the file depends on what they name.
    fn import(&mut self, tree: &UseTree, mut path: Vec<String>, way: Way) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.unraw().to_string());
                self.import(&tree.tree, path, way);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, path.clone(), way);
                }
            }
            UseTree::Name(name) => self.import_as(path, &name.ident, None, way),
            UseTree::Rename(tree) => self.import_as(path, &tree.ident, Some(&tree.rename), way),
            UseTree::Glob(_) => {
                let way = if way == Way::HandedOn { Way::AllHandedOn } else { way };
                self.here().mention(path.clone(), way);
                self.here().globs.push(path);
            }
        }
    }

    fn import_as(&mut self, mut path: Vec<String>, name: &Ident, rename: Option<&Ident>, way: Way) {
        if name != "self" {
            path.push(name.unraw().to_string());
        }
        let Some(last) = path.last().cloned() else { return };
        let name = rename.map_or(last, |name| name.unraw().to_string());
        self.here().mention(path.clone(), way);
        // `use x;` and `use x::{self}` of another crate would stand for themselves for ever.
        if path != [name.as_str()] {
            self.here().bind(name, Binding::Import(path));
        }
    }

    /// Writes down the paths that stand in the arguments of a macro or an attribute.
    fn tokens(&mut self, tokens: &proc_macro2::TokenStream) {
        let found = mention::paths(tokens.clone());
        self.here().mentions.extend(found);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_for_tests) {
            self.define(item);
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let child = match &item.content {
            Some((_, items)) => Ok(self.inline(&item.ident, items)),
            None => self.child(item),
        };
        match child {
            Ok(child) => self.here().bind(item.ident.unraw().to_string(), Binding::Module(child)),
            Err(error) => self.failure = self.failure.take().or(Some(error)),
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        // What begins with `::` is another crate.
        if item.leading_colon.is_none() {
            let is_private = matches!(item.vis, Visibility::Inherited);
            let way = if is_private { Way::Plain } else { Way::HandedOn };
            self.import(&item.tree, Vec::new(), way);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes: &[Attribute] = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !field.attrs.iter().any(is_for_tests) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !field.attrs.iter().any(is_for_tests) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !variant.attrs.iter().any(is_for_tests) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !arm.attrs.iter().any(is_for_tests) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.depth += 1;
        visit::visit_block(self, block);
        self.depth -= 1;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter().map(|segment| segment.ident.unraw().to_string());
            self.here().mention(segments.collect(), Way::Plain);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let segments = call.path.segments.iter().map(|segment| segment.ident.unraw().to_string());
        self.here().mention(segments.collect(), Way::Macro);
        self.tokens(&call.tokens);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(&list.tokens);
        }
    }
}

/// Returns the file that `#[path = "…"]` names.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) if pair.path.is_ident("path") => {
            Some(path.value())
        }
        _ => None,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether what bears `attribute` is compiled for tests only.
fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("test")
        || (attribute.path().is_ident("cfg")
            && attribute.parse_args::<Meta>().is_ok_and(|condition| wants_test(&condition)))
}

/// Whether a `cfg` cannot hold without `test`.
fn wants_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else { return condition.path().is_ident("test") };
    let parts = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone());
    let parts: Vec<Meta> = parts.map(|parts| parts.into_iter().collect()).unwrap_or_default();
    (list.path.is_ident("all") && parts.iter().any(wants_test))
        || (list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(wants_test))
}
