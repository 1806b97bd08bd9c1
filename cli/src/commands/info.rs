//! `version` and `info`: what this is and what the machine allows.

use super::Shell;
use crate::args::TextOrJson;
use crate::failure::Outcome;
use crate::output;

// Options of `buildc version`.
#[derive(clap::Args, Debug)]
pub struct VersionArgs {
    /// Form of the output: text or json
    #[arg(long, value_enum, default_value = "text", value_name = "FORM", hide_possible_values = true)]
    format: TextOrJson,
}

// Options of `buildc info`.
#[derive(clap::Args, Debug)]
pub struct InfoArgs {
    /// Form of the output: text or json
    #[arg(long, value_enum, default_value = "text", value_name = "FORM", hide_possible_values = true)]
    format: TextOrJson,
}

/// Prints the version.
pub fn version(args: &VersionArgs) -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    match args.format {
        TextOrJson::Text => output::data(&format!("buildc {version}"))?,
        TextOrJson::Json => output::json(&serde_json::json!({ "Version": version }))?,
    }
    Ok(0)
}

/// Prints what was found about the machine.
pub fn info(args: &InfoArgs, shell: &Shell) -> Outcome {
    // Before the probe: it leaves who is not root in a user namespace, where this process looks like root.
    let root = crate::session::root(shell);
    let host = buildc_launch::probe_host();
    let words =
        |r: &Result<(), String>| r.as_ref().map_or_else(|why| format!("no: {why}"), |()| "yes".to_owned());
    let cgroup = host.cgroup.as_ref().map_or_else(|why| format!("none: {why}"), Clone::clone);
    let rows = [
        ("Version", env!("CARGO_PKG_VERSION").to_owned()),
        ("Store", root.display().to_string()),
        ("Platform", buildc_ir::Platform::host().to_string()),
        ("Root", if host.root { "yes" } else { "no" }.to_owned()),
        ("UserNamespaces", words(&host.user_namespaces)),
        ("Overlay", words(&host.overlay)),
        ("Cgroup", cgroup),
        ("SubordinateIds", host.subuids.to_string()),
    ];
    match args.format {
        TextOrJson::Json => {
            let map: serde_json::Map<_, _> =
                rows.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
            output::json(&map)?;
        }
        TextOrJson::Text => {
            let lines = rows.iter().map(|(name, value)| format!("{:<16} {value}\n", format!("{name}:")));
            output::data(&lines.collect::<String>())?;
        }
    }
    Ok(0)
}
