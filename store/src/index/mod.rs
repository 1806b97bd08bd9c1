//! The sqlite index: one connection per process, WAL, IMMEDIATE writes.
//!
//! Owns: opening, the schema's version, transactions and the mapping of sqlite's failures.
//! Never does: knowing what a layer or an image means; the modules with those names hold their own statements.

mod row;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

pub(crate) use row::{bytes32, digest_column};

use crate::error::{Result, StoreError};
use crate::layout::VERSION;

/// How long a transaction waits for another process's.
const BUSY: Duration = Duration::from_secs(30);

/// A log longer than this is moved into the file at the end of a process: some sixty pages.
const LONG_LOG_BYTES: u64 = 256 << 10;

/// A connection to the index.
#[derive(Debug)]
pub(crate) struct Index {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Index {
    /// Opens the index, creating or migrating it. With a store being made the caller holds the store's init lock.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|e| mapped(path, "open", e))?;
        let mut index = Self { path: path.to_owned(), connection: Mutex::new(connection) };
        index.configure().map_err(|e| mapped(path, "open", e))?;
        index.migrate()?;
        Ok(index)
    }

    fn configure(&mut self) -> rusqlite::Result<()> {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        // Moving the log into the file costs syncs: `Store::sync` does it after those it makes anyway, and
        // `drop` when the log has grown long.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(())
    }

    fn migrate(&mut self) -> Result<()> {
        let path = self.path.clone();
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        let read = |c: &Connection| c.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
        let found = read(connection).map_err(|e| mapped(&path, "read", e))?;
        if found > VERSION {
            let root = path.parent().unwrap_or(&path).to_owned();
            return Err(StoreError::NewerVersion { root, found, supported: VERSION });
        }
        if found < VERSION {
            schema::migrate(connection, found).map_err(|e| mapped(&path, "migrate", e))?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic in another thread rolled its transaction back; the connection itself is sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `body` in a transaction that only reads.
    pub fn read<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.run(TransactionBehavior::Deferred, body)
    }

    /// Runs `body` in a transaction that holds the write lock from its start, and commits when it succeeds.
    pub fn write<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.run(TransactionBehavior::Immediate, body)
    }

    /// Returns when every write that had begun has committed. Writes nothing itself.
    pub fn wait_for_writers(&self) -> Result<()> {
        self.write(|_| Ok(()))
    }

    fn run<T>(
        &self,
        behavior: TransactionBehavior,
        body: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.lock();
        let transaction =
            connection.transaction_with_behavior(behavior).map_err(|e| mapped(&self.path, "lock", e))?;
        let value = body(&transaction).map_err(|e| self.named(e))?;
        transaction.commit().map_err(|e| mapped(&self.path, "write", e))?;
        Ok(value)
    }

    /// Statements inside a transaction convert sqlite's errors without knowing the file; this adds it.
    fn named(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Index { action, source } => mapped(&self.path, action, source),
            other => other,
        }
    }

    /// Moves the log into the file and empties it, unless another process is using it just now.
    pub fn checkpoint(&self) -> Result<()> {
        let connection = self.lock();
        let moved = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
            .and_then(|()| connection.busy_timeout(BUSY));
        moved.map_err(|e| mapped(&self.path, "write", e))
    }

    /// What sqlite would say of a file that is not there.
    pub fn missing() -> rusqlite::Error {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        rusqlite::Error::SqliteFailure(code, Some("the file is missing".to_owned()))
    }

    /// The error for what [`Index::check`] found.
    pub fn damaged(&self, line: &str) -> StoreError {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        let source = rusqlite::Error::SqliteFailure(code, Some(line.to_owned()));
        StoreError::IndexDamaged { path: self.path.clone(), source }
    }

    /// What sqlite itself finds wrong with the file; empty when nothing.
    pub fn check(&self) -> Result<Vec<String>> {
        self.read(|tx| {
            let mut statement = tx.prepare("PRAGMA quick_check(20)")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            let lines = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        })
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        // Whoever opens an index that nobody has open reads the whole log.
        if std::fs::metadata(log).is_ok_and(|m| m.len() > LONG_LOG_BYTES) {
            // What stays in the log is as safe there.
            let _ = self.checkpoint();
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Index { action: "use", source }
    }
}

/// Whether the file system of a file has no room for one more page of the index's shared memory.
fn is_full(path: &Path) -> bool {
    const PAGE_BYTES: u64 = 32 << 10;
    rustix::fs::statvfs(path).is_ok_and(|fs| fs.f_bavail.saturating_mul(fs.f_frsize) < PAGE_BYTES)
}

fn mapped(path: &Path, action: &'static str, source: rusqlite::Error) -> StoreError {
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull { path: path.to_owned() },
        // Where the memory that processes share cannot be made longer, sqlite says no more than this.
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) if is_full(path) => {
            StoreError::DiskFull { path: path.to_owned() }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::IndexDamaged { path: path.to_owned(), source }
        }
        _ => StoreError::Index { action, source },
    }
}
