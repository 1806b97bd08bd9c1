//! A tree and a value to text.

use serde_json::Value;

use super::TemplateError;
use super::functions;
use super::parse::{Node, Operand, Pipe};

struct Scope<'a> {
    root: &'a Value,
    variables: Vec<(String, Value)>,
    out: String,
}

/// Renders nodes over a value.
pub fn render(nodes: &[Node], value: &Value) -> Result<String, TemplateError> {
    let mut scope =
        Scope { root: value, variables: vec![(String::new(), value.clone())], out: String::new() };
    scope.nodes(nodes, value)?;
    Ok(scope.out)
}

impl Scope<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<(), TemplateError> {
        let known = self.variables.len();
        for node in nodes {
            self.node(node, dot)?;
        }
        self.variables.truncate(known);
        Ok(())
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<(), TemplateError> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Print(pipe) => {
                let value = self.pipe(pipe, dot)?;
                self.out.push_str(&functions::text(&value));
            }
            Node::Set(name, pipe) => {
                let value = self.pipe(pipe, dot)?;
                self.variables.push((name.clone(), value));
            }
            Node::If(pipe, body, otherwise) => {
                let yes = functions::truth(&self.pipe(pipe, dot)?);
                self.nodes(if yes { body } else { otherwise }, dot)?;
            }
            Node::With(pipe, body, otherwise) => {
                let value = self.pipe(pipe, dot)?;
                match functions::truth(&value) {
                    true => self.nodes(body, &value)?,
                    false => self.nodes(otherwise, dot)?,
                }
            }
            Node::Range(names, pipe, body, otherwise) => {
                let value = self.pipe(pipe, dot)?;
                self.range(names, value, body, otherwise, dot)?;
            }
        }
        Ok(())
    }

    fn range(
        &mut self,
        names: &[String],
        value: Value,
        body: &[Node],
        otherwise: &[Node],
        dot: &Value,
    ) -> Result<(), TemplateError> {
        let pairs: Vec<(Value, Value)> = match value {
            Value::Array(items) => items.into_iter().enumerate().map(|(n, v)| (n.into(), v)).collect(),
            Value::Object(map) => {
                let mut pairs: Vec<_> = map.into_iter().collect();
                pairs.sort_by(|a, b| a.0.cmp(&b.0));
                pairs.into_iter().map(|(k, v)| (k.into(), v)).collect()
            }
            Value::Null => Vec::new(),
            other => {
                let why = format!("{} is no list", functions::text(&other));
                return Err(TemplateError::Arguments { name: "range".to_owned(), why });
            }
        };
        if pairs.is_empty() {
            return self.nodes(otherwise, dot);
        }
        for (key, item) in pairs {
            let known = self.variables.len();
            match names {
                [element] => self.variables.push((element.clone(), item.clone())),
                [index, element, ..] => {
                    self.variables.push((index.clone(), key));
                    self.variables.push((element.clone(), item.clone()));
                }
                [] => {}
            }
            self.nodes(body, &item)?;
            self.variables.truncate(known);
        }
        Ok(())
    }

    fn pipe(&self, pipe: &Pipe, dot: &Value) -> Result<Value, TemplateError> {
        let mut last = None;
        for command in &pipe.0 {
            last = Some(self.command(command, last, dot)?);
        }
        Ok(last.unwrap_or(Value::Null))
    }

    fn command(&self, words: &[Operand], piped: Option<Value>, dot: &Value) -> Result<Value, TemplateError> {
        let Some((first, rest)) = words.split_first() else { return Ok(Value::Null) };
        let mut arguments = rest.iter().map(|w| self.operand(w, dot)).collect::<Result<Vec<_>, _>>()?;
        arguments.extend(piped);
        match first {
            Operand::Function(name) => functions::call(name, arguments),
            _ if arguments.is_empty() => self.operand(first, dot),
            // Docker's `.Label "name"` is a method; here it is a map that is looked into.
            _ => {
                let map = self.operand(first, dot)?;
                functions::call("index", std::iter::once(map).chain(arguments).collect())
            }
        }
    }

    fn operand(&self, operand: &Operand, dot: &Value) -> Result<Value, TemplateError> {
        match operand {
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Field(names) => self.fields(dot, names),
            Operand::Function(name) => functions::call(name, Vec::new()),
            Operand::Group(pipe, names) => self.fields(&self.pipe(pipe, dot)?, names),
            Operand::Variable(name, names) => {
                let found = self.variables.iter().rev().find(|(n, _)| n == name);
                let (_, value) =
                    found.ok_or_else(|| TemplateError::UnknownVariable { name: name.clone() })?;
                self.fields(value, names)
            }
        }
    }

    fn fields(&self, value: &Value, names: &[String]) -> Result<Value, TemplateError> {
        let mut at = value;
        for name in names {
            match at.get(name) {
                Some(next) => at = next,
                None if std::ptr::eq(at, self.root) => {
                    let known = at.as_object().map(|m| m.keys().cloned().collect()).unwrap_or_default();
                    return Err(TemplateError::UnknownField { name: name.clone(), known });
                }
                None => return Ok(Value::Null),
            }
        }
        Ok(at.clone())
    }
}
