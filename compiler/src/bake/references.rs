//! What an expression speaks of: the names that must have a value before it has one.

use std::collections::BTreeSet;

use hcl::Expression;
use hcl::expr::{ObjectKey, Operation, TemplateExpr, Traversal, TraversalOperator};
use hcl::template::{Directive, Element, Template};

/// The variable below which the fields of targets are.
pub(super) const TARGET: &str = "target";

/// Names in an expression that nothing within it binds.
#[derive(Default, Debug)]
pub(super) struct References {
    /// Variables; `target` where it stands alone or is not followed by a name.
    pub names: BTreeSet<String>,
    /// `target.NAME.FIELD`, or all fields of `target.NAME`.
    pub targets: BTreeSet<(String, Option<String>)>,
}

impl References {
    /// Of an expression.
    ///
    /// # Errors
    /// A template in it that cannot be read.
    pub(super) fn of(expression: &Expression) -> Result<Self, String> {
        let mut walk = Walk { bound: Vec::new(), found: Self::default() };
        walk.expression(expression)?;
        Ok(walk.found)
    }
}

struct Walk {
    /// What the `for`s around have bound.
    bound: Vec<String>,
    found: References,
}

impl Walk {
    fn name(&mut self, name: &str) {
        if !self.bound.iter().any(|bound| bound == name) {
            self.found.names.insert(name.to_owned());
        }
    }

    fn expression(&mut self, expression: &Expression) -> Result<(), String> {
        match expression {
            Expression::Variable(name) => self.name(name.as_str()),
            Expression::Array(items) => self.all(items)?,
            Expression::Object(object) => {
                for (key, value) in object {
                    if let ObjectKey::Expression(key) = key {
                        self.expression(key)?;
                    }
                    self.expression(value)?;
                }
            }
            Expression::TemplateExpr(text) => self.text(text)?,
            Expression::Traversal(walk) => self.traversal(walk)?,
            Expression::FuncCall(call) => self.all(&call.args)?,
            Expression::Parenthesis(inner) => self.expression(inner)?,
            Expression::Conditional(choice) => {
                self.expression(&choice.cond_expr)?;
                self.expression(&choice.true_expr)?;
                self.expression(&choice.false_expr)?;
            }
            Expression::Operation(operation) => match operation.as_ref() {
                Operation::Unary(unary) => self.expression(&unary.expr)?,
                Operation::Binary(binary) => {
                    self.expression(&binary.lhs_expr)?;
                    self.expression(&binary.rhs_expr)?;
                }
            },
            Expression::ForExpr(each) => {
                self.expression(&each.collection_expr)?;
                let names = each.key_var.iter().chain([&each.value_var]).map(|name| name.to_string());
                let before = self.bound.len();
                self.bound.extend(names);
                self.expression(&each.value_expr)?;
                for inner in [&each.key_expr, &each.cond_expr].into_iter().flatten() {
                    self.expression(inner)?;
                }
                self.bound.truncate(before);
            }
            _ => {}
        }
        Ok(())
    }

    fn all(&mut self, items: &[Expression]) -> Result<(), String> {
        items.iter().try_for_each(|item| self.expression(item))
    }

    fn traversal(&mut self, walk: &Traversal) -> Result<(), String> {
        let of_target = matches!(&walk.expr, Expression::Variable(name) if name.as_str() == TARGET);
        let of_target = of_target && !self.bound.iter().any(|bound| bound == TARGET);
        let mut steps = walk.operators.iter();
        match steps.next().and_then(step).filter(|_| of_target) {
            Some(name) => {
                let field = steps.next().and_then(step);
                self.found.targets.insert((name, field));
            }
            None => self.expression(&walk.expr)?,
        }
        for operator in &walk.operators {
            if let TraversalOperator::Index(index) = operator {
                self.expression(index)?;
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &TemplateExpr) -> Result<(), String> {
        let template = Template::from_expr(text).map_err(|error| error.to_string())?;
        self.template(&template)
    }

    fn template(&mut self, template: &Template) -> Result<(), String> {
        for element in template.elements() {
            match element {
                Element::Literal(_) => {}
                Element::Interpolation(inner) => self.expression(&inner.expr)?,
                Element::Directive(directive) => match directive.as_ref() {
                    Directive::If(choice) => {
                        self.expression(&choice.cond_expr)?;
                        self.template(&choice.true_template)?;
                        if let Some(other) = &choice.false_template {
                            self.template(other)?;
                        }
                    }
                    Directive::For(each) => {
                        self.expression(&each.collection_expr)?;
                        let names = each.key_var.iter().chain([&each.value_var]);
                        let before = self.bound.len();
                        self.bound.extend(names.map(|name| name.to_string()));
                        self.template(&each.template)?;
                        self.bound.truncate(before);
                    }
                },
            }
        }
        Ok(())
    }
}

/// The name that a step of a traversal is known to go to.
fn step(operator: &TraversalOperator) -> Option<String> {
    match operator {
        TraversalOperator::GetAttr(name) => Some(name.to_string()),
        TraversalOperator::Index(Expression::String(name)) => Some(name.clone()),
        TraversalOperator::Index(Expression::TemplateExpr(text)) => match text.as_ref() {
            TemplateExpr::QuotedString(name) if !name.contains(['$', '%', '\\']) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}
