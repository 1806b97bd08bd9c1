//! From the text of bake files to blocks, and the order in which blocks get their values.

use std::collections::BTreeMap;

use hcl::{Block, Body, Expression, Structure};
use serde_json::{Map, Value};

use super::calls::Calls;
use super::order::Evaluation;
use super::variables::Declared;
use super::{BakeError, BakeFile, Surroundings, targets, variables};

/// Largest file that is read, in bytes.
const LIMIT_BYTES: usize = 1 << 20;
/// How deep brackets may nest: the parser uses the stack.
const LIMIT_DEPTH: usize = 100;

/// The kinds of blocks.
const KINDS: [&str; 4] = ["variable", "group", "target", "function"];

/// The key of what is only said to people in JSON.
const COMMENT: &str = "//";

/// A field before it has a value.
pub(super) type Fields = Vec<(String, Expression)>;

/// The blocks of all files before anything has a value.
#[derive(Default)]
pub(super) struct Raw {
    files: Vec<String>,
    variables: BTreeMap<String, Declared>,
    validations: Vec<(String, Fields)>,
    functions: Vec<(String, Fields)>,
    groups: Vec<(String, Fields)>,
    targets: Vec<(String, Fields)>,
}

/// True for a file that is a bake file by its name.
pub(super) fn is_bake(name: &str) -> bool {
    [".hcl", ".json"].iter().any(|end| name.ends_with(end))
}

fn check_size(text: &str) -> Result<(), String> {
    if text.len() > LIMIT_BYTES {
        return Err(format!("it is larger than {LIMIT_BYTES} bytes"));
    }
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > LIMIT_DEPTH {
            return Err(format!("its brackets nest more than {LIMIT_DEPTH} deep"));
        }
    }
    Ok(())
}

impl Raw {
    /// Adds a file's blocks. One whose name says nothing is HCL, or JSON where it begins with a brace.
    ///
    /// # Errors
    /// [`BakeError::File`] with what cannot be understood.
    pub(super) fn add(&mut self, file: &str, text: &str) -> Result<(), BakeError> {
        let fail = |why: String| BakeError::File { file: file.to_owned(), why };
        check_size(text).map_err(fail)?;
        let json = file.ends_with(".json") || !is_bake(file) && text.trim_start().starts_with('{');
        match json {
            true => self.json(&serde_json::from_str(text).map_err(|e| fail(e.to_string()))?).map_err(fail)?,
            false => self.hcl(hcl::parse(text).map_err(|e| fail(e.to_string()))?).map_err(fail)?,
        }
        self.files.push(file.to_owned());
        Ok(())
    }

    fn hcl(&mut self, body: Body) -> Result<(), String> {
        for structure in body {
            match structure {
                // A plain attribute at the top is a variable too.
                Structure::Attribute(attribute) => {
                    self.declare(attribute.key.to_string(), Declared::attribute(attribute.expr));
                }
                Structure::Block(block) => self.block(block)?,
            }
        }
        Ok(())
    }

    fn block(&mut self, block: Block) -> Result<(), String> {
        let kind = block.identifier.to_string();
        let [label] = block.labels.as_slice() else { return Err(format!("a block `{kind}` has one label")) };
        let name = label.as_str().to_owned();
        let mut fields = Vec::new();
        for structure in block.body {
            match structure {
                Structure::Attribute(attribute) => fields.push((attribute.key.to_string(), attribute.expr)),
                Structure::Block(inner)
                    if kind == "variable" && inner.identifier.as_str() == "validation" =>
                {
                    let inner = inner.body.into_attributes();
                    let inner = inner.map(|attribute| (attribute.key.to_string(), attribute.expr));
                    self.validations.push((name.clone(), inner.collect()));
                }
                Structure::Block(inner) => {
                    return Err(format!(
                        "`{}` in `{kind} \"{name}\"` is no field",
                        inner.identifier.as_str()
                    ));
                }
            }
        }
        self.keep(&kind, name, fields)
    }

    fn declare(&mut self, name: String, declared: Declared) {
        match self.variables.get_mut(&name) {
            Some(known) => known.join(declared),
            None => drop(self.variables.insert(name, declared)),
        }
    }

    fn keep(&mut self, kind: &str, name: String, fields: Fields) -> Result<(), String> {
        if matches!(kind, "group" | "target") {
            targets::check_name(&name).map_err(|why| format!("{kind} {why}"))?;
        }
        match kind {
            "variable" => self.declare(name, Declared::block(fields)),
            "group" => self.groups.push((name, fields)),
            "target" => self.targets.push((name, fields)),
            "function" => self.functions.push((name, fields)),
            other => {
                return Err(format!(
                    "there is no block `{other}`; write variable, function, group or target"
                ));
            }
        }
        Ok(())
    }

