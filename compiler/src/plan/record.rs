//! What is remembered of a step so that the next build can say what changed.

use std::collections::BTreeMap;

use buildc_digest::{ContentDigest, Key};
use buildc_ir::graph::Node;
use buildc_ir::step::{Copy, CopySource, Exec, Mount, MountSource, Network};
use buildc_ir::world::StepRecord;
use buildc_ir::{StepKind, keys};

/// The record of one step; the last are what times are clamped to, and whether they count.
pub(super) fn step_record(
    node: &Node,
    definition_key: Key,
    selections: Vec<ContentDigest>,
    (clamp, strict_times): (Option<i64>, bool),
) -> StepRecord {
    let mut record = StepRecord {
        stage: node.stage().to_owned(),
        text: node.text().to_owned(),
        definition_key: Some(definition_key),
        args: node.args.clone(),
        selections,
        ..StepRecord::default()
    };
    match &node.step.kind {
        StepKind::Exec(exec) => {
            let env = exec.env.iter().filter(|(name, _)| !node.args.contains_key(name));
            record.env = env.cloned().collect();
            record.settings = exec_settings(exec);
        }
        StepKind::Mkdir(mkdir) => record.settings = BTreeMap::from([("user".to_owned(), mkdir.user.clone())]),
        StepKind::Image(image) => record.image = Some((image.reference.clone(), image.manifest)),
        StepKind::Copy(copy) => record.settings = copy_settings(copy),
        StepKind::Scratch | StepKind::Http(_) | StepKind::Git(_) | StepKind::Config(_) | StepKind::Diff => {}
    }
    if keys::has_content_key(&node.step.kind) {
        let clamp = clamp.map(|seconds| ("SOURCE_DATE_EPOCH".to_owned(), seconds.to_string()));
        let times = strict_times.then(|| ("--strict-times".to_owned(), "on".to_owned()));
        record.settings.extend(clamp.into_iter().chain(times));
    }
    record
}

fn exec_settings(exec: &Exec) -> BTreeMap<String, String> {
    // The last word of a shell form is the instruction's text, which is compared as such.
    let shell = exec.args.split_last().map_or(String::new(), |(_, shell)| shell.join(" "));
    let network = match exec.network {
        Network::Default => "default",
        Network::None => "none",
        Network::Host => "host",
    };
    let mounts: Vec<String> = exec.mounts.iter().map(mount).collect();
    let settings = [
        ("user", exec.user.clone()),
        ("working directory", exec.cwd.clone()),
        ("shell", shell),
        ("network", network.to_owned()),
        ("security", if exec.insecure { "insecure" } else { "sandbox" }.to_owned()),
        ("platform", exec.platform.to_string()),
        ("mounts", mounts.join(", ")),
    ];
    let set = settings.into_iter().filter(|(_, value)| !value.is_empty());
    set.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Heredocs do not show in the instruction's text.
fn copy_settings(copy: &Copy) -> BTreeMap<String, String> {
    let inline = copy.sources.iter().filter_map(|source| match source {
        CopySource::Inline { name, data } => Some((format!("heredoc {name}"), fingerprint(data))),
        CopySource::Path { .. } | CopySource::Fetched { .. } => None,
    });
    inline.collect()
}

fn fingerprint(text: &str) -> String {
    Key::of(text.as_bytes()).short()
}

fn mount(mount: &Mount) -> String {
    let kind = match &mount.source {
        MountSource::Bind { path, .. } => format!("bind {path}"),
        MountSource::Cache { id, .. } => format!("cache {id}"),
        MountSource::Tmpfs { .. } => "tmpfs".to_owned(),
        MountSource::Secret { id, .. } => format!("secret {id}"),
        MountSource::Ssh { id, .. } => format!("ssh {id}"),
        MountSource::Inline { data } => format!("heredoc {}", fingerprint(data)),
    };
    format!("{kind} at {}", mount.target)
}
