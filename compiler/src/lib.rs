//! Placeholder until the room is built.

pub mod optimise;
pub mod plan;
