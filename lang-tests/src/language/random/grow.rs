//! Grows a program of a type: productions of the table, and the forms that bind names.

use std::collections::BTreeMap;

use super::rng::Rng;
use super::table::{FAULTS, PRODUCTIONS};
use super::tree::Tree;
use super::types::{Bindings, Type};

/// The program of a seed.
pub fn program(seed: u64) -> Tree {
    let mut rng = Rng::new(seed);
    let wanted = Type::random(&mut rng, 3);
    let depth = 3 + rng.below(4);
    let faults = if rng.once_in(3) { 0 } else { 25 + rng.below(100) };
    let signatures =
        PRODUCTIONS.iter().filter_map(|(type_, text)| Some((Type::parse(type_)?, *text))).collect();
    let mut grower = Grower { rng, signatures, scope: Vec::new(), names: 0, faults };
    if grower.rng.once_in(4) { grower.calls(depth.min(4)) } else { grower.expression(&wanted, depth) }
}

struct Grower {
    rng: Rng,
    signatures: Vec<(Type, &'static str)>,
    scope: Vec<(String, Type)>,
    names: usize,
    /// One expression in so many is a fault; 0 for none.
    faults: usize,
}

impl Grower {
    fn expression(&mut self, wanted: &Type, depth: usize) -> Tree {
        if self.faults > 0 && self.rng.once_in(self.faults) {
            let text = self.rng.word(FAULTS);
            return self.template(wanted, text, &mut Bindings::new(), depth.saturating_sub(1).min(1));
        }
        if depth == 0 || (depth < 3 && self.rng.once_in(5)) {
            return self.leaf(wanted, depth);
        }
        match self.rng.below(12) {
            0 => self.let_in(wanted, depth),
            1 => self.with(wanted, depth),
            2 => self.application(wanted, depth),
            3 => self.leaf(wanted, depth),
            4 if *wanted == Type::Str => self.interpolation(depth),
            5 => self.selection(wanted, depth),
            _ => self.production(wanted, depth),
        }
    }

    fn production(&mut self, wanted: &Type, depth: usize) -> Tree {
        for _ in 0..60 {
            let Some((type_, text)) = self.rng.pick(&self.signatures).cloned() else { break };
            // What fits every type must not crowd out what fits only this one.
            if matches!(type_, Type::Variable(_)) && !self.rng.once_in(3) {
                continue;
            }
            let mut bindings = Bindings::new();
            if type_.matches(wanted, &mut bindings) {
                return self.template(wanted, text, &mut bindings, depth - 1);
            }
        }
        self.leaf(wanted, depth)
    }

    /// Fills the holes of a text.
    fn template(&mut self, type_: &Type, text: &str, bindings: &mut Bindings, depth: usize) -> Tree {
        let mut tree = Tree::new(type_);
        let mut rest = text;
        while let Some(start) = rest.find('<') {
            let (before, from) = rest.split_at(start);
            let hole = from
                .get(1..)
                .and_then(|t| t.split_once('>'))
                .and_then(|(t, after)| Some((Type::parse(t)?, after)));
            if let Some((hole, after)) = hole {
                let hole = hole.resolved(bindings, &mut self.rng);
                let child = self.expression(&hole, depth);
                tree.push(before);
                if self.rng.once_in(30) {
                    tree.bare_child(child)
                } else {
                    tree.child(child)
                };
                rest = after;
            } else {
                tree.push(format!("{before}<"));
                rest = from.get(1..).unwrap_or_default();
            }
        }
        tree.push(rest);
        tree
    }

    /// A variable of the type when there is one, else a literal.
    fn leaf(&mut self, wanted: &Type, depth: usize) -> Tree {
        let known: Vec<String> =
            self.scope.iter().filter(|(_, t)| t == wanted).map(|(name, _)| name.clone()).collect();
        if let (Some(name), false) = (self.rng.pick(&known).cloned(), self.rng.once_in(4)) {
            return Tree::text(wanted, name);
        }
        let next = depth.saturating_sub(1);
        match wanted {
            Type::Int => {
                let text =
                    self.rng.word(&["0", "1", "2", "3", "7", "10", "42", "100", "9223372036854775807"]);
                Tree::text(wanted, text)
            }
            Type::Float => {
                Tree::text(wanted, self.rng.word(&["0.5", "1.0", "2.25", "1.0e10", ".1", "1.0e-7"]))
            }
            Type::Bool => Tree::text(wanted, self.rng.word(&["true", "false"])),
            Type::Null | Type::Variable(_) => Tree::text(wanted, "null"),
            Type::Path => Tree::text(wanted, self.rng.word(&["./a", "./b/c", "./.", "/x", "/x/y.nix"])),
            Type::Str => Tree::text(wanted, self.rng.word(&STRINGS)),
            Type::List(item) => self.list(wanted, item, next),
            Type::Map(item) => {
                let count = self.rng.below(4);
                let fields: BTreeMap<_, _> =
                    (0..count).map(|_| (Type::name(&mut self.rng), (**item).clone())).collect();
                self.set(wanted, &fields, next)
            }
            Type::Set(fields) => self.set(wanted, fields, next),
            Type::Function(argument, result) => self.function(wanted, argument, result, next),
        }
    }

