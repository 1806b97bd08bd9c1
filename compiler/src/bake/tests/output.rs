//! What is printed and listed.

use super::super::*;
use super::read;

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