    /// HCL's JSON syntax: a block is an object, or a list of them, below its kind and its label; all else at the top is a
    /// plain attribute.
    fn json(&mut self, document: &Value) -> Result<(), String> {
        for document in objects(document).ok_or("it is no JSON object")? {
            for (kind, value) in document {
                match kind.as_str() {
                    COMMENT => {}
                    kind if KINDS.contains(&kind) => self.json_blocks(kind, value)?,
                    _ => self.declare(kind.clone(), Declared::attribute(expression(value)?)),
                }
            }
        }
        Ok(())
    }

    fn json_blocks(&mut self, kind: &str, value: &Value) -> Result<(), String> {
        for labels in objects(value).ok_or_else(|| format!("`{kind}` is no object"))? {
            for (name, bodies) in labels {
                for body in objects(bodies).ok_or_else(|| format!("`{kind}` `{name}` is no object"))? {
                    self.json_block(kind, name, body)?;
                }
            }
        }
        Ok(())
    }

    fn json_block(&mut self, kind: &str, name: &str, body: &Map<String, Value>) -> Result<(), String> {
        let mut fields = Vec::new();
        for (field, value) in body.iter().filter(|(field, _)| *field != COMMENT) {
            match kind == "variable" && field == "validation" {
                true => self.json_rules(name, value)?,
                false => fields.push((field.clone(), expression(value)?)),
            }
        }
        self.keep(kind, name.to_owned(), fields)
    }

    /// `validation` of a variable in JSON: one, or a list of them.
    fn json_rules(&mut self, name: &str, rules: &Value) -> Result<(), String> {
        for rule in rules.as_array().map_or_else(|| vec![rules], |list| list.iter().collect()) {
            let fields = rule.as_object().into_iter().flatten();
            let fields = fields.map(|(field, value)| Ok((field.clone(), expression(value)?)));
            self.validations.push((name.to_owned(), fields.collect::<Result<_, String>>()?));
        }
        Ok(())
    }

    /// Replaces the calls of functions that the files define.
    fn resolve_calls(&mut self, now: &str) -> Result<(), String> {
        let mut calls = Calls::new(std::mem::take(&mut self.functions), now)?;
        let defaults = self.variables.values_mut().flat_map(Declared::expressions_mut);
        let lists = [&mut self.validations, &mut self.groups, &mut self.targets];
        let fields = lists.into_iter().flatten().flat_map(|(_, fields)| fields).map(|(_, value)| value);
        for value in defaults.chain(fields) {
            *value = calls.rewrite(std::mem::replace(value, Expression::Null))?;
        }
        Ok(())
    }

    /// The values of everything, added to what compose files say.
    ///
    /// # Errors
    /// [`BakeError::File`] with what has no value.
    pub(super) fn evaluate(
        mut self,
        into: BakeFile,
        around: &Surroundings<'_>,
    ) -> Result<BakeFile, BakeError> {
        let shown = std::mem::take(&mut self.files).join(", ");
        self.evaluated(into, around).map_err(|why| BakeError::File { file: shown, why })
    }

    fn evaluated(mut self, mut file: BakeFile, around: &Surroundings<'_>) -> Result<BakeFile, String> {
        self.resolve_calls(around.now)?;
        let mut order = Evaluation::new(self.variables, self.targets, around)?;
        file.variables = order.variables()?;
        variables::validate(&self.validations, &mut order)?;
        let groups = targets::groups(self.groups, &mut order)?;
        targets::targets(&mut file, order.targets()?);
        file.groups.extend(groups);
        Ok(file)
    }
}

/// An object, or those of a list.
fn objects(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    match value {
        Value::Array(items) => items.iter().map(Value::as_object).collect(),
        one => one.as_object().map(|one| vec![one]),
    }
}

/// A JSON value whose strings are templates.
fn expression(value: &Value) -> Result<Expression, String> {
    Ok(match value {
        Value::String(text) => {
            let template = hcl::expr::TemplateExpr::QuotedString(text.clone());
            Expression::from(template)
        }
        Value::Array(items) => Expression::Array(items.iter().map(expression).collect::<Result<_, _>>()?),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| {
                Ok((hcl::expr::ObjectKey::from(Expression::from(key.as_str())), expression(value)?))
            };
            Expression::Object(map.iter().map(entry).collect::<Result<_, String>>()?)
        }
        other => hcl::to_expression(other).map_err(|error| error.to_string())?,
    })
}