    fn list(&mut self, wanted: &Type, item: &Type, depth: usize) -> Tree {
        let mut tree = Tree::new(wanted);
        tree.push("[ ");
        for _ in 0..self.rng.below(4) {
            let child = self.expression(item, depth);
            tree.child(child).push(" ");
        }
        tree.push("]");
        tree
    }

    fn set(&mut self, wanted: &Type, fields: &BTreeMap<String, Type>, depth: usize) -> Tree {
        let mut tree = Tree::new(wanted);
        let recursive = self.rng.once_in(5);
        let before = self.scope.clone();
        if recursive {
            self.scope.retain(|(name, _)| !fields.contains_key(name));
        }
        tree.push(if recursive { "rec {" } else { "{" });
        for (name, type_) in fields {
            let separator = self.rng.word(&[" ", " ", "\n  "]);
            let key =
                if name.contains(' ') || self.rng.once_in(8) { format!("{name:?}") } else { name.clone() };
            tree.push(format!("{separator}{key} = "));
            let child = self.expression(type_, depth);
            tree.child(child).push(";");
            if recursive && name.chars().all(|c| c.is_ascii_alphanumeric()) {
                self.scope.push((name.clone(), type_.clone()));
            }
        }
        tree.push(" }");
        if recursive {
            self.scope = before;
        }
        tree
    }

    fn function(&mut self, wanted: &Type, argument: &Type, result: &Type, depth: usize) -> Tree {
        let mut tree = Tree::new(wanted);
        let before = self.scope.len();
        let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '\'');
        match argument {
            Type::Set(fields) if fields.keys().all(|name| plain(name)) && !self.rng.once_in(3) => {
                let mut formals: Vec<String> = fields.keys().cloned().collect();
                if let (true, Some(last)) = (self.rng.once_in(3), formals.last_mut()) {
                    last.push_str(" ? 1");
                }
                let ellipsis = if self.rng.once_in(3) {
                    formals.push("...".to_owned());
                    true
                } else {
                    false
                };
                let all = if self.rng.once_in(3) { Some(self.fresh()) } else { None };
                let at = all.as_ref().map_or(String::new(), |name| format!("@{name}"));
                tree.push(format!("{{ {} }}{at}: ", formals.join(", ")));
                self.scope.extend(fields.iter().map(|(n, t)| (n.clone(), t.clone())));
                if let (Some(name), false) = (all, ellipsis) {
                    self.scope.push((name, argument.clone()));
                }
            }
            _ => {
                let name = self.fresh();
                tree.push(format!("{name}: "));
                self.scope.push((name, argument.clone()));
            }
        }
        let body = if self.rng.once_in(4) {
            self.with_aliases(result, before, depth)
        } else {
            self.expression(result, depth)
        };
        self.scope.truncate(before);
        tree.child(body);
        tree
    }

    /// The body of a function that has other names for what is in scope from `first` on.
    fn with_aliases(&mut self, wanted: &Type, first: usize, depth: usize) -> Tree {
        let mut tree = Tree::new(wanted);
        tree.push("let");
        for (name, type_) in self.scope.split_off(first) {
            let alias = self.fresh();
            tree.push(format!(" {alias} = {name};"));
            self.scope.push((alias, type_));
        }
        // A small body refers to nothing that would keep it from the shortest ways of the evaluator.
        let depth = self.rng.below(depth + 1);
        let body = self.expression(wanted, depth);
        tree.push(" in ").child(body);
        tree
    }

    fn let_in(&mut self, wanted: &Type, depth: usize) -> Tree {
        let mut tree = Tree::new(wanted);
        let before = self.scope.len();
        tree.push("let");
        for _ in 0..=self.rng.below(3) {
            tree.push(self.rng.word(&[" ", "\n  "]));
            match self.rng.below(8) {
                0 => self.alias(&mut tree, before),
                1 => self.inherit_from(&mut tree, depth - 1),
                _ => {
                    let (name, type_) = (self.fresh(), Type::random(&mut self.rng, 2));
                    let value = self.expression(&type_, depth - 1);
                    tree.push(format!("{name} = ")).child(value).push(";");
                    self.scope.push((name, type_));
                }
            }
        }
        let body = self.expression(wanted, depth - 1);
        tree.push(self.rng.word(&[" in ", "\nin\n"])).child(body);
        self.scope.truncate(before);
        tree
    }

