//! Step ids, definition keys and content keys (spec/cache-keys.md).
//!
//! - **step id**: canonical step + ids of inputs.
//! - **definition key**: canonical step + definition keys of inputs + digests of what is selected from contexts.
//! - **placed key**: definition key + content digest of the base tree. A layer is a change of the tree it was made over,
//!   so a definition alone is not enough: when a lower step ran again with another outcome, what was made over the
//!   old one must not be put on the new one. Results are recorded and looked up under this.
//! - **content key**: canonical step + content digests of the inputs it really has. Results are recorded under it too,
//!   and looked up when the placed key is not known.
//! - **trace key**: as the content key, without the base. What was read from the base stands in the traces kept under it.

use buildc_digest::{ContentDigest, DiffId, InternalHasher, Key};

use crate::encode::Encoder;
use crate::pattern::SelectionQuery;
use crate::step::{Copy, CopySource, Exec, From, HttpSource, Mount, MountSource, Step, StepId, StepKind};

/// Version byte mixed into every key; raised when meaning or encoding changes.
pub const KEY_VERSION: u8 = 4;

fn start(domain: &str, step: &Step, mut encoder: Encoder) -> InternalHasher {
    let mut hasher = InternalHasher::new();
    hasher.update(domain.as_bytes());
    hasher.update(&[0, KEY_VERSION]);
    encoder.step_kind(&step.kind);
    hasher.update(&encoder.finish());
    hasher
}

fn bytes(hasher: &mut InternalHasher, list: &[[u8; 32]]) {
    hasher.update(&(list.len() as u64).to_le_bytes());
    for item in list {
        hasher.update(item);
    }
}

/// Computes the structural identity of a step.
pub fn step_id(step: &Step) -> StepId {
    let mut hasher = start("buildc.step", step, Encoder::new());
    hasher.update(&(step.inputs.len() as u64).to_le_bytes());
    for input in &step.inputs {
        hasher.update(&[input.role as u8]);
        hasher.update(input.step.0.as_bytes());
    }
    StepId(hasher.key())
}

/// What the newest failed run of a step left is kept under this; nothing is ever found by it that counts as a result.
pub fn left_key(id: StepId) -> Key {
    let mut hasher = InternalHasher::new();
    hasher.update(b"buildc.left\0");
    hasher.update(id.0.as_bytes());
    hasher.key()
}

/// The key of several layers made one, lowest first, over a tree with this digest.
pub fn join_key(below: ContentDigest, layers: &[ContentDigest]) -> Key {
    let mut hasher = InternalHasher::new();
    hasher.update(b"buildc.join\0");
    hasher.update(below.as_bytes());
    for layer in layers {
        hasher.update(layer.as_bytes());
    }
    hasher.key()
}

/// What a step takes out of one build context or tree: a place and a query to put to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    /// The context, or the input whose tree is asked.
    pub from: From,
    /// What is taken.
    pub query: SelectionQuery,
}

/// Everything a step takes out of contexts and trees other than its base, in the order that keys hold it.
///
/// - Copy: one selection per distinct `from` in order of first appearance; its patterns are the sources' in written
///   order. A fetched file is the whole tree (`""`) of its input.
/// - Exec: one selection per bind mount in mount order. The tree that a cache mount starts from is none: what a cache
///   mount holds never enters a key.
/// - Every other kind has none.
///
/// The definition key takes the digests of the selections from contexts ([`context_selections`]); the content key
/// takes all.
pub fn selections(kind: &StepKind) -> Vec<Selection> {
    match kind {
        StepKind::Copy(copy) => copy_selections(copy),
        StepKind::Exec(exec) => exec.mounts.iter().filter_map(mount_selection).collect(),
        _ => Vec::new(),
    }
}

/// Those of [`selections`] that ask a build context, with its name.
pub fn context_selections(kind: &StepKind) -> Vec<(String, SelectionQuery)> {
    let of_context = |s: Selection| match s.from {
        From::Context(name) => Some((name, s.query)),
        From::Input(_) => None,
    };
    selections(kind).into_iter().filter_map(of_context).collect()
}

fn copy_selections(copy: &Copy) -> Vec<Selection> {
    let mut found: Vec<Selection> = Vec::new();
    for source in &copy.sources {
        let (from, pattern) = match source {
            CopySource::Path { from, pattern } => (from.clone(), pattern.clone()),
            CopySource::Fetched { input, .. } => (From::Input(*input), String::new()),
            CopySource::Inline { .. } => continue,
        };
        match found.iter_mut().find(|s| s.from == from) {
            Some(selection) => selection.query.patterns.push(pattern),
            None => {
                let query = SelectionQuery {
                    patterns: vec![pattern],
                    exclude: copy.exclude.clone(),
                    parents: copy.parents,
                };
                found.push(Selection { from, query });
            }
        }
    }
    found
}

fn mount_selection(mount: &Mount) -> Option<Selection> {
    let MountSource::Bind { from, path } = &mount.source else { return None };
    let patterns = vec![path.trim_matches('/').to_owned()];
    Some(Selection { from: from.clone(), query: SelectionQuery { patterns, ..SelectionQuery::default() } })
}

/// True for a step whose result its definition does not fix: a file fetched without a checksum. Neither its own
/// definition key nor that of any step above it may be looked up; content keys decide there.
pub fn is_volatile(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Http(HttpSource { checksum: None, .. }))
}

