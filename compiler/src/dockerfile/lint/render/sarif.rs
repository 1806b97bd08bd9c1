//! Findings as SARIF 2.1.0, which code hosts show beside the lines of a change.

use buildc_ir::SourceMap;
use serde_json::{Value, json};

use super::{Finding, file_name, lines};
use crate::dockerfile::lint::rule;

/// One run of `buildc check` with all rules and the findings as results.
pub fn sarif(findings: &[Finding], sources: &SourceMap, version: &str) -> Value {
    let rules: Vec<Value> = rule::ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.name,
                "shortDescription": { "text": rule.description },
                "helpUri": rule.url(),
                "defaultConfiguration": { "enabled": !rule.experimental, "level": "warning" },
            })
        })
        .collect();
    let results: Vec<Value> = findings.iter().map(|f| result(f, sources)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "buildc", "version": version, "rules": rules } },
            "results": results,
        }],
    })
}

fn result(finding: &Finding, sources: &SourceMap) -> Value {
    let (first, last) = lines(sources, finding.span);
    let index = rule::ALL.iter().position(|rule| *rule == finding.rule);
    json!({
        "ruleId": finding.rule.name,
        "ruleIndex": index,
        "level": "warning",
        "message": { "text": finding.message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": file_name(sources, finding.span) },
                "region": { "startLine": first, "endLine": last },
            },
        }],
    })
}
