//! The tables, and the steps from each version to the next.

use rusqlite::{Connection, TransactionBehavior};

/// `MIGRATIONS[n]` leads from version n to n + 1. A published step is never changed.
///
/// Times named `last_used` are milliseconds since 1970, `created` seconds. `boot` is the boot id under which something
/// was written and not yet synced to disk, NULL once it is. Digests are 32 raw bytes.
const MIGRATIONS: [&str; 2] = [
    r"
CREATE TABLE layers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    diff_id BLOB NOT NULL UNIQUE,
    content BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    tar_bytes INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    generated INTEGER NOT NULL,
    boot TEXT
);
CREATE INDEX layers_content ON layers (content);
CREATE INDEX layers_boot ON layers (boot) WHERE boot IS NOT NULL;
CREATE TABLE blobs (
    digest BLOB PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    boot TEXT
) WITHOUT ROWID;
CREATE INDEX blobs_boot ON blobs (boot) WHERE boot IS NOT NULL;
CREATE TABLE layer_blobs (
    diff_id BLOB NOT NULL,
    blob BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    compressor TEXT NOT NULL,
    PRIMARY KEY (diff_id, blob)
) WITHOUT ROWID;
CREATE TABLE results (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    duration_ms INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL
);
CREATE INDEX results_last_used ON results (last_used);
CREATE TABLE result_layers (
    result INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    PRIMARY KEY (result, position)
) WITHOUT ROWID;
CREATE INDEX result_layers_layer ON result_layers (layer);
CREATE TABLE images (
    id BLOB PRIMARY KEY,
    manifest BLOB NOT NULL,
    media_type TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE image_layers (
    image BLOB NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    PRIMARY KEY (image, position)
) WITHOUT ROWID;
CREATE TABLE image_manifests (
    manifest BLOB PRIMARY KEY,
    image BLOB NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    media_type TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX image_manifests_image ON image_manifests (image);
CREATE TABLE tags (
    name TEXT PRIMARY KEY,
    image BLOB NOT NULL REFERENCES images (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX tags_image ON tags (image);
CREATE TABLE repo_digests (
    repository TEXT NOT NULL,
    digest BLOB NOT NULL,
    image BLOB NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX repo_digests_image ON repo_digests (image);
CREATE TABLE documents (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE pins (
    holder TEXT PRIMARY KEY,
    image BLOB
) WITHOUT ROWID;
CREATE TABLE pin_layers (
    holder TEXT NOT NULL REFERENCES pins (holder) ON DELETE CASCADE,
    layer INTEGER NOT NULL,
    PRIMARY KEY (holder, layer)
) WITHOUT ROWID;
",
    r"
CREATE TABLE traces (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    result INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
    reads BLOB NOT NULL,
    last_used INTEGER NOT NULL
);
CREATE INDEX traces_key ON traces (key);
CREATE INDEX traces_result ON traces (result);
",
];

/// Brings a database from `found` to the newest version in one transaction.
pub(super) fn migrate(connection: &mut Connection, found: i64) -> rusqlite::Result<()> {
    // WAL is a property of the file: set once, before other processes can have it open in another mode.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while this one waited for the lock.
    let now: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let first = usize::try_from(now.max(found)).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(first) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", crate::layout::VERSION)?;
    transaction.commit()
}
