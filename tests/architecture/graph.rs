//! Which file imports which: parsed with `syn`, names followed through re-exports to the file that defines them.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, UseTree};

/// A module's place: `["flow", "table"]`.
type Place = Vec<String>;

/// What one file defines and names.
#[derive(Default)]
struct Module {
    /// Names of its items, those that macros make among them.
    defined: BTreeSet<String>,
    /// Types among them.
    types: BTreeSet<String>,
    /// What its `use` declarations bring in: the path behind each name.
    imported: BTreeMap<String, Place>,
    /// What it imports as a whole.
    globs: Vec<Place>,
    /// Paths in its code that begin with `crate`, `super` or `self`, a module, or an imported name.
    named: BTreeSet<Place>,
    /// Submodules that only tests have.
    test_modules: BTreeSet<String>,
}

/// The files of the crate, by the place of the module that each is.
pub(crate) struct Graph {
    modules: BTreeMap<Place, Module>,
    paths: BTreeMap<Place, String>,
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| a.path().is_ident("cfg") && a.to_token_stream().to_string().contains("test"))
}

/// The place of the module in a file below `src/`.
fn place_of(path: &str) -> Place {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if stem == "lib" || stem == "main" { Vec::new() } else { stem.split('/').map(str::to_owned).collect() }
}

impl Graph {
    /// Reads files, each with its path below `src/` and its text. `main.rs` is a crate of its own and is left out.
    pub(crate) fn new<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut modules, mut paths) = (BTreeMap::new(), BTreeMap::new());
        for (path, text) in files.filter(|(path, _)| *path != "main.rs") {
            let file = syn::parse_file(text).unwrap_or_else(|error| panic!("src/{path}: {error}"));
            modules.insert(place_of(path), Module::of(&file));
            paths.insert(place_of(path), path.to_owned());
        }
        let of_tests: Vec<Place> = modules
            .iter()
            .flat_map(|(place, module)| module.test_modules.iter().map(move |name| below(place, name)))
            .collect();
        modules.retain(|place, _| !of_tests.iter().any(|test| place.starts_with(test)));
        Self { modules, paths }
    }

    /// Circles of files that import each other, each as the paths of its files.
    pub(crate) fn cycles(&self) -> Vec<Vec<&str>> {
        let edges: BTreeMap<&Place, BTreeSet<&Place>> =
            self.modules.keys().map(|place| (place, self.imports(place))).collect();
        let reached: BTreeMap<&Place, BTreeSet<&Place>> =
            edges.keys().map(|place| (*place, reach(&edges, place))).collect();
        let mut left: BTreeSet<&Place> = edges.keys().copied().filter(|p| reached[*p].contains(*p)).collect();
        let mut cycles = Vec::new();
        while let Some(first) = left.pop_first() {
            let mut circle = vec![first];
            circle.extend(left.iter().copied().filter(|p| reached[first].contains(*p) && reached[*p].contains(first)));
            left.retain(|place| !circle.contains(place));
            cycles.push(circle.into_iter().map(|place| self.paths[place].as_str()).collect());
        }
        cycles
    }

    /// Every import, as the path of the file that imports and that of the file imported.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        let imports = |from| self.imports(from).into_iter().map(move |to| (from, to));
        self.modules.keys().flat_map(imports).map(|(from, to)| (self.paths[from].as_str(), self.paths[to].as_str()))
    }

    /// Names of types that several files of one layer define, with the files.
    pub(crate) fn types_defined_twice(&self) -> Vec<(String, Vec<&str>)> {
        let mut places: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for (place, module) in &self.modules {
            for name in &module.types {
                let layer = place.first().map_or("lib", String::as_str);
                places.entry((layer, name)).or_default().push(self.paths[place].as_str());
            }
        }
        places.retain(|_, files| files.len() > 1);
        places.into_iter().map(|((layer, name), files)| (format!("{layer}::{name}"), files)).collect()
    }

    fn imports(&self, place: &Place) -> BTreeSet<&Place> {
        let module = &self.modules[place];
        let named = module.imported.values().chain(&module.named).chain(&module.globs);
        named
            .filter_map(|path| self.absolute(place, path, 0))
            .filter_map(|path| self.definer(&path, 0))
            .filter(|found| *found != place)
            .collect()
    }

    /// A path as it is written in the module at `place`, from the root of the crate.
    fn absolute(&self, place: &Place, path: &[String], depth: usize) -> Option<Place> {
        let first = path.first()?;
        if matches!(first.as_str(), "crate" | "super" | "self") {
            let mut base: Place = if first == "crate" { Vec::new() } else { place.clone() };
            let mut rest = path;
            while let Some((step, behind)) = rest.split_first()
                && matches!(step.as_str(), "crate" | "super" | "self")
            {
                if step == "super" {
                    base.pop()?;
                }
                rest = behind;
            }
            base.extend_from_slice(rest);
            return Some(base);
        }
        if self.modules.contains_key(&below(place, first)) {
            return Some(place.iter().chain(path).cloned().collect());
        }
        let behind = self.modules.get(place)?.imported.get(first).filter(|behind| *behind != path && depth < 8)?;
        let mut found = self.absolute(place, behind, depth + 1)?;
        found.extend_from_slice(&path[1..]);
        Some(found)
    }

    /// The module that defines what is at `path`; none for a module by itself, and for what is not in this crate.
    fn definer(&self, path: &[String], depth: usize) -> Option<&Place> {
        let length = (0..=path.len()).rev().find(|n| self.modules.contains_key(&path[..*n]))?;
        let (place, module) = self.modules.get_key_value(&path[..length])?;
        let name = path.get(length)?;
        if module.defined.contains(name) || depth > 8 {
            return Some(place);
        }
        let behind = module.imported.get(name).and_then(|behind| self.absolute(place, behind, 0));
        let through = behind.and_then(|mut behind| {
            behind.extend_from_slice(&path[length + 1..]);
            self.definer(&behind, depth + 1)
        });
        through.or_else(|| {
            let globs = module.globs.iter().filter_map(|glob| self.absolute(place, glob, 0));
            globs
                .filter_map(|glob| self.modules.get_key_value(&glob))
                .find(|(_, m)| m.defined.contains(name))
                .map(|m| m.0)
        })
    }
}

