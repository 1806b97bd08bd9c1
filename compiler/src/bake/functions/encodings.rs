//! JSON, CSV, base64, URLs, hashes and the UUIDs that are hashes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hcl::Value;
use hcl::eval::FuncArgs;

use super::{Answer, Row, at, text};
use crate::lang::hash::{Algorithm, Hash, encode_hex};

pub(super) const TABLE: [Row; 11] = [
    ("jsonencode", 1, Some(1), json_encode),
    ("jsondecode", 1, Some(1), |args| {
        serde_json::from_str(&text(&args, 0)?).map_err(|error| error.to_string())
    }),
    ("csvdecode", 1, Some(1), csv_decode),
    ("base64encode", 1, Some(1), |args| Ok(Value::from(STANDARD.encode(text(&args, 0)?)))),
    ("base64decode", 1, Some(1), |args| {
        let bytes = STANDARD.decode(text(&args, 0)?).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map(Value::from).map_err(|error| error.to_string())
    }),
    ("urlencode", 1, Some(1), |args| Ok(Value::from(url_encode(&text(&args, 0)?)))),
    ("md5", 1, Some(1), |args| digest(&args, Algorithm::Md5)),
    ("sha1", 1, Some(1), |args| digest(&args, Algorithm::Sha1)),
    ("sha256", 1, Some(1), |args| digest(&args, Algorithm::Sha256)),
    ("sha512", 1, Some(1), |args| digest(&args, Algorithm::Sha512)),
    ("uuidv5", 2, Some(2), uuid),
];

fn digest(args: &FuncArgs, algorithm: Algorithm) -> Answer {
    Ok(Value::from(encode_hex(Hash::of(algorithm, text(args, 0)?.as_bytes()).as_bytes())))
}

/// Keys are sorted, and what HTML gives a meaning is escaped, as Go writes JSON.
fn json_encode(args: FuncArgs) -> Answer {
    let value = serde_json::to_value(at(&args, 0)?).map_err(|error| error.to_string())?;
    let text = serde_json::to_string(&sorted(value)).map_err(|error| error.to_string())?;
    Ok(Value::from(crate::bake::print::escaped(&text)))
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            serde_json::Value::Object(pairs.into_iter().collect())
        }
        serde_json::Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn url_encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The first line names the fields of the maps that the others become.
fn csv_decode(args: FuncArgs) -> Answer {
    let mut rows = rows(&text(&args, 0)?)?.into_iter();
    let names = rows.next().ok_or("missing header line")?;
    let maps = rows.map(|row| {
        if row.len() != names.len() {
            return Err("a line has not as many fields as the first".to_owned());
        }
        Ok(Value::Object(names.iter().cloned().zip(row.into_iter().map(Value::from)).collect()))
    });
    maps.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && rest.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    // A line without anything is none.
    rows.retain(|row| *row != [""]);
    Ok(rows)
}

/// RFC 9562, version 5, in a name space of the RFC or of any UUID.
fn uuid(args: FuncArgs) -> Answer {
    let (space, name) = (text(&args, 0)?, text(&args, 1)?);
    let space = match space.as_str() {
        "dns" => "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "url" => "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
        "oid" => "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
        "x500" => "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
        other => other,
    };
    let hex = space.replace('-', "");
    let space = u128::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == 32);
    let space = space.ok_or("the name space is neither a UUID nor dns, url, oid or x500")?;
    let mut input = space.to_be_bytes().to_vec();
    input.extend(name.as_bytes());
    let mut bytes = Hash::of(Algorithm::Sha1, &input).as_bytes().to_vec();
    bytes.truncate(16);
    if let [_, _, _, _, _, _, version, _, variant, ..] = bytes.as_mut_slice() {
        *version = *version & 0x0f | 0x50;
        *variant = *variant & 0x3f | 0x80;
    }
    let hex = encode_hex(&bytes);
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    Ok(Value::from([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")))
}
