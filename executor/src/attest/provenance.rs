//! How an image was made (SLSA provenance v1, slsa.dev/spec/v1.0/provenance).

use std::collections::BTreeMap;
use std::time::SystemTime;

use buildc_ir::{Plan, StepKind};
use buildc_store::export::Statement;
use serde_json::{Value, json};

const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// Names the meaning of the parameters below.
const BUILD_TYPE: &str = "urn:buildc:build:v1";

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// Where everything came from.
    Min,
    /// Also build arguments, and the steps with their keys.
    Max,
}

/// What the user asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// The Dockerfile or build file as it was named.
    pub source: String,
    /// The stage.
    pub target: Option<String>,
    /// The platforms.
    pub platforms: Vec<String>,
    /// Build arguments; they may hold what is not for everybody.
    pub build_args: BTreeMap<String, String>,
    /// When it began and ended; `None` where the result must not depend on the time.
    pub times: Option<(SystemTime, SystemTime)>,
}

/// The statement of how the images of a plan were made.
pub fn provenance(plan: &Plan, request: &Request, detail: Detail) -> Statement {
    let mut parameters = json!({
        "configSource": { "path": request.source },
        "request": { "target": request.target, "platforms": request.platforms },
    });
    let mut internal = json!({});
    if detail == Detail::Max {
        parameters["request"]["args"] = json!(request.build_args);
        internal["steps"] = steps(plan);
    }
    let mut metadata = json!({});
    if let Some((from, to)) = request.times {
        metadata["startedOn"] = json!(humantime::format_rfc3339_seconds(from).to_string());
        metadata["finishedOn"] = json!(humantime::format_rfc3339_seconds(to).to_string());
    }
    let predicate = json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": parameters,
            "internalParameters": internal,
            "resolvedDependencies": dependencies(plan),
        },
        "runDetails": {
            "builder": { "id": "urn:buildc", "version": { "buildc": env!("CARGO_PKG_VERSION") } },
            "metadata": metadata,
        },
    });
    Statement { predicate_type: PREDICATE_TYPE.to_owned(), predicate }
}

/// Everything that came from outside, each once. What is not pinned has no digest.
fn dependencies(plan: &Plan) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for (_, node) in plan.graph.iter() {
        let dependency = match &node.step.kind {
            StepKind::Image(image) => json!({
                "uri": format!("pkg:docker/{}?platform={}", image.reference, image.platform.to_string().replace('/', "%2F")),
                "digest": { "sha256": image.manifest.hex() },
            }),
            StepKind::Http(http) => match &http.checksum {
                Some(digest) => json!({ "uri": http.url, "digest": { "sha256": digest.hex() } }),
                None => json!({ "uri": http.url }),
            },
            StepKind::Git(git) => {
                json!({ "uri": format!("git+{}", git.url), "digest": { "gitCommit": git.commit } })
            }
            _ => continue,
        };
        if !found.contains(&dependency) {
            found.push(dependency);
        }
    }
    found
}

fn steps(plan: &Plan) -> Value {
    let steps = plan.graph.iter().zip(&plan.steps);
    let step = |((_, node), planned): ((_, &buildc_ir::graph::Node), &buildc_ir::PlannedStep)| json!({ "label": node.label, "definitionKey": planned.definition_key.to_string() });
    steps.map(step).collect()
}