fn below(place: &Place, name: &str) -> Place {
    place.iter().cloned().chain([name.to_owned()]).collect()
}

fn reach<'a>(edges: &BTreeMap<&'a Place, BTreeSet<&'a Place>>, from: &Place) -> BTreeSet<&'a Place> {
    let (mut found, mut next): (BTreeSet<&Place>, Vec<&Place>) =
        (BTreeSet::new(), edges[from].iter().copied().collect());
    while let Some(place) = next.pop() {
        if found.insert(place) {
            next.extend(edges[place].iter().copied());
        }
    }
    found
}

impl Module {
    fn of(file: &File) -> Self {
        let mut module = Self::default();
        module.visit_file(file);
        module
    }

    fn define(&mut self, name: &syn::Ident, is_type: bool) {
        self.defined.insert(name.to_string());
        if is_type {
            self.types.insert(name.to_string());
        }
    }

    fn import(&mut self, before: &[String], tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.import(&below(&before.to_vec(), &path.ident.to_string()), &path.tree),
            UseTree::Name(name) if name.ident == "self" => {
                self.imported.insert(before.last().cloned().unwrap_or_default(), before.to_vec());
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.imported.insert(name.clone(), below(&before.to_vec(), &name));
            }
            UseTree::Rename(rename) => {
                self.imported.insert(rename.rename.to_string(), below(&before.to_vec(), &rename.ident.to_string()));
            }
            UseTree::Glob(_) => self.globs.push(before.to_vec()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(before, tree)),
        }
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(inner) if is_test(&inner.attrs) => {
                self.test_modules.insert(inner.ident.to_string());
                return;
            }
            Item::Struct(item) => self.define(&item.ident, true),
            Item::Enum(item) => self.define(&item.ident, true),
            Item::Union(item) => self.define(&item.ident, true),
            Item::Trait(item) => self.define(&item.ident, true),
            Item::Type(item) => self.define(&item.ident, true),
            Item::Const(item) => self.define(&item.ident, false),
            Item::Static(item) => self.define(&item.ident, false),
            Item::Fn(item) => self.define(&item.sig.ident, false),
            Item::Use(item) => self.import(&[], &item.tree),
            Item::Macro(item) => {
                item.ident.iter().for_each(|name| self.define(name, false));
                let text = item.mac.tokens.to_string();
                let words: Vec<&str> = text.split_whitespace().collect();
                for pair in words.windows(2).filter(|pair| matches!(pair[0], "struct" | "enum")) {
                    self.defined.insert(pair[1].to_owned());
                }
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.named.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> Graph {
        Graph::new(files.iter().copied())
    }

    #[test]
    fn follows_names_to_where_they_are_defined() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod x; mod y; pub use x::X; pub use y::*;"),
            ("a/x.rs", "pub struct X(super::Y);"),
            ("a/y.rs", "pub struct Y;"),
            ("b.rs", "use crate::a::{X as Z}; fn f(_: Z) {}"),
        ];
        assert!(graph(&files).cycles().is_empty());
        let mut circle = files;
        circle[3].1 = "pub struct Y; fn f() { crate::b::g(); }";
        assert_eq!(graph(&circle).cycles().len(), 0, "nothing is called g");
        circle[4].1 = "use crate::a::{X as Z}; pub fn g(_: Z) {}";
        assert_eq!(graph(&circle).cycles(), [["a/x.rs", "a/y.rs", "b.rs"]]);
    }

    #[test]
    fn tests_may_know_everything() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub fn f() {} #[cfg(test)] mod tests { use crate::b::g; }"),
            ("b.rs", "pub fn g() { crate::a::f(); }"),
        ];
        assert!(graph(&files).cycles().is_empty());
    }

    #[test]
    fn sees_types_with_one_name() {
        let files = [("lib.rs", ""), ("a/x.rs", "struct T;"), ("a/y.rs", "enum T {}"), ("b.rs", "struct T;")];
        assert_eq!(graph(&files).types_defined_twice(), [("a::T".to_owned(), vec!["a/x.rs", "a/y.rs"])]);
    }
}
