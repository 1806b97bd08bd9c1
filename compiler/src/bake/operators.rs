//! Operators as calls of functions: the evaluator's own arithmetic divides by zero, wraps around, and takes no text for a
//! number, which HCL does.
//!
//! The functions are those of the same meaning in [`super::functions`], in a namespace that no bake file can name.

use hcl::expr::{BinaryOperator, FuncCall, FuncName, Operation, UnaryOperator};
use hcl::{Expression, Identifier};

const NAMESPACE: &str = "operator";

/// Each function, and the sign that it stands for.
const SIGNS: [(&str, &str); 15] = [
    ("add", "+"),
    ("subtract", "-"),
    ("multiply", "*"),
    ("divide", "/"),
    ("modulo", "%"),
    ("negate", "-"),
    ("and", "&&"),
    ("or", "||"),
    ("not", "!"),
    ("equal", "=="),
    ("notequal", "!="),
    ("greaterthan", ">"),
    ("greaterthanorequalto", ">="),
    ("lessthan", "<"),
    ("lessthanorequalto", "<="),
];

/// The name under which a function serves as an operator, if it does.
pub(super) fn name(function: &str) -> Option<FuncName> {
    SIGNS.iter().any(|(name, _)| *name == function).then(|| qualified(function))
}

fn qualified(function: &str) -> FuncName {
    FuncName::new(Identifier::sanitized(function)).with_namespace([Identifier::sanitized(NAMESPACE)])
}

/// The call that an operation stands for.
pub(super) fn call(operation: Operation) -> Expression {
    let (function, args) = match operation {
        Operation::Unary(unary) => (of_unary(unary.operator), vec![unary.expr]),
        Operation::Binary(binary) => (of_binary(binary.operator), vec![binary.lhs_expr, binary.rhs_expr]),
    };
    let mut call = FuncCall::new(qualified(function));
    call.args = args;
    Expression::from(call)
}

fn of_unary(operator: UnaryOperator) -> &'static str {
    match operator {
        UnaryOperator::Neg => "negate",
        UnaryOperator::Not => "not",
    }
}

fn of_binary(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Eq => "equal",
        BinaryOperator::NotEq => "notequal",
        BinaryOperator::LessEq => "lessthanorequalto",
        BinaryOperator::GreaterEq => "greaterthanorequalto",
        BinaryOperator::Less => "lessthan",
        BinaryOperator::Greater => "greaterthan",
        BinaryOperator::Plus => "add",
        BinaryOperator::Minus => "subtract",
        BinaryOperator::Mul => "multiply",
        BinaryOperator::Div => "divide",
        BinaryOperator::Mod => "modulo",
        BinaryOperator::And => "and",
        BinaryOperator::Or => "or",
    }
}

/// The words of an error with the signs as they were written.
pub(super) fn shown(mut text: String) -> String {
    if text.contains(NAMESPACE) {
        for (function, sign) in SIGNS {
            let called = format!("error calling function `{NAMESPACE}::{function}`");
            text = text.replace(&called, &format!("operator `{sign}`"));
        }
    }
    text
}
