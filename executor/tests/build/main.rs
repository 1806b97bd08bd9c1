//! Builds from end to end: real layers, real namespaces, a store in a temporary directory.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::panic, missing_debug_implementations)]

mod archive;
mod bench;
mod cache;
mod copy;
mod racy;
mod run;

buildc_launch::init_before_tests!();