    /// A definition that only means another variable; one of the first `outer` may keep its name.
    fn alias(&mut self, tree: &mut Tree, outer: usize) {
        let at = self.rng.below(self.scope.len().max(1));
        let Some((name, type_)) = self.scope.get(at).cloned() else {
            return;
        };
        let is_hidden = self.scope[at + 1..].iter().any(|(other, _)| *other == name);
        if at < outer && !is_hidden && self.rng.once_in(3) {
            tree.push(format!("inherit {name};"));
            self.scope.push((name, type_));
        } else if !is_hidden {
            let alias = self.fresh();
            tree.push(format!("{alias} = {name};"));
            self.scope.push((alias, type_));
        }
    }

    fn inherit_from(&mut self, tree: &mut Tree, depth: usize) {
        let fields: BTreeMap<_, _> =
            (0..=self.rng.below(2)).map(|_| (self.fresh(), Type::random(&mut self.rng, 1))).collect();
        let source = self.set(&Type::Set(fields.clone()), &fields, depth);
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        tree.push("inherit (").bare_child(source).push(format!(") {};", names.join(" ")));
        self.scope.extend(fields);
    }

    /// Calls of one function, whose results are looked into when all calls are over: nothing in them may have changed.
    fn calls(&mut self, depth: usize) -> Tree {
        let argument = Type::random(&mut self.rng, 1);
        let result = match self.rng.below(3) {
            0 => Type::random(&mut self.rng, 2),
            1 => Type::List(Box::new(argument.clone())),
            _ => Type::Set(BTreeMap::from([(Type::name(&mut self.rng), argument.clone())])),
        };
        let type_ = Type::Function(Box::new(argument.clone()), Box::new(result.clone()));
        let mut tree = Tree::new(&Type::List(Box::new(result.clone())));
        let depth = self.rng.below(depth);
        let function = self.function(&type_, &argument, &result, depth);
        let call = self.rng.word(&["f n", "f (builtins.head [ n ])", "f (g n)", "let x = g n; in f x"]);
        tree.push("let f = ")
            .child(function)
            .push("; g = x: builtins.seq x x; made = map (n: ")
            .push(call)
            .push(") [ ");
        for _ in 0..3 {
            let child = self.expression(&argument, 1);
            tree.child(child).push(" ");
        }
        tree.push("]; in builtins.foldl' (whole: one: builtins.seq one whole) made made");
        tree
    }

    fn with(&mut self, wanted: &Type, depth: usize) -> Tree {
        let mut tree = Tree::new(wanted);
        let before = self.scope.len();
        let (name, type_) = (self.fresh(), Type::random(&mut self.rng, 1));
        let fields = BTreeMap::from([(name.clone(), type_.clone())]);
        let set = self.set(&Type::Set(fields.clone()), &fields, depth - 1);
        self.scope.push((name, type_));
        let body = self.expression(wanted, depth - 1);
        self.scope.truncate(before);
        tree.push("with ").child(set).push("; ").child(body);
        tree
    }

    fn application(&mut self, wanted: &Type, depth: usize) -> Tree {
        let argument = Type::random(&mut self.rng, 1);
        let type_ = Type::Function(Box::new(argument.clone()), Box::new(wanted.clone()));
        let mut tree = Tree::new(wanted);
        let function = self.expression(&type_, depth - 1);
        let argument = self.expression(&argument, depth - 1);
        tree.child(function).push(" ").child(argument);
        tree
    }

    fn interpolation(&mut self, depth: usize) -> Tree {
        let mut tree = Tree::new(&Type::Str);
        let (open, close) = if self.rng.once_in(3) { ("''\n  i ", "''") } else { ("\"s", "\"") };
        let (first, second) =
            (self.expression(&Type::Str, depth - 1), self.expression(&Type::Str, depth - 1));
        tree.push(format!("{open}${{")).child(first).push("}-${").child(second).push(format!("}}{close}"));
        tree
    }

    fn selection(&mut self, wanted: &Type, depth: usize) -> Tree {
        let name = self.rng.word(&["a", "b", "foo"]).to_owned();
        let mut fields = BTreeMap::from([(name.clone(), wanted.clone())]);
        if self.rng.once_in(2) {
            fields.insert("x".to_owned(), Type::random(&mut self.rng, 1));
        }
        let mut tree = Tree::new(wanted);
        let set = self.expression(&Type::Set(fields), depth - 1);
        tree.child(set).push(format!(".{name}"));
        tree
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }
}

const STRINGS: [&str; 12] = [
    "\"\"",
    "\"a\"",
    "\"abc\"",
    "\"foo-1.2.3\"",
    "\"1.10pre\"",
    "\"héé\"",
    "\"a\\nb\"",
    "\"q\\\"\\\\\"",
    "\"$x\"",
    "\"x y\"",
    "\"ab\\tba\"",
    "\"{}\"",
];
