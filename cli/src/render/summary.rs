//! The closing lines of a build.

use buildc_executor::build::Outcome;
use buildc_ir::Reference;
use buildc_store::ImageRecord;

use crate::document;
use crate::session::short_id;
use crate::units;

/// What was built, how much of it ran, how long it took, how big each image is and what it is called.
pub fn summary(outcome: &Outcome, images: &[(&ImageRecord, &[Reference])]) -> String {
    let mut out = String::new();
    for (index, (image, names)) in images.iter().enumerate() {
        let names: Vec<String> = names.iter().map(Reference::familiar).collect();
        let name = if names.is_empty() { short_id(&image.id) } else { names.join(", ") };
        let size = units::size(document::size(image));
        if index == 0 {
            let time = units::duration(outcome.duration);
            let new = units::size(outcome.new_bytes);
            let Outcome { ran, cached, .. } = outcome;
            out.push_str(&format!(
                "Built {name} in {time}: {ran} ran, {cached} cached; {size}, of which {new} new\n"
            ));
        } else {
            out.push_str(&format!("Built {name}: {size}\n"));
        }
        out.push_str(&format!("  image id  {}\n  digest    {}\n", image.id, image.manifest));
    }
    out.truncate(out.trim_end().len());
    out
}
