//! Values, toml11's messages (taken from Nix 2.34.8), agreement with the toml crate, and bounds.

use proptest::prelude::*;

use super::{TomlError, Value, read};
use crate::lang::stack::StackLimit;

fn parse(text: &[u8]) -> Result<Value, TomlError> {
    read(text, StackLimit::below_here(1 << 20))
}

/// A value as compact text, names in order.
fn shown(value: &Value) -> String {
    match value {
        Value::Boolean(value) => value.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::String(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Value::Time(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(",")),
        Value::Table(members) => {
            let member = |(name, value): (&Vec<u8>, &Value)| {
                format!("{}:{}", String::from_utf8_lossy(name), shown(value))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        }
    }
}

fn message(text: &[u8]) -> String {
    match parse(text) {
        Err(TomlError::Syntax(message)) => String::from_utf8_lossy(&message).into_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn values() {
    let table: [(&str, &str); 18] = [
        ("", "{}"),
        ("# c\na = 1 # d", "{a:1}"),
        ("a = 0x1F\nb=0b11\nc=0o17\nd=1_000\ne=+5\nf=-0", "{a:31,b:3,c:15,d:1000,e:5,f:0}"),
        ("a = 1e3\nb=-1.5\nc=inf\nd=-inf\ne=6_0.0_1e+1_0", "{a:1000.0,b:-1.5,c:inf,d:-inf,e:600100000000.0}"),
        (
            "a = -9223372036854775808\nb = 0x7fffffffffffffff",
            "{a:-9223372036854775808,b:9223372036854775807}",
        ),
        ("a = true\nb = false", "{a:true,b:false}"),
        ("a = \"\\u00e9\\n\\U0001F600\\\"\"\n'b c' = 'x\\n'", "{a:\"é\\n😀\\\"\",b c:\"x\\\\n\"}"),
        ("a = \"\"\"\nx\\\n   y\n\"\"z\"\"\"\"", "{a:\"xy\\n\\\"\\\"z\\\"\"}"),
        ("a = '''\nx\\n'''", "{a:\"x\\\\n\"}"),
        ("a.b.c = 1\na.b.d = 2", "{a:{b:{c:1,d:2}}}"),
        ("a = [1, \"b\", {c = 1}, [ # x\n2,\n],]", "{a:[1,\"b\",{c:1},[2]]}"),
        ("a = {b.c = 1, \"d\" = {}}", "{a:{b:{c:1},d:{}}}"),
        ("[a.b]\nx = 1\n[a]\ny = 2", "{a:{b:{x:1},y:2}}"),
        ("[[a]]\nx = 1\n[[a]]\n[a.b]\nz = 3", "{a:[{x:1},{b:{z:3}}]}"),
        ("\u{feff}a = 1\r\nb = 2\r\n", "{a:1,b:2}"),
        ("a = \"a\tb\"", "{a:\"a\\tb\"}"),
        ("[ a . \"b\" ] # c\n", "{a:{b:{}}}"),
        ("a = [[1], [], {}]", "{a:[[1],[],{}]}"),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text.as_bytes()).map(|value| shown(&value)).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn times_in_normal_form() {
    let table = [
        ("1979-05-27t07:32:00z", "1979-05-27T07:32:00Z"),
        ("1979-05-27 07:32:00.5+01:00", "1979-05-27T07:32:00.500+01:00"),
        ("1979-05-27T00:32:00.999999-07:00", "1979-05-27T00:32:00.999999-07:00"),
        ("1979-05-27T07:32:00", "1979-05-27T07:32:00"),
        ("1979-05-27T00:32:00.1234567891", "1979-05-27T00:32:00.123456789"),
        ("1979-05-27", "1979-05-27"),
        ("00:32:00.1000", "00:32:00.100"),
        ("00:32:60", "00:32:60"),
        ("1979-05-27T07:32:00-00:00", "1979-05-27T07:32:00Z"),
        ("1979-05-27T07:32:00.000Z", "1979-05-27T07:32:00Z"),
    ];
    for (text, expected) in table {
        let expected = format!("{{a:{expected}}}");
        assert_eq!(parse(format!("a = {text}").as_bytes()).map(|value| shown(&value)), Ok(expected));
    }
}

#[test]
fn first_lines_of_messages() {
    let table = [
        ("a=01", "bad integer: invalid digit after an integer"),
        ("a=00", "bad integer: leading zero"),
        ("a=9223372036854775808", "toml::parse_dec_integer: too large integer: current max digits = 2^63"),
        ("a=1e400", "toml::parse_floating: failed to read floating point value from stream"),
        ("a=", "bad format: unknown value appeared"),
        ("a=1__0", "bad integer: `_` must be surrounded by digits"),
        ("a=1.", "bad float: invalid format"),
        ("a=.5", "bad float: integer part is required before decimal point"),
        ("a=Inf", "toml::parse_value: `inf` must be in lowercase. A string must be surrounded by quotes."),
        ("a=1\na=2", "toml::insert_value: failed to insert a value, value already exists"),
        ("[a]\n[a]", "toml::insert_value: failed to insert a table, table already defined"),
        ("a={b=1}\na.c=2", "toml::insert_value: failed to insert a value: inline table is immutable"),
        ("[a.b]\n[a]\nb.c=1", "toml::insert_value: reopening a table using dotted keys"),
        (
            "a=[{}]\n[[a]]",
            "toml::insert_value: failed to insert a table, inline array of tables is immutable",
        ),
        ("a=1 b=2", "toml::parse_table: newline (LF / CRLF) or EOF is expected"),
        ("[a", "toml::parse_file: invalid table key"),
        ("[[a]", "toml::parse_file: invalid array-table key"),
        ("x", "toml::parse_key_value_pair: invalid key value separator `=`"),
        ("a=[1", "toml::parse_array: missing closing bracket `]`"),
        ("a={x=1,}", "toml::parse_inline_table: trailing comma is not allowed in TOML-v1.0.0)"),
        ("a=1979-02-29", "toml::parse_local_date: invalid date."),
        ("a=25:00:00", "toml::parse_local_time: invalid time."),
        ("a=\"\\ud800\"", "toml::parse_utf8_codepoint: [0xD800, 0xDFFF] is not a valid UTF-8"),
        ("# \u{1}", "toml::parse_comment_line: newline (LF / CRLF) or EOF is expected"),
        ("a=\"\u{1}\"", "toml::parse_basic_string: invalid string format"),
    ];
    for (text, expected) in table {
        let message = message(text.as_bytes());
        assert_eq!(message.lines().next(), Some(&*format!("[error] {expected}")), "{text}");
    }
}

#[test]
fn whole_messages() {
    let table: [(&[u8], &str); 5] = [
        (
            b"[a]\nx=1\n[a]\ny=2",
            "[error] toml::insert_value: failed to insert a table, table already defined\n --> fromTOML\n   |\n 3 | [a]\n   | ^^^-- \
             inserting this\n   | ...\n   |\n 1 | [a]\n   | ^^^-- this table is explicitly defined\n",
        ),
        (
            b"a = {x=1\n}",
            "[error] toml::parse_inline_table: expected value-separator `,` or closing `}`\n --> fromTOML\n   |\n 1 | a = {x=1\n   |         \
             ^-- here\n[error] toml::parse_simple_key: invalid key: key must be \"quoted\", 'quoted-literal', or bare key.\n --> \
             fromTOML\n   |\n 2 | }\n   | ^-- expected alpha [a-zA-Z], digit [0-9], -, or _\nHint: non-ASCII scripts are allowed in toml \
             v1.1.0, but not in v1.0.0.\n",
        ),
        (
            b"a = 1\rb = 2",
            "[error] toml::parse_table: newline (LF / CRLF) or EOF is expected\n --> fromTOML\n   |\n 1 | a = 10x0d(CARRIAGE RETURN)b = 2\n   \
             |      ^-- here\n",
        ),
        (
            b"a = \"\xff\"",
            "[error] toml::parse_basic_string: invalid string format\n --> fromTOML\n   |\n 1 | a = \"0xff\"\n   |      ^-- expected \"\n",
        ),
        (
            b"a = \"\\ud800x\"",
            "[error] toml::parse_utf8_codepoint: [0xD800, 0xDFFF] is not a valid UTF-8\n --> internal temporary\n   |\n 1 | \\ud800x\n   |  \
             ^^^^^-- here\n",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(message(text), expected);
    }
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("[", "]"), ("{a=", "}"), ("[[", "]]")] {
        let text = format!("a = {}1{}", open.repeat(100_000), close.repeat(100_000));
        let limit = StackLimit::below_here(128 << 10);
        assert_eq!(read(text.as_bytes(), limit), Err(TomlError::TooDeep), "{open}");
        let text = format!("a = {}", open.repeat(100_000));
        assert!(read(text.as_bytes(), limit).is_err(), "{open}");
    }
}

#[test]
fn errors_do_not_stop_reading_and_reading_stops() {
    let text = "a = [x\nb = 1\n".repeat(2_000);
    assert!(message(text.as_bytes()).len() > 1_000);
    let text = "a = [[x = 1\n".repeat(50);
    assert!(parse(text.as_bytes()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_panics(text: Vec<u8>) {
        let _ = parse(&text);
    }

    #[test]
    fn no_likely_text_panics(text in r#"[ab\[\]{}="'\\#,.\n 01_:TZe-]{0,40}"#) {
        let _ = parse(text.as_bytes());
    }

    /// The toml crate reads TOML 1.1, so it may accept more.
    #[test]
    fn what_is_good_is_good_to_others(text in r#"([ab] = ([0-9]{1,3}|"[a-c\\n]*"|\[[0-9, ]*\]|\{a=1(,b=2)?\})\n|\[\[?[ab](\.c)?\]?\]\n){0,5}"#) {
        if parse(text.as_bytes()).is_ok() {
            prop_assert!(text.parse::<toml::Table>().is_ok(), "{}", text);
        }
    }
}

#[test]
fn many_errors_and_deep_nesting_take_no_more_than_their_length() {
    // Each line is an error with a place of its own.
    let lines = "x x\n".repeat(100_000);
    let Err(TomlError::Syntax(message)) = parse(lines.as_bytes()) else { panic!("an error") };
    assert!(message.windows(9).any(|part| part == b" 100000 |"), "the last one is told too");
    let deep = format!("a={}", "[".repeat(1_000_000));
    assert_eq!(read(deep.as_bytes(), StackLimit::below_here(1 << 20)), Err(TomlError::TooDeep));
}
