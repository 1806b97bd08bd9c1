//! `format`: verbs as C and Go have them.

use hcl::Value;

use super::{Answer, as_text};

/// Widest field and longest fraction.
const LIMIT_WIDTH: usize = 1024;

/// What stands between `%` and the verb.
#[derive(Default)]
struct Spec {
    left: bool,
    zeros: bool,
    plus: bool,
    blank: bool,
    hash: bool,
    width: usize,
    precision: Option<usize>,
}

/// The pattern with each verb replaced by the value whose turn it is, or that `[N]` names.
pub(super) fn format(pattern: &str, values: &[Value]) -> Answer {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    let (mut next, mut used) = (0, 0);
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = rest.next_if(|c| "-0+ #".contains(*c)) {
            match flag {
                '-' => spec.left = true,
                '0' => spec.zeros = true,
                '+' => spec.plus = true,
                '#' => spec.hash = true,
                _ => spec.blank = true,
            }
        }
        spec.width = digits(&mut rest)?.unwrap_or_default();
        if rest.next_if_eq(&'.').is_some() {
            spec.precision = Some(digits(&mut rest)?.unwrap_or_default());
        }
        if rest.next_if_eq(&'[').is_some() {
            let number = digits(&mut rest)?.filter(|number| *number > 0);
            next = number.ok_or("`[` without a number from 1 on")? - 1;
            rest.next_if_eq(&']').ok_or("`[` without `]`")?;
        }
        let verb = rest.next().ok_or("`%` at the end")?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        let value = values.get(next).ok_or_else(|| format!("not enough arguments for `%{verb}`"))?;
        next += 1;
        used = used.max(next);
        out.push_str(&pad(&one(verb, value, &spec)?, &spec, value.is_number()));
    }
    match used < values.len() {
        true => Err("there are more arguments than verbs".to_owned()),
        false => Ok(Value::from(out)),
    }
}

fn digits(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>, String> {
    let mut read: Option<usize> = None;
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        let digit = digit as usize - '0' as usize;
        read = Some(read.unwrap_or_default() * 10 + digit);
        if read > Some(LIMIT_WIDTH) {
            return Err(format!("a width or place over {LIMIT_WIDTH}"));
        }
    }
    Ok(read)
}

fn one(verb: char, value: &Value, spec: &Spec) -> Result<String, String> {
    let number = || match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let number = || number().ok_or_else(|| format!("`%{verb}` wants a number, not `{value}`"));
    let signed = |text: String, negative: bool| match (negative, spec.plus, spec.blank) {
        (true, ..) => format!("-{text}"),
        (false, true, _) => format!("+{text}"),
        (false, false, true) => format!(" {text}"),
        (false, false, false) => text,
    };
    let whole = |text: fn(u64) -> String| {
        let number = number()?;
        if number.fract() != 0.0 {
            return Err(format!("`%{verb}` wants a whole number, not `{value}`"));
        }
        Ok(signed(text(number.abs() as u64), number < 0.0))
    };
    Ok(match verb {
        'v' if spec.hash => json(value),
        'v' => as_text(value).unwrap_or_else(|_| json(value)),
        't' => match value {
            Value::Bool(truth) => truth.to_string(),
            other => return Err(format!("`%t` wants true or false, not `{other}`")),
        },
        's' => cut(as_text(value)?, spec),
        'q' => json(&Value::from(cut(as_text(value)?, spec))),
        'd' => whole(|number| number.to_string())?,
        'b' => whole(|number| format!("{number:b}"))?,
        'o' => whole(|number| format!("{number:o}"))?,
        'x' | 'X' if value.is_string() => {
            let text: String = as_text(value)?.bytes().map(|byte| format!("{byte:02x}")).collect();
            if verb == 'X' { text.to_uppercase() } else { text }
        }
        'x' => whole(|number| format!("{number:x}"))?,
        'X' => whole(|number| format!("{number:X}"))?,
        'f' => {
            let number = number()?;
            signed(format!("{:.*}", spec.precision.unwrap_or(6), number.abs()), number < 0.0)
        }
        'e' | 'E' => {
            let number = number()?;
            let text = exponent(&format!("{:.*e}", spec.precision.unwrap_or(6), number.abs()));
            signed(if verb == 'E' { text.to_uppercase() } else { text }, number < 0.0)
        }
        'g' | 'G' => {
            let number = number()?;
            signed(number.abs().to_string(), number < 0.0)
        }
        other => return Err(format!("there is no verb `%{other}`")),
    })
}

/// The exponent with its sign and two digits.
fn exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text.to_owned() };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

fn cut(text: String, spec: &Spec) -> String {
    match spec.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text,
    }
}

fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn pad(text: &str, spec: &Spec, number: bool) -> String {
    let missing = spec.width.saturating_sub(text.chars().count());
    match text.strip_prefix(['-', '+', ' ']) {
        _ if spec.left => format!("{text}{}", " ".repeat(missing)),
        Some(digits) if spec.zeros && number => {
            format!("{}{}{digits}", &text[..1], "0".repeat(missing))
        }
        _ if spec.zeros => format!("{}{text}", "0".repeat(missing)),
        _ => format!("{}{text}", " ".repeat(missing)),
    }
}
