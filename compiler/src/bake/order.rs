//! The order in which variables and fields of targets get their values: each after all that it speaks of.
//!
//! Owns: which has a value, and what leads back to itself. Never does: saying what a value means.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use hcl::eval::Context;
use hcl::{Expression, Value as Hcl};

use super::evaluate::Fields;
use super::list::Variable;
use super::references::{References, TARGET};
use super::targets::{self, Axes, Block, Draft};
use super::variables::{Declared, Given};
use super::{Surroundings, attempts, functions, seen};

/// What has a value of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Variable(String),
    /// A field of a draft, both by their places.
    Field(usize, usize),
}

/// The values of everything that the files say.
pub(super) struct Evaluation<'a> {
    around: &'a Surroundings<'a>,
    context: Context<'static>,
    declared: BTreeMap<String, Declared>,
    values: BTreeMap<String, Hcl>,
    /// Variables that the context has their values of; the others may be axes in it, or missing.
    bound: BTreeSet<String>,
    listed: Vec<Variable>,
    drafts: Vec<Draft>,
    by_name: BTreeMap<String, Vec<usize>>,
    /// Targets with a matrix, whose names are not known before it has a value.
    matrices: Vec<Block>,
}

impl<'a> Evaluation<'a> {
    /// Of variables and targets; nothing has a value yet.
    ///
    /// # Errors
    /// A target that is not as it can be.
    pub(super) fn new(
        declared: BTreeMap<String, Declared>,
        blocks: Vec<(String, Fields)>,
        around: &'a Surroundings<'a>,
    ) -> Result<Self, String> {
        let mut context = Context::new();
        functions::declare(&mut context);
        let known = [("BAKE_CMD_CONTEXT", "cwd://"), ("BAKE_LOCAL_PLATFORM", around.platform)];
        let mut order = Self {
            around,
            context,
            declared,
            values: known.map(|(name, value)| (name.to_owned(), Hcl::from(value))).into(),
            bound: BTreeSet::new(),
            listed: Vec::new(),
            drafts: Vec::new(),
            by_name: BTreeMap::new(),
            matrices: Vec::new(),
        };
        for (at, (name, fields)) in blocks.into_iter().enumerate() {
            let block = Block::new(at, name, fields)?;
            match block.matrix {
                Some(_) => order.matrices.push(block),
                None => order.add(block.draft(None, Axes::default())),
            }
        }
        Ok(order)
    }

    fn add(&mut self, draft: Draft) {
        let places = self.by_name.entry(draft.name.clone()).or_default();
        let drafts = &mut self.drafts;
        // Those of matrices are made after others.
        let early = places.last().is_some_and(|last| drafts[*last].at > draft.at);
        places.push(drafts.len());
        drafts.push(draft);
        if early {
            places.sort_by_key(|place| drafts[*place].at);
        }
    }

    /// All variables that have a block, by name.
    ///
    /// # Errors
    /// The first that cannot have a value.
    pub(super) fn variables(&mut self) -> Result<Vec<Variable>, String> {
        for name in self.declared.keys().cloned().collect::<Vec<_>>() {
            self.settle(Key::Variable(name))?;
        }
        self.listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(std::mem::take(&mut self.listed))
    }

    /// All targets in the order of their blocks.
    ///
    /// # Errors
    /// All that is wrong with the fields of the first that has something wrong.
    pub(super) fn targets(mut self) -> Result<Vec<Draft>, String> {
        self.expand()?;
        let mut open: Vec<usize> = (0..self.drafts.len()).collect();
        while !open.is_empty() {
            // A name that is computed, as in `target[NAME]`, may need another round.
            let before = self.drafts.iter().map(|draft| draft.values.len()).sum::<usize>();
            let wrong: Vec<(usize, String)> =
                open.iter().filter_map(|at| self.whole(*at).err().map(|why| (*at, why))).collect();
            let after = self.drafts.iter().map(|draft| draft.values.len()).sum::<usize>();
            if let (Some((_, why)), true) = (wrong.first(), before == after) {
                return Err(why.clone());
            }
            open = wrong.into_iter().map(|(at, _)| at).collect();
        }
        self.drafts.sort_by_key(|draft| draft.at);
        Ok(self.drafts)
    }

