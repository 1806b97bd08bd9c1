//! Golden cases: an input file and, beside it, the text that comes out of it.
//!
//! Owns: finding cases, the options a case asks for, the images that exist in tests, and the text forms of graphs
//! and diagnostics. Never does: building, fetching, or reading anything but the case files.
//!
//! `UPDATE_EXPECT=1 cargo test -p lang-tests` writes the expected texts anew; the difference is then reviewed.

pub mod case;
pub mod images;
pub mod render;
