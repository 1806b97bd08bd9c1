//! `--format` templates: the part of Go's text/template that people use with Docker, over JSON values.
//!
//! Field paths, variables, pipelines, `if`, `range`, `with`, trim markers, and the functions of functions.rs.
//! A first name that the value does not have is an error that lists what it has; deeper ones print `<no value>`.

mod eval;
mod functions;
mod lex;
mod parse;

use serde_json::Value;

use crate::failure::Failure;

/// Nesting of blocks and parentheses that is accepted.
const DEPTH_LIMIT: usize = 64;

/// What is wrong with a template or its use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("`{{{{` at column {column} of the template is never closed")]
    Unclosed {
        /// 1-based column.
        column: usize,
    },
    /// Something that cannot stand where it stands.
    #[error("Unexpected `{found}` in the template")]
    Unexpected {
        /// What was found.
        found: String,
    },
    /// `if`, `range` or `with` without `end`.
    #[error("A block of the template has no `{{{{end}}}}`")]
    NoEnd,
    /// Too deep.
    #[error("The template nests deeper than {DEPTH_LIMIT} levels")]
    TooDeep,
    /// No such function.
    #[error("The template calls an unknown function `{name}`")]
    UnknownFunction {
        /// Its name.
        name: String,
    },
    /// No such field.
    #[error("There is no field `{name}` here")]
    UnknownField {
        /// Its name.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No such variable.
    #[error("The template uses `${name}` before it is set")]
    UnknownVariable {
        /// Its name.
        name: String,
    },
    /// A function cannot use its arguments.
    #[error("The template's `{name}` cannot be used like this: {why}")]
    Arguments {
        /// The function.
        name: String,
        /// Why not.
        why: String,
    },
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        let help = match &error {
            TemplateError::UnknownField { known, .. } => format!("Known fields: {}", known.join(", ")),
            TemplateError::UnknownFunction { .. } => {
                format!("Known functions: {}", functions::NAMES.join(", "))
            }
            _ => "A template looks like '{{.ID}} {{.Names}}'; `json` prints everything".to_owned(),
        };
        Failure::told("usage::template", &error, Some(help))
    }
}

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    nodes: Vec<parse::Node>,
    /// True for Docker's `table …` form: columns separated by tabs, with heads.
    pub table: bool,
}

impl Template {
    /// Reads a template. `\t` and `\n` mean what they mean to Docker.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let (table, body) = match text.strip_prefix("table ") {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        let body = body.replace("\\t", "\t").replace("\\n", "\n");
        Ok(Self { nodes: parse::parse(lex::lex(&body)?)?, table })
    }

    /// Applies it to one value.
    pub fn render(&self, value: &Value) -> Result<String, TemplateError> {
        eval::render(&self.nodes, value)
    }

    /// The heads of a `table` template: the upper-cased last name of each column's field.
    pub fn heads(&self) -> Vec<String> {
        let mut heads = vec![String::new()];
        for node in &self.nodes {
            match node {
                parse::Node::Text(text) => {
                    for (n, part) in text.split('\t').enumerate() {
                        if n > 0 {
                            heads.push(String::new());
                        }
                        if let Some(head) = heads.last_mut() {
                            head.push_str(part);
                        }
                    }
                }
                parse::Node::Print(pipe) => {
                    if let (Some(head), Some(name)) = (heads.last_mut(), pipe.last_field()) {
                        head.push_str(&head_of(name));
                    }
                }
                _ => {}
            }
        }
        heads
    }
}

/// `CreatedAt` → `CREATED AT`, `ID` → `ID`.
fn head_of(field: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for c in field.chars() {
        if c.is_uppercase() && lower {
            out.push(' ');
        }
        lower = c.is_lowercase();
        out.extend(c.to_uppercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(text: &str, value: Value) -> String {
        Template::parse(text).and_then(|t| t.render(&value)).unwrap_or_else(|e| format!("!{e}"))
    }

    #[test]
    fn templates_print_what_docker_prints() {
        let value = json!({
            "ID": "abc", "N": 3, "Names": ["a", "b"], "On": true, "Off": false, "Nil": null,
            "Config": { "Labels": { "a.b": "x", "z": "y" }, "Env": ["A=1", "B=2"] }
        });
        for (text, want) in [
            ("{{.ID}} {{.N}}", "abc 3"),
            ("{{json .Config.Labels}}", r#"{"a.b":"x","z":"y"}"#),
            ("{{.Config.Labels}}", "map[a.b:x z:y]"),
            ("{{.Names}}", "[a b]"),
            ("{{index .Config.Labels \"a.b\"}}", "x"),
            ("{{index .Names 1}}", "b"),
            ("{{.Config.Nothing}}", "<no value>"),
            ("{{range .Config.Env}}{{.}};{{end}}", "A=1;B=2;"),
            ("{{range $i, $e := .Names}}{{$i}}{{$e}}{{$.ID}} {{end}}", "0aabc 1babc "),
            ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}},{{end}}", "a.b=x,z=y,"),
            ("{{if .On}}yes{{else}}no{{end}}{{if .Off}}yes{{else if eq .N 3}}three{{end}}", "yesthree"),
            ("{{with .Config}}{{len .Env}}{{end}}", "2"),
            ("{{join .Names \"-\" | upper}}", "A-B"),
            ("{{printf \"%s=%d %q %5.1f|%-4s|\" .ID .N .ID 2.5 .ID}}", "abc=3 \"abc\"   2.5|abc |"),
            ("a {{- \" b \" -}} c", "a b c"),
            ("{{/* nothing */}}x", "x"),
            ("{{not .On}} {{and .On .ID}} {{or .Off .ID}} {{ne .N 4}}", "false abc abc true"),
            ("{{.ID}}\\t{{.N}}", "abc\t3"),
            ("{{(index .Names 0)}}", "a"),
            ("{{$x := .N}}{{$x}}", "3"),
            ("{{range .Nil}}x{{else}}none{{end}}", "none"),
            ("{{slice .ID 1 3}} {{truncate .ID 2}}", "bc ab"),
        ] {
            assert_eq!(render(text, value.clone()), want, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, want) in [
            ("{{.Foo}}", "!There is no field `Foo` here"),
            ("{{.ID", "!`{{` at column 1 of the template is never closed"),
            ("{{if .ID}}x", "!A block of the template has no `{{end}}`"),
            ("{{nope .ID}}", "!The template calls an unknown function `nope`"),
            ("{{end}}", "!Unexpected `end` in the template"),
            ("{{$x}}", "!The template uses `$x` before it is set"),
        ] {
            assert_eq!(render(text, json!({"ID": "a"})), want, "{text}");
        }
        let deep = format!("{}{}", "{{if .ID}}".repeat(100), "{{end}}".repeat(100));
        assert_eq!(Template::parse(&deep).map(|_| ()), Err(TemplateError::TooDeep));
    }

    #[test]
    fn table_heads_come_from_fields() {
        let template = Template::parse("table {{.ID}}\\t{{.CreatedAt}}").unwrap();
        assert!(template.table);
        assert_eq!(template.heads(), ["ID", "CREATED AT"]);
    }

    proptest::proptest! {
        #[test]
        fn no_template_panics(text in "[{}. a-z$:=|()\"0-9\\-]{0,40}") {
            let _ = render(&text, json!({"a": [1, {"b": null}]}));
        }
    }
}