    /// Gives all fields of a draft their values.
    fn whole(&mut self, at: usize) -> Result<(), String> {
        let mut wrong: Vec<String> = Vec::new();
        for field in 0..self.drafts[at].fields.len() {
            match self.settle(Key::Field(at, field)) {
                Err(why) if !wrong.contains(&why) => wrong.push(why),
                _ => {}
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    /// Makes the targets of matrices.
    fn expand(&mut self) -> Result<(), String> {
        for block in std::mem::take(&mut self.matrices) {
            let Some(matrix) = &block.matrix else { continue };
            let named = |why: String| format!("target `{}`: {why}", block.name);
            let matrix = self.value(matrix, &Axes::default());
            let rows =
                targets::rows(matrix.map_err(|why| named(format!("`matrix`: {why}")))?).map_err(named)?;
            let mut names = BTreeSet::new();
            for axes in rows {
                let name = match &block.own_name {
                    Some(name) => targets::name(&self.value(name, &axes).map_err(named)?).map_err(named)?,
                    None => block.name.clone(),
                };
                if !names.insert(name.clone()) {
                    return Err(named(format!(
                        "its matrix makes several targets `{name}`; its `name` must have all axes in it"
                    )));
                }
                self.add(block.draft(Some(name), axes));
            }
        }
        Ok(())
    }

    /// The value of an expression, after all that it speaks of.
    ///
    /// # Errors
    /// Why it has none.
    pub(super) fn value(&mut self, expression: &Expression, axes: &Axes) -> Result<Hcl, String> {
        for key in self.needs(expression, axes)? {
            self.settle(key)?;
        }
        self.evaluated(expression, axes)
    }

    /// Gives a value to what is asked for, after all that it needs; without recursion, since files make long chains.
    fn settle(&mut self, goal: Key) -> Result<(), String> {
        let mut open = BTreeSet::new();
        let mut path: Vec<(Key, Vec<Key>)> = Vec::new();
        let mut next = Some(goal);
        loop {
            if let Some(key) = next.take().filter(|key| !self.is_done(key)) {
                if !open.insert(key.clone()) {
                    return Err(self.cycle(&path, &key));
                }
                let needs = self.needs_of(&key)?;
                path.push((key, needs));
            }
            let Some((key, needs)) = path.last_mut() else { return Ok(()) };
            next = needs.pop();
            if next.is_none() {
                let key = key.clone();
                self.evaluate(&key)?;
                open.remove(&key);
                path.pop();
            }
        }
    }

    fn is_done(&self, key: &Key) -> bool {
        match key {
            Key::Variable(name) => self.values.contains_key(name),
            Key::Field(draft, field) => self.drafts[*draft].values.contains_key(field),
        }
    }

    fn shown(&self, key: &Key) -> String {
        match key {
            Key::Variable(name) => name.clone(),
            Key::Field(draft, field) => {
                let draft = &self.drafts[*draft];
                format!("{TARGET}.{}.{}", draft.name, draft.fields[*field].0)
            }
        }
    }

    fn cycle(&self, path: &[(Key, Vec<Key>)], key: &Key) -> String {
        /// Most steps that are told.
        const TOLD: usize = 8;
        let circle = path.iter().map(|(key, _)| key).skip_while(|open| *open != key);
        let mut steps: Vec<String> = circle.take(TOLD).map(|key| self.shown(key)).collect();
        steps.push(if steps.len() < TOLD { self.shown(key) } else { "…".to_owned() });
        format!("variable cycle not allowed for `{}`: {}", self.shown(key), steps.join(" needs "))
    }

    fn wrong(&self, key: &Key, why: &str) -> String {
        match key {
            Key::Variable(name) => format!("variable `{name}`: {why}"),
            Key::Field(draft, field) => {
                let draft = &self.drafts[*draft];
                format!("target `{}`: `{}`: {why}", draft.name, draft.fields[*field].0)
            }
        }
    }

    fn needs_of(&mut self, key: &Key) -> Result<Vec<Key>, String> {
        let (expressions, axes): (Vec<Expression>, _) = match key {
            Key::Variable(name) => {
                let declared = self.declared.get(name);
                let all =
                    declared.into_iter().flat_map(|declared| [declared.own(), declared.description.as_ref()]);
                (all.flatten().cloned().collect(), Rc::default())
            }
            Key::Field(draft, field) => {
                let draft = &self.drafts[*draft];
                (vec![draft.fields[*field].1.clone()], draft.axes.clone())
            }
        };
        let mut needs = Vec::new();
        for expression in &expressions {
            needs.extend(self.needs(expression, &axes).map_err(|why| self.wrong(key, &why))?);
        }
        Ok(needs)
    }

    /// What an expression speaks of.
    fn needs(&mut self, expression: &Expression, axes: &Axes) -> Result<Vec<Key>, String> {
        let found = References::of(expression)?;
        let (mut needs, mut undefined) = (Vec::new(), Vec::new());
        for name in found.names {
            let known = axes.contains_key(&name) || self.values.contains_key(&name);
            if !known && self.declared.contains_key(&name) {
                needs.push(Key::Variable(name));
            } else if !known && (name != TARGET || self.by_name.is_empty()) {
                undefined.push(format!("`{name}`"));
            }
        }
        match undefined.as_slice() {
            [] => {}
            [one] => return Err(format!("undefined variable {one} in `{expression}`")),
            all => return Err(format!("undefined variables {} in `{expression}`", all.join(", "))),
        }
        for (name, field) in found.targets {
            if axes.contains_key(TARGET) {
                continue;
            }
            if !self.by_name.contains_key(&name) {
                self.expand()?;
            }
            // One that is not there may stand in a `try`.
            let places = self.by_name.get(&name).into_iter().flatten();
            for place in places {
                let fields = self.drafts[*place].fields.iter().enumerate();
                let meant =
                    fields.filter(|(_, (other, _))| field.as_ref().is_none_or(|field| field == other));
                needs.extend(meant.map(|(at, _)| Key::Field(*place, at)));
            }
        }
        Ok(needs)
    }

    /// The value of an expression where all that it speaks of has one.
    fn evaluated(&mut self, expression: &Expression, axes: &Axes) -> Result<Hcl, String> {
        let found = References::of(expression)?;
        let alone = found.names.contains(TARGET);
        if axes.contains_key(TARGET) || self.values.contains_key(TARGET) && found.targets.is_empty() {
            // Somebody's own name.
            let value = axes.get(TARGET).or_else(|| self.values.get(TARGET)).cloned();
            self.context.declare_var(TARGET, value.unwrap_or(Hcl::Null));
        } else if alone || !found.targets.is_empty() {
            let all = || self.by_name.keys().map(|name| (name.clone(), None)).collect();
            let wanted: BTreeSet<_> = if alone { all() } else { found.targets.clone() };
            self.context.declare_var(TARGET, seen::targets(&self.drafts, &self.by_name, &wanted, !alone));
        }
        for name in found.names.iter().filter(|name| *name != TARGET) {
            if let Some(value) = axes.get(name) {
                self.context.declare_var(name.as_str(), value.clone());
                self.bound.remove(name);
            } else if let (Some(value), false) = (self.values.get(name), self.bound.contains(name)) {
                self.context.declare_var(name.as_str(), value.clone());
                self.bound.insert(name.clone());
            }
        }
        let missing = found.targets.iter().find(|(name, _)| !self.by_name.contains_key(name));
        attempts::value(expression, &self.context).map_err(|why| match missing {
            Some((name, _)) if !axes.contains_key(TARGET) => {
                format!("there is no target `{name}`, of which `{expression}` speaks")
            }
            _ => why,
        })
    }

    fn evaluate(&mut self, key: &Key) -> Result<(), String> {
        match key {
            Key::Variable(name) => self.variable(name),
            Key::Field(draft, field) => self.field(*draft, *field),
        }
        .map_err(|why| self.wrong(key, &why))
    }

    fn variable(&mut self, name: &str) -> Result<(), String> {
        let Some(declared) = self.declared.get(name) else { return Ok(()) };
        let kind = declared.kind()?;
        let given = Given::of(name, kind.is_some(), &self.declared, self.around.environment);
        let (own, description) = (declared.own().cloned(), declared.description.clone());
        let own = own.map(|own| self.evaluated(&own, &Axes::default())).transpose()?;
        let description = description.map(|text| self.evaluated(&text, &Axes::default())).transpose()?;
        let Some(declared) = self.declared.get(name) else { return Ok(()) };
        let value = declared.value(own, given.as_ref(), kind.as_ref())?;
        if declared.block {
            let shown = match &value {
                Hcl::Null => None,
                Hcl::String(text) => Some(text.clone()),
                other => Some(serde_json::to_string(other).map_err(|error| error.to_string())?),
            };
            let description = description.as_ref().and_then(Hcl::as_str).unwrap_or_default().to_owned();
            let kind = kind.map(|kind| kind.words()).unwrap_or_default();
            self.listed.push(Variable { name: name.to_owned(), description, kind, value: shown });
        }
        self.values.insert(name.to_owned(), value);
        Ok(())
    }

    fn field(&mut self, draft: usize, field: usize) -> Result<(), String> {
        let (fields, axes) = (self.drafts[draft].fields.clone(), self.drafts[draft].axes.clone());
        let (name, expression) = &fields[field];
        let value = self.evaluated(expression, &axes)?;
        let value = serde_json::to_value(&value).map_err(|error| error.to_string())?;
        let value = if value.is_null() { value } else { targets::checked(name, value)? };
        self.drafts[draft].values.insert(field, value);
        Ok(())
    }
}
