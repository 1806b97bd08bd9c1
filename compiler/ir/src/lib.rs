//! Pure data that the compiler makes and the executor reads, and the traits through which the world comes in.
//!
//! Owns: [`Step`], [`Graph`], [`Plan`], [`Reference`], [`Platform`], [`ImageConfig`], patterns, source positions,
//! diagnostics, and the canonical encoding that keys are computed from.
//! Never does: file, network, clock or environment access; nothing here has a side effect.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod diagnostic;
pub mod encode;
pub mod git;
pub mod go;
pub mod graph;
pub mod image_config;
pub mod keys;
pub mod lock;
pub mod origin;
pub mod pattern;
pub mod plan;
pub mod platform;
pub mod reads;
pub mod reference;
pub mod source;
pub mod step;
pub mod step_map;
pub mod world;

pub use diagnostic::{Diagnostic, Label, Severity};
pub use graph::{Graph, Setting, Target, TargetHistory};
pub use image_config::{Healthcheck, History, ImageConfig};
pub use origin::{FileId, SourceFile, SourceMap, Span};
pub use plan::{PassReport, Plan, PlannedStep, Privilege, Reason, State};
pub use platform::Platform;
pub use reads::ReadSet;
pub use reference::Reference;
pub use step::{Input, Role, Step, StepId, StepKind};
pub use step_map::{StepMap, StepSet};
