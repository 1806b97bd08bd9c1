//! A result that an earlier run of the same command made over another base.

use buildc_digest::Key;
use buildc_ir::ReadSet;
use buildc_ir::reads::Aspect;
use buildc_ir::step::Exec;
use buildc_store::{Layer, Store, StoreError, TreeIndex};

use super::observe;
use super::verify::{Verdict, verify};
use crate::step::identify;

/// What the traces of a command say of a base.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Search {
    /// There are none.
    Never,
    /// One of them read nothing that is different here.
    Same {
        /// The key of its result.
        result: Key,
        /// How many paths it read.
        paths: u64,
    },
    /// All of them read something that is different here; this of the newest.
    Differs {
        /// Relative to the root.
        path: Vec<u8>,
        /// `None` where something stands at a path that was free.
        aspect: Option<Aspect>,
    },
}

/// Checks the traces under `key`, the last used first, against the tree of `layers`, lowest first.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn find(store: &Store, key: &Key, exec: &Exec, layers: &[Layer]) -> Result<Search, StoreError> {
    let mut index = None;
    let mut newest = None;
    for id in store.traces(key)? {
        let Some(trace) = store.trace(id)? else { continue };
        // One of another version is none.
        let Ok(reads) = ReadSet::decode(&trace.reads) else { continue };
        let index = match &mut index {
            Some(index) => index,
            none => none.insert(TreeIndex::new(store, layers)?),
        };
        match check(store, index, exec, layers, &reads)? {
            Verdict::Same => return Ok(Search::Same { result: trace.result, paths: reads.len() as u64 }),
            Verdict::Differs { path, aspect } => {
                newest.get_or_insert(Search::Differs { path, aspect });
            }
        }
    }
    Ok(newest.unwrap_or(Search::Never))
}

/// Whether the tree of `layers` and its `index` answers everything as what a command read it from did.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn check(
    store: &Store,
    index: &TreeIndex,
    exec: &Exec,
    layers: &[Layer],
    reads: &ReadSet,
) -> Result<Verdict, StoreError> {
    let verdict = verify(index, reads)?;
    if verdict == Verdict::Same && !is_same_account(store, reads, exec, layers) {
        return Ok(Verdict::Differs { path: b"etc/passwd".to_vec(), aspect: Some(Aspect::Content) });
    }
    Ok(verdict)
}

/// Whether the command would run as the same account, where that came from the base.
fn is_same_account(store: &Store, reads: &ReadSet, exec: &Exec, layers: &[Layer]) -> bool {
    // A user that is not there is the run's to complain about.
    let now = identify(store, exec, layers).ok().filter(|identity| identity.from_base);
    now.map(|identity| observe::account(&identity.account)) == reads.account
}
