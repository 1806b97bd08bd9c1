//! Times and sizes in words, and what is expected of the whole plan.

use buildc_ir::{Plan, StepId};

use super::reason::one_line;

/// How many steps of the longest chain are named.
const CHAIN: usize = 4;

/// A time as people read it.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// A number of bytes as people read it, in decimal units.
pub fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{}.{} {unit}", count / size, count % size / (size / 10)),
        None => format!("{count} B"),
    }
}

/// How long the build takes, and the chain that no number of jobs makes shorter; `None` while nothing is known.
pub(super) fn expected(plan: &Plan) -> Option<String> {
    let estimate = &plan.estimate;
    if estimate.most_ms == 0 {
        return None;
    }
    let time = match estimate.least_ms == estimate.most_ms {
        true => duration(estimate.most_ms),
        false => format!("{} to {}", duration(estimate.least_ms), duration(estimate.most_ms)),
    };
    let unknown = match estimate.unknown {
        0 => String::new(),
        1 => " and 1 step whose time is not known".to_owned(),
        many => format!(" and {many} steps whose time is not known"),
    };
    let jobs = if estimate.jobs == 1 { "1 job".to_owned() } else { format!("{} jobs", estimate.jobs) };
    let chain = critical(plan);
    Some(format!(
        "Expected: {time} with {jobs}{unknown}; the longest chain takes {}: {chain}",
        duration(estimate.critical_ms)
    ))
}

/// The steps of the longest chain, the first few by name.
fn critical(plan: &Plan) -> String {
    let name = |id: &StepId| {
        let label = plan.graph.get(*id).map_or("", |node| node.label.as_str());
        format!("`{}`", one_line(label))
    };
    let path = &plan.estimate.critical_path;
    let named = path.iter().take(CHAIN).map(name).collect::<Vec<_>>().join(", ");
    match path.len().saturating_sub(CHAIN) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
