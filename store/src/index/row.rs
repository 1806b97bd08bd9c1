//! Reading columns that must have a certain form.

use buildc_digest::Digest;
use rusqlite::Row;

use crate::error::{Result, StoreError};

/// A column of exactly 32 bytes.
pub(crate) fn bytes32(row: &Row<'_>, table: &'static str, column: &str) -> Result<[u8; 32]> {
    let value = row.get_ref(column)?;
    let bytes = value.as_blob().ok().and_then(|b| b.try_into().ok());
    bytes.ok_or_else(|| StoreError::CorruptRow {
        table,
        problem: format!("column `{column}` does not hold 32 bytes"),
    })
}

/// A column that holds an OCI digest as 32 bytes.
pub(crate) fn digest_column(row: &Row<'_>, table: &'static str, column: &str) -> Result<Digest> {
    bytes32(row, table, column).map(Digest::from_bytes)
}
