//! Functions and operators by what they answer.

use serde_json::json;

use super::super::*;
use super::read;

/// What `docker buildx bake` 0.29 makes of calls of each function.
const CALLS: &[(&str, &str)] = &[
    (r#"absolute(-3)"#, r#"3"#),
    (r#"add(1,2)"#, r#"3"#),
    (r#"and(true,false)"#, r#"false"#),
    (r#"base64decode("aGVsbG8=")"#, r#"hello"#),
    (r#"base64encode("hello")"#, r#"aGVsbG8="#),
    (r#"basename("/a/b/c.txt")"#, r#"c.txt"#),
    (r#"dirname("/a/b/c.txt")"#, r#"/a/b"#),
    (r#"ceil(1.2)"#, r#"2"#),
    (r#"chomp("a\n\n")"#, r#"a"#),
    (r#"jsonencode(chunklist(["a","b","c"],2))"#, r#"[["a","b"],["c"]]"#),
    (r#"coalesce(null, "", "x")"#, r#""#),
    (r#"jsonencode(coalescelist([], ["z"]))"#, r#"["z"]"#),
    (r#"jsonencode(compact(["a","","b"]))"#, r#"["a","b"]"#),
    (r#"jsonencode(concat(["a"],["b"]))"#, r#"["a","b"]"#),
    (r#"contains(["a"],"a")"#, r#"true"#),
    (r#"jsonencode(distinct(["a","b","a"]))"#, r#"["a","b"]"#),
    (r#"divide(7,2)"#, r#"3.5"#),
    (r#"element(["a","b"],3)"#, r#"b"#),
    (r#"equal(1,1)"#, r#"true"#),
    (r#"jsonencode(flatten([["a"],["b",["c"]]]))"#, r#"["a","b","c"]"#),
    (r#"floor(-1.5)"#, r#"-2"#),
    (
        r#"format("%s-%d-%05.2f-%v-%q-%x-%t", "a", 3, 2.5, true, "z", 255, false)"#,
        r#"a-3-02.50-true-"z"-ff-false"#,
    ),
    (
        r#"formatdate("YYYY-MM-DD hh:mm:ss ZZZ EEE MMM", "2020-01-02T03:04:05Z")"#,
        r#"2020-01-02 03:04:05 UTC Thu Jan"#,
    ),
    (r#"jsonencode(formatlist("%s!", ["a","b"]))"#, r#"["a!","b!"]"#),
    (r#"greaterthan(2,1)"#, r#"true"#),
    (r#"greaterthanorequalto(2,2)"#, r#"true"#),
    (r#"hasindex(["a"],0)"#, r#"true"#),
    (
        r#"indent(2,"a\nb")"#,
        r#"a
  b"#,
    ),
    (r#"index(["a","b"],1)"#, r#"b"#),
    (r#"indexof(["a","b"],"b")"#, r#"1"#),
    (r#"int(3.7)"#, r#"3"#),
    (r#"join(",",["a","b"])"#, r#"a,b"#),
    (r#"jsondecode("{\"a\":[1,2]}").a[1]"#, r#"2"#),
    (r#"jsonencode(keys({b=1,a=2}))"#, r#"["a","b"]"#),
    (r#"length(["a"])"#, r#"1"#),
    (r#"lessthan(1,2)"#, r#"true"#),
    (r#"lessthanorequalto(1,1)"#, r#"true"#),
    (r#"log(8,2)"#, r#"3"#),
    (r#"lookup({a="b"},"c","d")"#, r#"d"#),
    (r#"lower("ABC")"#, r#"abc"#),
    (r#"max(1,3,2)"#, r#"3"#),
    (r#"min(1,3,2)"#, r#"1"#),
    (r#"md5("a")"#, r#"0cc175b9c0f1b6a831c399e269772661"#),
    (r#"sha1("a")"#, r#"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"#),
    (r#"sha256("a")"#, r#"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"#),
    (
        r#"sha512("a")"#,
        r#"1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75"#,
    ),
    (r#"jsonencode(merge({a=1},{b=2}))"#, r#"{"a":1,"b":2}"#),
    (r#"modulo(7,3)"#, r#"1"#),
    (r#"multiply(2,3)"#, r#"6"#),
    (r#"negate(4)"#, r#"-4"#),
    (r#"not(true)"#, r#"false"#),
    (r#"notequal(1,2)"#, r#"true"#),
    (r#"or(true,false)"#, r#"true"#),
    (r#"parseint("ff",16)"#, r#"255"#),
    (r#"pow(2,10)"#, r#"1024"#),
    (r#"jsonencode(range(1,4))"#, r#"[1,2,3]"#),
    (r#"regex_replace("a1b2","[0-9]","<$${0}>")"#, r#"a<1>b<2>"#),
    (r#"regex("[a-z]+","12abc3")"#, r#"abc"#),
    (r#"jsonencode(regex("([a-z])([0-9])","a1"))"#, r#"["a","1"]"#),
    (r#"jsonencode(regexall("[a-z]","a1b"))"#, r#"["a","b"]"#),
    (r#"replace("a.b.c",".","-")"#, r#"a-b-c"#),
    (r#"reverse("abc")"#, r#"cba"#),
    (r#"jsonencode(reverselist(["a","b"]))"#, r#"["b","a"]"#),
    (r#"sanitize("a/b.c:d_e-f")"#, r#"a_b_c_d_e-f"#),
    (r#"jsonencode(setunion(["b"],["a"]))"#, r#"["a","b"]"#),
    (r#"jsonencode(setintersection(["b","a"],["a"]))"#, r#"["a"]"#),
    (r#"jsonencode(setproduct(["a","b"],["1"]))"#, r#"[["a","1"],["b","1"]]"#),
    (r#"jsonencode(setsubtract(["a","b"],["b"]))"#, r#"["a"]"#),
    (r#"jsonencode(setsymmetricdifference(["a","b"],["b","c"]))"#, r#"["a","c"]"#),
    (r#"sethaselement(["a"],"a")"#, r#"true"#),
    (r#"signum(-5)"#, r#"-1"#),
    (r#"jsonencode(slice(["a","b","c"],1,2))"#, r#"["b"]"#),
    (r#"jsonencode(sort(["c","a"]))"#, r#"["a","c"]"#),
    (r#"jsonencode(split(",","a,b"))"#, r#"["a","b"]"#),
    (r#"strlen("héllo")"#, r#"5"#),
    (r#"substr("hello",1,3)"#, r#"ell"#),
    (r#"subtract(5,2)"#, r#"3"#),
    (r#"timeadd("2020-01-02T03:04:05Z","1h")"#, r#"2020-01-02T04:04:05Z"#),
    (r#"title("hello world")"#, r#"Hello World"#),
    (r#"trim("xxaxx","x")"#, r#"a"#),
    (r#"trimprefix("v1","v")"#, r#"1"#),
    (r#"trimspace(" a ")"#, r#"a"#),
    (r#"trimsuffix("a.x",".x")"#, r#"a"#),
    (r#"upper("a")"#, r#"A"#),
    (r#"urlencode("a b/c&d")"#, r#"a+b%2Fc%26d"#),
    (r#"uuidv5("dns","example.com")"#, r#"cfbff0d1-9375-5685-968c-48ce8b15ae17"#),
    (r#"jsonencode(values({b=1,a=2}))"#, r#"[2,1]"#),
    (r#"jsonencode(zipmap(["a","b"],[1,2]))"#, r#"{"a":1,"b":2}"#),
    (r#"jsonencode(csvdecode("a,b\n1,2\n"))"#, r#"[{"a":"1","b":"2"}]"#),
    (r#"cidrhost("10.0.0.0/8",5)"#, r#"10.0.0.5"#),
    (r#"cidrnetmask("10.0.0.0/12")"#, r#"255.240.0.0"#),
    (r#"cidrsubnet("10.0.0.0/8",8,2)"#, r#"10.2.0.0/16"#),
    (r#"try(jsondecode("{"), "fallback")"#, r#"fallback"#),
    (r#"can(jsondecode("{"))"#, r#"false"#),
    (r#"byteslen("é")"#, "2"),
    (r#"bytesslice("hello", 1, 2)"#, "el"),
    (
        r#"join(",", cidrsubnets("10.1.0.0/16", 4, 4, 8, 4))"#,
        "10.1.0.0/20,10.1.16.0/20,10.1.32.0/24,10.1.48.0/20",
    ),
    (r#"timestamp()"#, "2026-01-02T03:04:05Z"),
    (r#"timeadd("2020-02-28T23:30:00+01:00", "24h45m")"#, "2020-03-01T00:15:00+01:00"),
    (r#"format("%5s|%-5s|%03d|%x", "a", "b", 7, "hi")"#, "    a|b    |007|6869"),
];

#[test]
fn functions_answer_as_those_of_buildx() {
    for (call, want) in CALLS {
        let text = format!("target \"default\" {{\n args = {{ V = {call} }}\n}}");
        let baked = read(&text).and_then(|file| file.resolve(&[])).unwrap_or_else(|e| panic!("{call}: {e}"));
        assert_eq!(baked.targets["default"]["args"]["V"], *want, "{call}");
    }
    for wrong in
        ["nope(1)", "upper()", "split(\",\")", "divide(1, 0)", "regex(\"(\", \"a\")", "element([], 0)"]
    {
        assert!(read(&format!("target \"a\" {{\n tags = [{wrong}]\n}}")).is_err(), "{wrong}");
    }
    let outside =
        "function \"f\" {\n params = [x]\n result = try(x.y, 1)\n}\ntarget \"a\" {\n tags = [f(1)]\n}";
    assert!(read(outside).unwrap_err().to_string().contains("try"), "it is refused, not answered wrongly");
}

#[test]
fn operators_take_text_for_numbers_and_know_when_there_is_no_answer() {
    let value = |expression: &str| {
        let file = read(&format!("target \"a\" {{ args = {{ A = {expression} }} }}"))?;
        Ok(file.resolve(&["a".to_owned()])?.targets["a"]["args"]["A"].clone())
    };
    let good = [
        ("1 + 2 * 3 - 4", "3"),
        ("\"2\" * 3", "6"),
        ("9007199254740993 + 1", "9007199254740994"),
        ("9223372036854775807 + 1 > 0", "true"),
        ("7 % 4 == 3 && !false", "true"),
        ("10 / 4", "2.5"),
        ("-(2 - 5)", "3"),
        ("false ? 1 % 0 : 5", "5"),
        ("try(1 / 0, 9)", "9"),
        ("join(\",\", [for x in [1, 2] : x * 2])", "2,4"),
        ("\"${2 < 10}\"", "true"),
    ];
    for (expression, wanted) in good {
        assert_eq!(value(expression), Ok(json!(wanted)), "{expression}");
    }
    for (expression, why) in
        [("1 % 0", "operator `%`: division by zero"), ("1 / 0", "operator `/`: division by zero")]
    {
        let error: BakeError = value(expression).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}
