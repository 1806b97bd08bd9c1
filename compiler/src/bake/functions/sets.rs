//! Functions of sets: lists without an order of their own, whose elements come out sorted.

use hcl::Value;
use hcl::eval::FuncArgs;

use super::lists::distinct;
use super::{Answer, Row, list};

pub(super) const TABLE: [Row; 5] = [
    ("setunion", 1, None, |args| {
        let mut all = Vec::new();
        for place in 0..args.len() {
            all.extend(list(&args, place)?.iter().cloned());
        }
        Ok(set(&all))
    }),
    ("setintersection", 1, None, |args| {
        let mut kept = list(&args, 0)?.clone();
        for place in 1..args.len() {
            let other = list(&args, place)?;
            kept.retain(|value| other.contains(value));
        }
        Ok(set(&kept))
    }),
    ("setsubtract", 2, Some(2), |args| Ok(set(&without(list(&args, 0)?, list(&args, 1)?)))),
    ("setsymmetricdifference", 2, Some(2), |args| {
        let (one, other) = (list(&args, 0)?, list(&args, 1)?);
        Ok(set(&[without(one, other), without(other, one)].concat()))
    }),
    ("setproduct", 1, None, product),
];

/// Most rows that a product has.
const LIMIT_PRODUCT: usize = 10_000;

fn set(values: &[Value]) -> Value {
    let mut values = distinct(values);
    let number = |value: &Value| value.as_number().and_then(hcl::Number::as_f64);
    values.sort_by(|a, b| match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.to_string().cmp(&b.to_string()),
    });
    Value::Array(values)
}

fn without(list: &[Value], other: &[Value]) -> Vec<Value> {
    list.iter().filter(|value| !other.contains(value)).cloned().collect()
}

fn product(args: FuncArgs) -> Answer {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for place in 0..args.len() {
        let column = list(&args, place)?;
        if rows.len().saturating_mul(column.len()) > LIMIT_PRODUCT {
            return Err(format!("the product has more than {LIMIT_PRODUCT} rows"));
        }
        let longer = |row: &Vec<Value>| {
            let row = row.clone();
            column.iter().map(move |value| [row.as_slice(), std::slice::from_ref(value)].concat())
        };
        rows = rows.iter().flat_map(longer).collect();
    }
    Ok(Value::Array(rows.into_iter().map(Value::Array).collect()))
}
