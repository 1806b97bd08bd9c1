//! Whether times of files count like their content (`--strict-times`), and what stands for layers in keys then.
//!
//! Owns: that choice of digests (spec/cache-keys.md, "Strict times"). Never does: computing keys.

use buildc_digest::{ContentDigest, DiffId};
use buildc_ir::keys;
use buildc_store::{Layer, Store, StoreError};

/// Whether times of files are part of what a step is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dating {
    /// They are not: what differs in nothing else is the same.
    #[default]
    Free,
    /// They are (`--strict-times`).
    Strict,
}

impl Dating {
    /// As the plan has it.
    pub fn strict(strict: bool) -> Self {
        if strict { Self::Strict } else { Self::Free }
    }

    /// Whether they count.
    pub fn is_strict(self) -> bool {
        self == Self::Strict
    }

    /// What stands for a layer in keys.
    pub(crate) fn of_layer(self, layer: &Layer) -> ContentDigest {
        match self {
            Self::Free => layer.content,
            Self::Strict => keys::dated_layer(&layer.diff_id),
        }
    }

    /// The layer that [`Self::of_layer`] gave `digest` for; of several that it stands for, any.
    pub(crate) fn layer(self, store: &Store, digest: &ContentDigest) -> Result<Option<Layer>, StoreError> {
        match self {
            Self::Free => store.layer_by_content(digest),
            Self::Strict => store.peek_layer(&DiffId::from_bytes(*digest.as_bytes())),
        }
    }
}
