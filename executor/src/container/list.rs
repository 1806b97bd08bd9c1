//! Looking containers up, and the filters of `ps`.

use buildc_store::Store;

use super::error::Result;
use super::record::Container;

/// Filters of `ps`: values of one key are alternatives (all `label`s must match), keys must all match.
#[derive(Clone, Debug, Default)]
pub struct Filters {}

impl Filters {
    /// Reads `key=value` words.
    ///
    /// # Errors
    /// `InvalidOption` for an unknown key or a malformed value.
    pub fn parse(_words: &[String]) -> Result<Self> {
        todo!()
    }

    /// Whether a container passes.
    pub fn matches(&self, _container: &Container) -> bool {
        todo!()
    }
}

/// The container with this name, id or unique id prefix.
pub fn find(_store: &Store, _name: &str) -> Result<Container> {
    todo!()
}

/// All containers, the newest first.
pub fn list(_store: &Store) -> Result<Vec<Container>> {
    todo!()
}
