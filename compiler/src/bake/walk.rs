//! Walking an expression, innermost calls first.

use hcl::Expression;
use hcl::expr::{FuncCall, ObjectKey, Operation, TemplateExpr, TraversalOperator};
use hcl::template::{Directive, Element, Template};

use super::operators;

type Replace<'a> = dyn FnMut(FuncCall) -> Result<Expression, String> + 'a;

/// The expression with each call replaced by what `with` makes of it; the arguments of a call are done before it. Operations
/// become calls, which `with` is not asked about.
///
/// # Errors
/// The first that `with` has, or a template that cannot be read.
pub(super) fn calls(expression: Expression, with: &mut Replace<'_>) -> Result<Expression, String> {
    Ok(match expression {
        Expression::Array(items) => Expression::Array(all(items, with)?),
        Expression::Object(object) => {
            let entries = object.into_iter().map(|(key, value)| {
                let key = match key {
                    ObjectKey::Expression(key) => ObjectKey::Expression(calls(key, with)?),
                    other => other,
                };
                Ok((key, calls(value, with)?))
            });
            Expression::Object(entries.collect::<Result<_, String>>()?)
        }
        Expression::TemplateExpr(text) => template_text(*text, with)?,
        Expression::Traversal(mut walk) => {
            replace(&mut walk.expr, with)?;
            for operator in &mut walk.operators {
                if let TraversalOperator::Index(index) = operator {
                    replace(index, with)?;
                }
            }
            Expression::Traversal(walk)
        }
        Expression::FuncCall(mut call) => {
            call.args = all(std::mem::take(&mut call.args), with)?;
            with(*call)?
        }
        Expression::Parenthesis(inner) => Expression::Parenthesis(Box::new(calls(*inner, with)?)),
        Expression::Conditional(mut choice) => {
            replace(&mut choice.cond_expr, with)?;
            replace(&mut choice.true_expr, with)?;
            replace(&mut choice.false_expr, with)?;
            Expression::Conditional(choice)
        }
        Expression::Operation(mut operation) => {
            match operation.as_mut() {
                Operation::Unary(unary) => replace(&mut unary.expr, with)?,
                Operation::Binary(binary) => {
                    replace(&mut binary.lhs_expr, with)?;
                    replace(&mut binary.rhs_expr, with)?;
                }
            }
            operators::call(*operation)
        }
        Expression::ForExpr(mut each) => {
            replace(&mut each.collection_expr, with)?;
            replace(&mut each.value_expr, with)?;
            for inner in [&mut each.key_expr, &mut each.cond_expr].into_iter().flatten() {
                replace(inner, with)?;
            }
            Expression::ForExpr(each)
        }
        plain => plain,
    })
}

fn replace(place: &mut Expression, with: &mut Replace<'_>) -> Result<(), String> {
    let taken = std::mem::replace(place, Expression::Null);
    *place = calls(taken, with)?;
    Ok(())
}

fn all(items: Vec<Expression>, with: &mut Replace<'_>) -> Result<Vec<Expression>, String> {
    items.into_iter().map(|item| calls(item, with)).collect()
}

/// A string is written anew only where something in it was replaced.
fn template_text(text: TemplateExpr, with: &mut Replace<'_>) -> Result<Expression, String> {
    let before = Template::from_expr(&text).map_err(|error| error.to_string())?;
    let mut after = before.clone();
    template(&mut after, with)?;
    if after == before {
        return Ok(Expression::from(text));
    }
    Ok(Expression::from(TemplateExpr::QuotedString(after.to_string())))
}

fn template(text: &mut Template, with: &mut Replace<'_>) -> Result<(), String> {
    for element in text.elements_mut() {
        match element {
            Element::Literal(_) => {}
            Element::Interpolation(inner) => replace(&mut inner.expr, with)?,
            Element::Directive(directive) => match directive.as_mut() {
                Directive::If(choice) => {
                    replace(&mut choice.cond_expr, with)?;
                    template(&mut choice.true_template, with)?;
                    if let Some(other) = &mut choice.false_template {
                        template(other, with)?;
                    }
                }
                Directive::For(each) => {
                    replace(&mut each.collection_expr, with)?;
                    template(&mut each.template, with)?;
                }
            },
        }
    }
    Ok(())
}
