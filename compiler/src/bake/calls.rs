//! Functions that bake files define: a call of one becomes an expression of the language itself.
//!
//! The evaluator's functions are plain pointers and cannot hold a body, so `f(a, b)` is rewritten to a `for` over the list of its
//! arguments that binds the parameters. Owns that rewriting and its bounds; never evaluates.

use std::collections::BTreeMap;

use hcl::expr::{ForExpr, FuncCall, Operation, TemplateExpr, Traversal, TraversalOperator};
use hcl::{Expression, Identifier};

use super::evaluate::Fields;
use super::walk;

/// Most calls that one file's expressions may come to: functions that call others twice double them.
const LIMIT_CALLS: usize = 10_000;
/// How deep functions may call each other.
const LIMIT_DEPTH: usize = 16;
/// What the list of a call's arguments is named inside of it.
const ARGUMENTS: &str = "__arguments";

struct Function {
    params: Vec<Identifier>,
    rest: Option<Identifier>,
    result: Expression,
}

/// The functions of all files.
#[derive(Default)]
pub(super) struct Calls {
    known: BTreeMap<String, Function>,
    open: Vec<String>,
    done: usize,
}

impl Calls {
    /// From the fields of `function` blocks; a later block takes an earlier one's place.
    /// `now` is what `timestamp()` answers.
    pub(super) fn new(blocks: Vec<(String, Fields)>, now: &str) -> Result<Self, String> {
        let mut calls = Self::default();
        let clock = Function { params: Vec::new(), rest: None, result: Expression::from(now) };
        calls.known.insert("timestamp".to_owned(), clock);
        for (name, fields) in blocks {
            let mut function = Function { params: Vec::new(), rest: None, result: Expression::Null };
            let (mut has_params, mut has_result) = (false, false);
            for (field, expression) in fields {
                let fail = |why: String| format!("function `{name}`: {why}");
                match field.as_str() {
                    "params" => {
                        (function.params, has_params) = (identifiers(&expression).map_err(fail)?, true);
                    }
                    "variadic_params" => function.rest = Some(identifier(&expression).map_err(fail)?),
                    "result" => (function.result, has_result) = (expression, true),
                    other => return Err(fail(format!("`{other}` is no field"))),
                }
            }
            for (field, has) in [("params", has_params), ("result", has_result)] {
                if !has {
                    return Err(format!("function `{name}` has no `{field}`"));
                }
            }
            calls.known.insert(name, function);
        }
        Ok(calls)
    }

    /// The expression without calls of these functions.
    pub(super) fn rewrite(&mut self, expression: Expression) -> Result<Expression, String> {
        if self.known.is_empty() {
            return Ok(expression);
        }
        walk::calls(expression, &mut |call| self.call(call))
    }

    /// A call whose arguments are rewritten already.
    fn call(&mut self, call: FuncCall) -> Result<Expression, String> {
        let name = call.name.name.to_string();
        let Some(function) = self.known.get(&name).filter(|_| call.name.namespace.is_empty()) else {
            return Ok(Expression::from(call));
        };
        if self.open.contains(&name) || self.open.len() >= LIMIT_DEPTH {
            return Err(format!(
                "function `{name}` leads back to itself, or functions call each other too deep"
            ));
        }
        self.done += 1;
        if self.done > LIMIT_CALLS {
            return Err(format!("functions are called more than {LIMIT_CALLS} times"));
        }
        let (given, wanted) = (call.args.len(), function.params.len());
        if !call.expand_final && (given < wanted || given > wanted && function.rest.is_none()) {
            return Err(format!("function `{name}` wants {wanted} arguments and is given {given}"));
        }
        let (params, rest, result) =
            (function.params.clone(), function.rest.clone(), function.result.clone());
        self.open.push(name);
        let mut body = self.rewrite(result)?;
        self.open.pop();
        if let Some(rest) = rest {
            body = bind(rest, tail(wanted), body);
        }
        for (at, param) in params.into_iter().enumerate().rev() {
            body = bind(param, at_index(variable(ARGUMENTS), at), body);
        }
        Ok(bind(Identifier::sanitized(ARGUMENTS), arguments(call), body))
    }
}

/// `[for NAME in [value] : body][0]`
fn bind(name: Identifier, value: Expression, body: Expression) -> Expression {
    at_index(Expression::from(ForExpr::new(name, Expression::Array(vec![value]), body)), 0)
}

fn at_index(list: Expression, at: usize) -> Expression {
    let index = TraversalOperator::Index(Expression::from(at));
    Expression::from(Traversal::new(list, [index]))
}

fn variable(name: &str) -> Expression {
    Expression::Variable(hcl::expr::Variable::sanitized(name))
}

/// The arguments behind the first `skipped`.
fn tail(skipped: usize) -> Expression {
    let (at, item) = ("__at", "__item");
    let enough = hcl::expr::BinaryOp::new(
        variable(at),
        hcl::expr::BinaryOperator::GreaterEq,
        Expression::from(skipped),
    );
    let items = ForExpr::new(Identifier::sanitized(item), variable(ARGUMENTS), variable(item));
    let items = items.with_key_var(Identifier::sanitized(at));
    Expression::from(items.with_cond_expr(Operation::Binary(enough)))
}

/// The list of a call's arguments; `f(a, more...)` joins the last to the others.
fn arguments(mut call: FuncCall) -> Expression {
    match call.args.pop() {
        Some(last) if call.expand_final => {
            let joined = FuncCall::builder("concat").arg(Expression::Array(call.args)).arg(last);
            Expression::from(joined.build())
        }
        Some(last) => {
            call.args.push(last);
            Expression::Array(call.args)
        }
        None => Expression::Array(Vec::new()),
    }
}

fn identifiers(list: &Expression) -> Result<Vec<Identifier>, String> {
    match list {
        Expression::Array(items) => items.iter().map(identifier).collect(),
        _ => Err("`params` is no list of names".to_owned()),
    }
}

/// A name, which JSON has as a string.
fn identifier(name: &Expression) -> Result<Identifier, String> {
    let text = match name {
        Expression::Variable(variable) => variable.to_string(),
        Expression::String(text) => text.clone(),
        Expression::TemplateExpr(text) => match text.as_ref() {
            TemplateExpr::QuotedString(text) => text.clone(),
            TemplateExpr::Heredoc(_) => return Err("a parameter is no name".to_owned()),
        },
        _ => return Err("a parameter is no name".to_owned()),
    };
    Identifier::new(text).map_err(|error| error.to_string())
}
