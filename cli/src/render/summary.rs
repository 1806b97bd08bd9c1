//! The closing lines of a build.

use buildc_executor::build::Outcome;
use buildc_ir::Reference;

use crate::document;
use crate::session::short_id;
use crate::units;

/// What was built, how much of it ran, how long it took, how big it is, what it is called.
pub fn summary(outcome: &Outcome, names: &[Reference]) -> String {
    let mut out = String::new();
    for (_, image) in &outcome.images {
        let names: Vec<String> = names.iter().map(Reference::familiar).collect();
        let name = if names.is_empty() { short_id(&image.id) } else { names.join(", ") };
        out.push_str(&format!(
            "Built {name} in {}: {} ran, {} cached; {}, of which {} new\n",
            units::duration(outcome.duration),
            outcome.ran,
            outcome.cached,
            units::size(document::size(image)),
            units::size(outcome.new_bytes),
        ));
        out.push_str(&format!("  image id  {}\n  digest    {}\n", image.id, image.manifest));
    }
    out.truncate(out.trim_end().len());
    out
}
