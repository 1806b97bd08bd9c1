//! The JSON of `inspect`, in Docker's shape.

use buildc_store::Store;

use super::error::Result;
use super::record::Container;

/// One element of the array that `inspect` prints.
pub fn inspect(_store: &Store, _container: &Container) -> Result<serde_json::Value> {
    todo!()
}
