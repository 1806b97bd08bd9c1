//! Bake files by what they come to.

use serde_json::json;

use super::*;

fn read_as(
    name: &str,
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<BakeFile, BakeError> {
    let around =
        Surroundings { environment, dotenv: "", now: "2026-01-02T03:04:05Z", platform: "linux/amd64" };
    BakeFile::read(&[(name.to_owned(), text.to_owned())], &around)
}

fn read(text: &str) -> Result<BakeFile, BakeError> {
    let environment = |name: &str| (name == "FROM_ENV").then(|| "env".to_owned());
    read_as("docker-bake.hcl", text, &environment)
}

#[test]
fn targets_inherit_and_groups_expand() {
    let file = read(
        r#"
        variable "TAG" { default = "1.${PATCH}" }
        variable "PATCH" { default = 2 }
        variable "FROM_ENV" { default = "file" }
        group "default" { targets = ["more", "app"] }
        group "more" { targets = ["app", "db"] }
        target "base" { args = { A = "1", B = FROM_ENV } }
        target "app" {
          inherits = ["base"]
          args = { A = "2" }
          tags = ["app:${TAG}", upper("x")]
        }
        target "db" { contexts = { base = "target:base" } }
        "#,
    )
    .unwrap();
    let baked = file.resolve(&[]).unwrap();
    assert_eq!(baked.groups["default"].targets, ["app", "more"]);
    assert_eq!(baked.targets["app"]["args"], json!({ "A": "2", "B": "env" }));
    assert_eq!(baked.targets["app"]["tags"], json!(["app:1.2", "X"]));
    assert!(baked.targets.contains_key("base"), "a linked target is built too");
}

#[test]
fn a_matrix_makes_targets_and_a_group() {
    let file = read(
        r#"target "app" {
          name = "app-${v}-${o}"
          matrix = { v = ["1", "2"], o = ["a"] }
          args = { V = v }
        }"#,
    )
    .unwrap();
    let baked = file.resolve(&["app".to_owned()]).unwrap();
    assert_eq!(baked.groups["app"].targets, ["app-1-a", "app-2-a"]);
    let want = json!({ "context": ".", "dockerfile": "Dockerfile", "args": { "V": "2" } });
    assert_eq!(json!(baked.targets["app-2-a"]), want);
}

#[test]
fn overrides_change_fields() {
    let mut file = read("target \"a\" {}\ntarget \"ab\" {}").unwrap();
    file.set("a*.args.X=1", &|_| None).unwrap();
    file.set("a.tags=t", &|_| None).unwrap();
    let baked = file.resolve(&["a".to_owned(), "ab".to_owned()]).unwrap();
    assert_eq!(baked.targets["ab"]["args"]["X"], "1");
    assert_eq!(baked.targets["a"]["tags"], json!(["t"]));
    assert!(file.set("x", &|_| None).is_err());
}

#[test]
fn what_cannot_be_is_named() {
    for (text, want) in [
        ("target \"a\" {", "docker-bake.hcl"),
        ("target \"a\" { tags = [nope] }", "nope"),
        ("variable \"A\" { default = B }\nvariable \"B\" { default = A }", "A"),
        ("thing \"a\" {}", "thing"),
        ("function \"f\" {\n params = []\n result = f()\n}\ntarget \"a\" { tags = [f()] }", "itself"),
        ("function \"f\" {\n params = [x]\n result = x\n}\ntarget \"a\" { tags = [f()] }", "arguments"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(want), "{text}: {error}");
    }
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(&deep).unwrap_err().to_string().contains("deep"));
    let circle = read("group \"a\" { targets = [\"b\"] }\ngroup \"b\" { targets = [\"a\"] }").unwrap();
    assert!(matches!(circle.resolve(&["a".to_owned()]), Err(BakeError::Cycle { .. })));
    assert!(matches!(circle.resolve(&["c".to_owned()]), Err(BakeError::Unknown { .. })));
}

#[test]
fn functions_of_the_file_are_called() {
    let file = read(
        r#"
        variable "N" { default = "outer" }
        function "add" {
          params = [N, m]
          result = N + m
        }
        function "tag" {
          params = [name]
          variadic_params = rest
          result = "$${x} ${name}:${join("-", rest)}"
        }
        function "both" {
          params = [x]
          result = [tag(x, N), tag(N, x, "z")]
        }
        target "default" {
          args = { SUM = add(add(1, 2), 4) }
          tags = concat(both("in"), [tag("s", ["a", "b"]...), "plain-${add(1, 1)}-$${y}"])
        }"#,
    )
    .unwrap();
    let target = &file.resolve(&[]).unwrap().targets["default"];
    assert_eq!(target["args"]["SUM"], "7");
    let want = ["${x} in:outer", "${x} outer:in-z", "${x} s:a-b", "plain-2-${y}"];
    assert_eq!(target["tags"], json!(want));
}

#[test]
fn variables_are_validated_and_names_suggested() {
    let rule = |value: &str| {
        read(&format!(
            "variable \"V\" {{\n default = \"{value}\"\n validation {{\n condition = V != \"\"\n error_message = \"V is needed\"\n }}\n}}\ntarget \"app\" {{}}"
        ))
    };
    assert!(rule("").unwrap_err().to_string().contains("V is needed"));
    let file = rule("x").unwrap();
    let error = file.resolve(&["apq".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("did you mean `app`?"), "{error}");
}

#[test]
fn json_has_the_same_meaning() {
    let text = r#"{"variable": {"T": {"default": "1"}}, "group": {"default": {"targets": ["a"]}},
        "target": {"a": {"tags": ["x:${T}"]}}}"#;
    let file = read_as("docker-bake.json", text, &|_| None).unwrap();
    assert_eq!(file.resolve(&[]).unwrap().targets["a"]["tags"], json!(["x:1"]));
}

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

