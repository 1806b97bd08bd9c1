//! From the text of bake files to values: blocks, variables in whatever order, matrices.

use std::collections::BTreeMap;

use hcl::eval::{Context, Evaluate};
use hcl::{Block, Body, Expression, Structure};
use serde_json::{Map, Value};

use super::calls::Calls;
use super::{BakeError, BakeFile, functions, strings};

/// Largest file that is read, in bytes.
const LIMIT_BYTES: usize = 1 << 20;
/// How deep brackets may nest: the parser uses the stack.
const LIMIT_DEPTH: usize = 100;
/// Most targets that one matrix makes.
const LIMIT_MATRIX: usize = 1024;

/// A field before it has a value.
pub(super) type Fields = Vec<(String, Expression)>;

#[derive(Default)]
struct Raw {
    variables: Vec<(String, Option<Expression>)>,
    validations: Vec<(String, Fields)>,
    functions: Vec<(String, Fields)>,
    groups: Vec<(String, Fields)>,
    targets: Vec<(String, Fields)>,
}

pub(super) fn read(
    into: BakeFile,
    files: &[&(String, String)],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<BakeFile, BakeError> {
    let mut raw = Raw::default();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let shown = names.join(", ");
    for (file, text) in files {
        let fail = |why: String| BakeError::File { file: file.clone(), why };
        check_size(text).map_err(fail)?;
        match file.ends_with(".json") {
            true => raw.json(&serde_json::from_str(text).map_err(|e| fail(e.to_string()))?).map_err(fail)?,
            false => raw.hcl(hcl::parse(text).map_err(|e| fail(e.to_string()))?).map_err(fail)?,
        }
    }
    raw.evaluate(into, environment).map_err(|why| BakeError::File { file: shown, why })
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
    fn hcl(&mut self, body: Body) -> Result<(), String> {
        for structure in body {
            match structure {
                // A plain attribute at the top is a variable too.
                Structure::Attribute(attribute) => {
                    self.variables.push((attribute.key.to_string(), Some(attribute.expr)));
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

    fn keep(&mut self, kind: &str, name: String, mut fields: Fields) -> Result<(), String> {
        match kind {
            "variable" => {
                let at = fields.iter().position(|(field, _)| field == "default");
                self.variables.push((name, at.map(|at| fields.swap_remove(at).1)));
            }
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

    fn json(&mut self, document: &Value) -> Result<(), String> {
        let Some(document) = document.as_object() else { return Err("it is no JSON object".to_owned()) };
        for (kind, blocks) in document {
            let Some(blocks) = blocks.as_object() else { return Err(format!("`{kind}` is no object")) };
            for (name, fields) in blocks {
                let fields = fields.as_object().into_iter().flatten();
                let (rules, fields): (Vec<_>, Vec<_>) =
                    fields.partition(|(field, _)| kind == "variable" && *field == "validation");
                for (_, rules) in rules {
                    self.json_rules(name, rules)?;
                }
                let fields = fields.into_iter().map(|(field, value)| Ok((field.clone(), expression(value)?)));
                self.keep(kind, name.clone(), fields.collect::<Result<Fields, String>>()?)?;
            }
        }
        Ok(())
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
    fn resolve_calls(&mut self) -> Result<(), String> {
        let mut calls = Calls::new(std::mem::take(&mut self.functions))?;
        let defaults = self.variables.iter_mut().filter_map(|(_, default)| default.as_mut());
        let lists = [&mut self.validations, &mut self.groups, &mut self.targets];
        let fields = lists.into_iter().flatten().flat_map(|(_, fields)| fields).map(|(_, value)| value);
        for value in defaults.chain(fields) {
            *value = calls.rewrite(std::mem::replace(value, Expression::Null))?;
        }
        Ok(())
    }

    fn evaluate(
        mut self,
        mut file: BakeFile,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<BakeFile, String> {
        self.resolve_calls()?;
        let mut context = Context::new();
        functions::declare(&mut context);
        variables(self.variables, environment, &mut context)?;
        validate(&self.validations, &context)?;
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, fields) in self.groups {
            let fields = values(&fields, &context)?;
            groups.entry(name).or_default().extend(strings(fields.get("targets")));
        }
        // A group of compose files is what their services are; one that is written takes its place.
        file.groups.extend(groups);
        for (name, fields) in self.targets {
            target(&mut file, name, fields, &context)?;
        }
        Ok(file)
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

/// Gives all variables their values: the environment's, else their own, which may speak of others.
fn variables(
    list: Vec<(String, Option<Expression>)>,
    environment: &dyn Fn(&str) -> Option<String>,
    context: &mut Context<'_>,
) -> Result<(), String> {
    // A later file's default goes before an earlier one's.
    let mut open: BTreeMap<String, Option<Expression>> = BTreeMap::new();
    for (name, default) in list {
        let earlier = open.entry(name).or_default();
        *earlier = default.or(earlier.take());
    }
    while !open.is_empty() {
        let (mut left, mut why) = (BTreeMap::new(), String::new());
        let before = open.len();
        for (name, default) in open {
            let value = match &default {
                Some(expression) => match expression.evaluate(context) {
                    Ok(value) => value,
                    Err(error) => {
                        why = format!("variable `{name}`: {error}");
                        left.insert(name, default);
                        continue;
                    }
                },
                None => hcl::Value::from(""),
            };
            let value =
                environment(&name).map_or(Ok(value.clone()), |text| overridden(&name, &text, &value))?;
            context.declare_var(name.as_str(), value);
        }
        if left.len() == before {
            return Err(why);
        }
        open = left;
    }
    Ok(())
}

/// Every `condition` must hold for the values that variables have now.
fn validate(rules: &[(String, Fields)], context: &Context<'_>) -> Result<(), String> {
    for (name, fields) in rules {
        let fields =
            values(fields, context).map_err(|why| format!("validation of variable `{name}`: {why}"))?;
        match fields.get("condition") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => {
                let why =
                    fields.get("error_message").and_then(Value::as_str).unwrap_or("its condition is false");
                return Err(format!("variable `{name}` is refused: {why}"));
            }
            _ => {
                return Err(format!(
                    "validation of variable `{name}` has no condition that is true or false"
                ));
            }
        }
    }
    Ok(())
}

/// The environment's text as a value of the default's type.
fn overridden(name: &str, text: &str, default: &hcl::Value) -> Result<hcl::Value, String> {
    let bad =
        || format!("variable `{name}` is `{text}` in the environment, which is not of its default's type");
    Ok(match default {
        hcl::Value::Bool(_) => hcl::Value::Bool(text.parse().map_err(|_| bad())?),
        hcl::Value::Number(_) => match text.parse::<i64>() {
            Ok(number) => hcl::Value::from(number),
            Err(_) => hcl::Value::from(text.parse::<f64>().map_err(|_| bad())?),
        },
        _ => hcl::Value::from(text),
    })
}

fn values(fields: &Fields, context: &Context<'_>) -> Result<Map<String, Value>, String> {
    let mut found = Map::new();
    for (field, expression) in fields {
        let value = expression.evaluate(context).map_err(|error| format!("`{field}`: {error}"))?;
        let value = serde_json::to_value(&value).map_err(|error| format!("`{field}`: {error}"))?;
        // A field without value is as good as not there.
        if !value.is_null() {
            found.insert(field.clone(), value);
        }
    }
    Ok(found)
}

fn target(
    file: &mut BakeFile,
    name: String,
    mut fields: Fields,
    context: &Context<'_>,
) -> Result<(), String> {
    let Some(at) = fields.iter().position(|(field, _)| field == "matrix") else {
        let fields = values(&fields, context).map_err(|why| format!("target `{name}`: {why}"))?;
        super::join(file.targets.entry(name).or_default(), &fields);
        return Ok(());
    };
    let matrix = fields.remove(at).1.evaluate(context).map_err(|error| format!("`matrix`: {error}"))?;
    let hcl::Value::Object(axes) = matrix else { return Err(format!("matrix of `{name}` is no object")) };
    let mut rows: Vec<Vec<(String, hcl::Value)>> = vec![Vec::new()];
    for (axis, points) in axes {
        let hcl::Value::Array(points) = points else {
            return Err(format!("matrix axis `{axis}` is no list"));
        };
        let longer = |row: &Vec<(String, hcl::Value)>, point: &hcl::Value| {
            let mut row = row.clone();
            row.push((axis.clone(), point.clone()));
            row
        };
        rows = rows.iter().flat_map(|row| points.iter().map(move |point| longer(row, point))).collect();
        if rows.len() > LIMIT_MATRIX {
            return Err(format!("matrix of `{name}` makes more than {LIMIT_MATRIX} targets"));
        }
    }
    for row in rows {
        let mut context = context.clone();
        for (axis, point) in row {
            context.declare_var(axis.as_str(), point);
        }
        let mut fields = values(&fields, &context).map_err(|why| format!("target `{name}`: {why}"))?;
        let Some(Value::String(own)) = fields.remove("name") else {
            return Err(format!("target `{name}` has a matrix and needs a `name` made of its axes"));
        };
        file.groups.entry(name.clone()).or_default().push(own.clone());
        file.targets.insert(own, fields);
    }
    Ok(())
}
