//! Differential tests of the leaf libraries of the language against C++ Nix.
//!
//! `BUILDC_NIX_INSTANTIATE` names a `nix-instantiate` (2.34) to compare with; without it the tests say so and pass,
//! unless `BUILDC_TEST_REQUIRE_ALL` is set.
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "a test program")]

mod number;
mod peer;
mod random;
mod regex;