#[test]
fn printed_as_buildx_prints() {
    let file = read(
        r#"
        group "default" {
          description = "all"
          targets = ["app"]
        }
        target "_base" {
          cache-from = ["one"]
          attest = ["type=provenance,mode=min"]
        }
        target "app" {
          inherits = ["_base"]
          context = "./sub/"
          args = { B = "<$${x}>", A = 1, N = null }
          cache-from = ["type=local,src=c"]
          attest = [{ type = "provenance", mode = "max" }]
          output = ["out", "-", "type=image,\"name=a,b\",push=true"]
          secret = ["type=env,id=t,src=TOKEN"]
          ssh = ["default", "k=a,b"]
          contexts = { base = "target:linked" }
          network = "host"
        }
        target "linked" {}
        "#,
    )
    .unwrap();
    let want = r#"{
  "group": {
    "default": {
      "description": "all",
      "targets": [
        "app"
      ]
    }
  },
  "target": {
    "app": {
      "attest": [
        {
          "mode": "max",
          "type": "provenance"
        }
      ],
      "context": "sub",
      "contexts": {
        "base": "target:linked"
      },
      "dockerfile": "Dockerfile",
      "args": {
        "A": "1",
        "B": "\u003c$${x}\u003e"
      },
      "cache-from": [
        {
          "ref": "one",
          "type": "registry"
        },
        {
          "src": "c",
          "type": "local"
        }
      ],
      "secret": [
        {
          "id": "t",
          "env": "TOKEN"
        }
      ],
      "ssh": [
        {
          "id": "default"
        },
        {
          "id": "k",
          "paths": [
            "a",
            "b"
          ]
        }
      ],
      "output": [
        {
          "dest": "out",
          "type": "local"
        },
        {
          "dest": "-",
          "type": "tar"
        },
        {
          "name": "a,b",
          "push": "true",
          "type": "image"
        }
      ],
      "network": "host",
      "entitlements": [
        "network.host"
      ]
    },
    "linked": {
      "context": ".",
      "dockerfile": "Dockerfile",
      "output": [
        {
          "type": "cacheonly"
        }
      ]
    }
  }
}
"#;
    assert_eq!(file.resolve(&[]).unwrap().printed().unwrap(), want);
}

#[test]
fn listed_as_buildx_lists() {
    let file = read(
        r#"
        variable "LONG_NAME" {
          type = list(string)
          default = ["a"]
          description = "what"
        }
        variable "NONE" { type = bool }
        PLAIN = "not listed"
        group "default" { targets = ["b", "a"] }
        target "a" { description = "An app" }
        target "b" {}
        target "_private" {}
        "#,
    )
    .unwrap();
    assert_eq!(file.list(Listing::Targets), "TARGET\tDESCRIPTION\na\tAn app\nb\t\ndefault\ta, b\n");
    let want = "VARIABLE\tTYPE\t\tVALUE\tDESCRIPTION\nLONG_NAME\tlist of string\t[\"a\"]\twhat\nNONE\t\tbool\t\t<null>\t\n";
    assert_eq!(file.list(Listing::Variables), want);
    let want = "[\n  {\n    \"name\": \"a\",\n    \"description\": \"An app\"\n  },\n  {\n    \"name\": \"b\"\n  },\n  {\n    \"name\": \"default\",\n    \"description\": \"a, b\",\n    \"group\": true\n  }\n]\n";
    assert_eq!(file.list_json(Listing::Targets), want);
}

#[test]
fn overrides_add_or_replace_and_blocks_speak_of_each_other() {
    let mut file = read(
        r#"
        target "base" {
          tags = ["base"]
          cache-from = ["one"]
        }
        target "web-1" { inherits = ["base"] }
        target "web-2" { tags = concat(target.base.tags, ["own"]) }
        "#,
    )
    .unwrap();
    let none = |_: &str| None;
    for option in ["web-*.platform=linux/amd64", "web-1.tags+=more", "web-1.cache-from=two", "*.push=true"] {
        file.set(option, &none).unwrap();
    }
    let baked = file.resolve(&["web-*".to_owned()]).unwrap();
    let web = &baked.targets["web-1"];
    assert_eq!(web["tags"], json!(["base", "more"]));
    assert_eq!((&web["cache-from"], &web["platforms"]), (&json!(["two"]), &json!(["linux/amd64"])));
    assert_eq!(web["output"], json!([{ "type": "image", "push": "true" }]));
    assert_eq!(baked.targets["web-2"]["tags"], json!(["base", "own"]));
    assert_eq!(baked.groups["default"].targets, ["web-1", "web-2"]);
    for wrong in ["web-1.nothing=1", "nobody.tags=1", "web-1.args=1", "web-1.tags"] {
        assert!(file.set(wrong, &none).is_err(), "{wrong}");
    }
    for wrong in ["tags = \"x\"", "args = \"x\"", "pull = \"maybe\"", "tags = [null]"] {
        assert!(read(&format!("target \"a\" {{\n {wrong}\n}}")).is_err(), "{wrong}");
    }
    let circle = "target \"a\" {\n contexts = { b = \"target:b\" }\n}\ntarget \"b\" {\n contexts = { a = \"target:a\" }\n}";
    let circle = read(circle).unwrap().resolve(&["a".to_owned()]);
    assert!(matches!(circle, Err(BakeError::Cycle { .. })));
}
