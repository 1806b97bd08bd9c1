//! What the golden tests of buildc's languages, passes, plans and keys share.
//!
//! A case is an input file and, beside it, the text that comes out of it. `UPDATE_EXPECT=1 cargo test -p lang-tests`
//! writes the expected texts anew; the difference is then reviewed.
#![allow(missing_debug_implementations, clippy::expect_used, reason = "test harness")]

pub mod case;
pub mod images;
pub mod language;
pub mod render;
pub mod story;
