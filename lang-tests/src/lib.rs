//! What the golden tests of buildc's languages, passes, plans and keys share.
#![allow(missing_debug_implementations, clippy::expect_used, reason = "test harness")]

pub mod story;