/// True for a step that is looked up by content key when its definition key is not known: Exec, Copy and Mkdir.
/// Sources have no inputs that could be equal under another definition.
pub fn has_content_key(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Exec(_) | StepKind::Copy(_) | StepKind::Mkdir(_))
}

/// Computes the definition key. `inputs` are the definition keys of `step.inputs` in order; `contexts` the digests of
/// its [`context_selections`] in order.
pub fn definition_key(step: &Step, inputs: &[Key], contexts: &[ContentDigest]) -> Key {
    let mut hasher = start("buildc.definition", step, Encoder::of_nameless_contexts());
    bytes(&mut hasher, &inputs.iter().map(|k| *k.as_bytes()).collect::<Vec<_>>());
    bytes(&mut hasher, &contexts.iter().map(|d| *d.as_bytes()).collect::<Vec<_>>());
    hasher.key()
}

/// Computes the key that a definition's result over one base is recorded under. `base` is the [`tree_digest`] of the
/// base tree, `None` for a step without a base.
pub fn placed_key(definition: &Key, base: Option<ContentDigest>) -> Key {
    let mut hasher = InternalHasher::new();
    hasher.update(b"buildc.placed\0");
    hasher.update(&[KEY_VERSION]);
    hasher.update(definition.as_bytes());
    bytes(&mut hasher, &base.iter().map(|d| *d.as_bytes()).collect::<Vec<_>>());
    hasher.key()
}

/// Computes the content key. `base` is the [`tree_digest`] of the base tree, `None` for a step without a base;
/// `selected` the digests of its [`selections`] in order.
pub fn content_key(step: &Step, base: Option<ContentDigest>, selected: &[ContentDigest]) -> Key {
    let mut hasher = start("buildc.content", step, Encoder::of_nameless_contexts());
    bytes(&mut hasher, &base.iter().map(|d| *d.as_bytes()).collect::<Vec<_>>());
    bytes(&mut hasher, &selected.iter().map(|d| *d.as_bytes()).collect::<Vec<_>>());
    hasher.key()
}

/// The key of the same thing made with clamped times, in Unix seconds; the key itself where none are clamped. Times enter
/// no other key, but a layer with clamped ones is another layer.
pub fn clamped(key: Key, clamp: Option<i64>) -> Key {
    let Some(seconds) = clamp else { return key };
    let mut hasher = InternalHasher::new();
    hasher.update(b"buildc.clamped\0");
    hasher.update(&[KEY_VERSION]);
    hasher.update(&seconds.to_le_bytes());
    hasher.update(key.as_bytes());
    hasher.key()
}

/// The key of the same thing where times count (`--strict-times`); the key itself where they do not. What stands for
/// layers and selections in it then holds their times ([`dated_layer`]), and no key of the one kind is one of the other.
pub fn dated(key: Key, strict_times: bool) -> Key {
    if !strict_times {
        return key;
    }
    let mut hasher = InternalHasher::new();
    hasher.update(b"buildc.dated\0");
    hasher.update(&[KEY_VERSION]);
    hasher.update(key.as_bytes());
    hasher.key()
}

/// What stands for a layer where times count: its diff id, since its tar holds them. A store has one layer of each.
pub fn dated_layer(layer: &DiffId) -> ContentDigest {
    ContentDigest::from_bytes(*layer.as_bytes())
}

/// Computes the key that traces of a command are kept under: everything that it runs with but its base. `selected` are
/// the digests of its [`selections`] in order. `None` for what is never traced: other kinds of step, commands with a
/// cache, secret or ssh mount, whose reads no key holds, and those outside the sandbox, which see more than their base.
pub fn trace_key(step: &Step, selected: &[ContentDigest]) -> Option<Key> {
    let StepKind::Exec(exec) = &step.kind else { return None };
    if exec.insecure || !unkeyed_mounts(exec).is_empty() {
        return None;
    }
    let mut hasher = start("buildc.trace", step, Encoder::of_nameless_contexts());
    bytes(&mut hasher, &selected.iter().map(|d| *d.as_bytes()).collect::<Vec<_>>());
    Some(hasher.key())
}

/// The kinds of a command's mounts whose content no key holds, each once: with one of them a command is never traced.
pub fn unkeyed_mounts(exec: &Exec) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for mount in &exec.mounts {
        let kind = match mount.source {
            MountSource::Bind { .. } | MountSource::Tmpfs { .. } | MountSource::Inline { .. } => continue,
            MountSource::Cache { .. } => "cache",
            MountSource::Secret { .. } => "secret",
            MountSource::Ssh { .. } => "ssh",
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Computes the content digest of a tree from its layers' content digests, lowest first: [`tree_extend`] over all,
/// starting with [`empty_tree`].
pub fn tree_digest(layers: &[ContentDigest]) -> ContentDigest {
    layers.iter().fold(empty_tree(), tree_extend)
}

/// Content digest of the tree without layers.
pub fn empty_tree() -> ContentDigest {
    ContentDigest::of(b"buildc.tree\0")
}

/// Content digest of a tree with one more layer on it; a long chain of steps costs one hash each.
pub fn tree_extend(tree: ContentDigest, layer: &ContentDigest) -> ContentDigest {
    let mut hasher = InternalHasher::new();
    hasher.update(b"buildc.tree\0");
    hasher.update(tree.as_bytes());
    hasher.update(layer.as_bytes());
    hasher.content()
}
