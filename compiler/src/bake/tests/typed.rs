//! Variables and what the environment makes of them.

use serde_json::{Value, json};

use super::super::BakeError;
use super::read_as;

/// What `FOO` is as an argument, by `jsonencode`.
fn foo(block: &str, environment: &[(&str, &str)]) -> Result<Value, BakeError> {
    let text = format!("{block}\ntarget \"default\" {{ args = {{ A = jsonencode(FOO) }} }}");
    let given = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let file = read_as("docker-bake.hcl", &text, &given)?;
    let target = file.resolve(&[])?.targets["default"]["args"]["A"].clone();
    Ok(serde_json::from_str(target.as_str().expect("a text")).expect("JSON"))
}

fn typed(kind: &str, environment: &[(&str, &str)]) -> Result<Value, BakeError> {
    foo(&format!("variable \"FOO\" {{ type = {kind} }}"), environment)
}

#[test]
fn the_environment_has_lists_with_commas() {
    for (kind, text, wanted) in [
        ("list(number)", "1,2", json!([1, 2])),
        ("list(string)", "\"a,b\",c", json!(["a,b", "c"])),
        ("list(string)", "", json!([])),
        ("set(number)", "3,1,3", json!([1, 3])),
        ("tuple([number, string])", "99,bottles", json!([99, "bottles"])),
        ("map(number)", "foo:1,bar:2", json!({ "foo": 1, "bar": 2 })),
        ("string", "\"a\"", json!("\"a\"")),
    ] {
        assert_eq!(typed(kind, &[("FOO", text)]), Ok(wanted), "{kind} {text}");
    }
    for (kind, text, wanted) in [
        ("list(number)", "[1,2]", "failed to parse element `[1`"),
        ("list(string)", "\"a,b", "as CSV"),
        ("map(number)", "foo:1:1", "one k/v pair"),
        ("tuple([number])", "1,2", "1 elements are wanted, not 2"),
        ("tuple([list(number)])", "1", "unsupported type tuple"),
        ("list(list(number))", "1", "unsupported type list of list of number"),
        ("object({a: string})", "x", "unsupported type object"),
        ("number", "1z", "as number"),
        ("boolean", "1", "`boolean` is not a valid type"),
    ] {
        let error = typed(kind, &[("FOO", text)]).expect_err(text).to_string();
        assert!(error.contains(wanted), "{kind} {text}: {error}");
    }
}

#[test]
fn the_environment_has_json_too() {
    for (kind, text, wanted) in [
        ("list(string)", "[\"hi\",\"there\"]", json!(["hi", "there"])),
        ("list(list(number))", "[[1],[2]]", json!([[1], [2]])),
        (
            "object({a: list(string), b: optional(string)})",
            "{\"a\":[\"x\"]}",
            json!({ "a": ["x"], "b": null }),
        ),
        ("tuple([number, string])", "[99, 1]", json!([99, "1"])),
        ("string", "\"hello\"", json!("hello")),
    ] {
        assert_eq!(typed(kind, &[("FOO_JSON", text), ("FOO", "1,2")]), Ok(wanted), "{kind} {text}");
    }
    for (kind, text) in [
        ("string", "hello"),
        ("map(number)", "{\"a\":\"x\"}"),
        ("object({a: string})", "{}"),
        ("tuple([any])", "[]"),
    ] {
        let error = typed(kind, &[("FOO_JSON", text)]).expect_err(text).to_string();
        assert!(error.contains("from JSON"), "{kind} {text}: {error}");
    }
    let untyped = foo("variable \"FOO\" { default = [1] }", &[("FOO_JSON", "[3]")]);
    assert!(untyped.unwrap_err().to_string().contains("unsupported type"));
    // It is the name of another variable here.
    let both = "variable \"FOO\" { type = list(number) }\nvariable \"FOO_JSON\" { type = list(number) }";
    assert_eq!(foo(both, &[("FOO", "1"), ("FOO_JSON", "3,4")]), Ok(json!([1])));
}

#[test]
fn only_variables_with_a_block_are_of_the_environment() {
    let given = [("FOO", "env")];
    assert_eq!(foo("FOO = \"abc\"", &given), Ok(json!("abc")));
    assert_eq!(foo("FOO = \"abc\"\nvariable \"FOO\" { default = \"d\" }", &given), Ok(json!("env")));
    assert_eq!(foo("FOO = \"abc\"\nvariable \"FOO\" { default = \"d\" }", &[]), Ok(json!("abc")));
}
