//! Functions of maps, and of what has indexes or keys.

use hcl::Value;
use hcl::eval::FuncArgs;

use super::{Answer, Row, at, from_texts, index, text};

pub(super) const TABLE: [Row; 6] = [
    ("keys", 1, Some(1), |args| Ok(from_texts(sorted(&args)?.into_iter().map(|(key, _)| key.clone())))),
    ("values", 1, Some(1), |args| {
        Ok(Value::Array(sorted(&args)?.into_iter().map(|(_, value)| value.clone()).collect()))
    }),
    ("merge", 0, None, merge),
    ("lookup", 2, Some(3), |args| {
        let key = text(&args, 1)?;
        let found = map(&args, 0)?.get(&key).or_else(|| args.get(2));
        found.cloned().ok_or_else(|| format!("there is no `{key}` and no default"))
    }),
    ("hasindex", 2, Some(2), |args| Ok(Value::Bool(inside(&args).is_ok()))),
    ("index", 2, Some(2), |args| inside(&args)),
];

fn map(args: &FuncArgs, place: usize) -> Result<&hcl::Map<String, Value>, String> {
    let value = at(args, place)?;
    value.as_object().ok_or_else(|| format!("a map is wanted, not `{value}`"))
}

fn sorted(args: &FuncArgs) -> Result<Vec<(&String, &Value)>, String> {
    let mut pairs: Vec<_> = map(args, 0)?.iter().collect();
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    Ok(pairs)
}

fn merge(args: FuncArgs) -> Answer {
    let mut all = hcl::Map::new();
    for (place, value) in args.iter().enumerate() {
        if !value.is_null() {
            all.extend(map(&args, place)?.clone());
        }
    }
    Ok(Value::Object(all))
}

fn inside(args: &FuncArgs) -> Answer {
    let found = match at(args, 0)? {
        Value::Array(items) => items.get(index(args, 1)?),
        Value::Object(map) => map.get(&text(args, 1)?),
        other => return Err(format!("a list or a map is wanted, not `{other}`")),
    };
    found.cloned().ok_or_else(|| "there is nothing at that index".to_owned())
}
