//! What can be attested of an image: how it was made, and which packages it holds.
//!
//! Owns: the bodies of the statements. Never does: their form outside (the store has it), or signing.

mod packages;
mod provenance;
mod sbom;

pub use provenance::{Detail, Request, provenance};
pub use sbom::sbom;
