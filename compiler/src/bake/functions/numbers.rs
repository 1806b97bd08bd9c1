//! Arithmetic, comparisons and logic.

use std::cmp::Ordering;

use hcl::Value;
use hcl::eval::FuncArgs;

use super::{Answer, Row, at, from_number, number, text, truth};

pub(super) const TABLE: [Row; 28] = [
    ("absolute", 1, Some(1), |args| from_number(number(&args, 0)?.abs())),
    ("add", 2, Some(2), |args| arithmetic(&args, i64::checked_add, |a, b| a + b)),
    ("subtract", 2, Some(2), |args| arithmetic(&args, i64::checked_sub, |a, b| a - b)),
    ("multiply", 2, Some(2), |args| arithmetic(&args, i64::checked_mul, |a, b| a * b)),
    ("divide", 2, Some(2), divide),
    ("modulo", 2, Some(2), |args| {
        divisor(&args)?;
        arithmetic(&args, i64::checked_rem, |a, b| a % b)
    }),
    ("negate", 1, Some(1), |args| from_number(-number(&args, 0)?)),
    ("ceil", 1, Some(1), |args| from_number(number(&args, 0)?.ceil())),
    ("floor", 1, Some(1), |args| from_number(number(&args, 0)?.floor())),
    ("int", 1, Some(1), |args| from_number(number(&args, 0)?.trunc())),
    ("log", 2, Some(2), |args| from_number(number(&args, 0)?.ln() / number(&args, 1)?.ln())),
    ("pow", 2, Some(2), |args| from_number(number(&args, 0)?.powf(number(&args, 1)?))),
    ("signum", 1, Some(1), signum),
    ("parseint", 2, Some(2), parse_int),
    ("max", 1, None, |args| most(&args, f64::max)),
    ("min", 1, None, |args| most(&args, f64::min)),
    ("and", 2, Some(2), |args| Ok(Value::Bool(truth(&args, 0)? && truth(&args, 1)?))),
    ("or", 2, Some(2), |args| Ok(Value::Bool(truth(&args, 0)? || truth(&args, 1)?))),
    ("not", 1, Some(1), |args| Ok(Value::Bool(!truth(&args, 0)?))),
    ("equal", 2, Some(2), |args| Ok(Value::Bool(args[0] == args[1]))),
    ("notequal", 2, Some(2), |args| Ok(Value::Bool(args[0] != args[1]))),
    ("greaterthan", 2, Some(2), |args| compare(&args, Ordering::is_gt)),
    ("greaterthanorequalto", 2, Some(2), |args| compare(&args, Ordering::is_ge)),
    ("lessthan", 2, Some(2), |args| compare(&args, Ordering::is_lt)),
    ("lessthanorequalto", 2, Some(2), |args| compare(&args, Ordering::is_le)),
    ("range", 1, Some(3), range),
    ("coalesce", 1, None, |args| {
        args.iter()
            .find(|value| !value.is_null())
            .cloned()
            .ok_or_else(|| "no argument has a value".to_owned())
    }),
    ("convert", 2, Some(2), |args| Ok(at(&args, 0)?.clone())),
];

/// Most numbers that one range makes.
const LIMIT_RANGE: usize = 1024;

/// Of whole numbers whole, as long as it fits; HCL's numbers have no bounds.
fn arithmetic(args: &FuncArgs, whole: fn(i64, i64) -> Option<i64>, broken: fn(f64, f64) -> f64) -> Answer {
    if let (Some(left), Some(right)) =
        (args.first().and_then(Value::as_i64), args.get(1).and_then(Value::as_i64))
        && let Some(result) = whole(left, right)
    {
        return Ok(Value::from(result));
    }
    from_number(broken(number(args, 0)?, number(args, 1)?))
}

fn divide(args: FuncArgs) -> Answer {
    divisor(&args)?;
    let exactly = |left: i64, right| (left.checked_rem(right) == Some(0)).then(|| left / right);
    arithmetic(&args, exactly, |left, right| left / right)
}

fn divisor(args: &FuncArgs) -> Result<f64, String> {
    match number(args, 1)? {
        0.0 => Err("division by zero".to_owned()),
        divisor => Ok(divisor),
    }
}

fn signum(args: FuncArgs) -> Answer {
    let number = number(&args, 0)?;
    from_number(if number == 0.0 { 0.0 } else { number.signum() })
}

fn parse_int(args: FuncArgs) -> Answer {
    let (text, base) = (text(&args, 0)?, number(&args, 1)? as u32);
    if !(2..=36).contains(&base) {
        return Err("the base is from 2 to 36".to_owned());
    }
    let parsed = i64::from_str_radix(&text, base);
    parsed.map(Value::from).map_err(|_| format!("`{text}` is no number of base {base}"))
}

fn most(args: &FuncArgs, choose: fn(f64, f64) -> f64) -> Answer {
    let numbers = (0..args.len()).map(|place| number(args, place)).collect::<Result<Vec<_>, _>>()?;
    from_number(numbers.into_iter().reduce(choose).ok_or("there is no number")?)
}

fn compare(args: &FuncArgs, holds: fn(Ordering) -> bool) -> Answer {
    let order = number(args, 0)?.partial_cmp(&number(args, 1)?);
    Ok(Value::Bool(order.is_some_and(holds)))
}

fn range(args: FuncArgs) -> Answer {
    let (start, end) = match args.len() {
        1 => (0.0, number(&args, 0)?),
        _ => (number(&args, 0)?, number(&args, 1)?),
    };
    let step = match args.len() {
        3.. => number(&args, 2)?,
        _ if end < start => -1.0,
        _ => 1.0,
    };
    if step == 0.0 || (end > start) != (step > 0.0) && end != start {
        return Err("the step leads away from the end".to_owned());
    }
    let mut numbers = Vec::new();
    let mut now = start;
    while if step > 0.0 { now < end } else { now > end } {
        if numbers.len() == LIMIT_RANGE {
            return Err(format!("more than {LIMIT_RANGE} numbers"));
        }
        numbers.push(from_number(now)?);
        now += step;
    }
    Ok(Value::Array(numbers))
}
