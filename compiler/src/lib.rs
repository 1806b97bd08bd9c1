//! From text to graph to plan.
//!
//! Owns: the frontends (one module per input language), the passes over the graph, and the plan.
//! Never does: file, network, clock, environment or process access; the world comes in through `buildc_ir::world`.
#![forbid(unsafe_code)]

pub mod bake;
pub mod dockerfile;
pub mod lang;
pub mod optimise;
pub mod plan;
