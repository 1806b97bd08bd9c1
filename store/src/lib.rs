//! Bytes and index: blobs, layers, snapshots, results, images and their transfer.
//!
//! Owns: one directory that any number of processes share (spec/store-layout.md), and everything that is read from or
//! written to it. Never does: knowing what a step, a Dockerfile or a container is; keys and documents of other rooms
//! are opaque here.
//!
//! The way of a layer: [`Store::begin_layer`] gives a directory, something fills it, sealing hashes it and moves it
//! among the sealed layers, [`Store::record_result`] remembers it under keys, [`Store::put_image`] makes it part of an
//! image, and [`Store::prune`] takes it when nothing holds it any more.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod archive;
mod blob;
pub mod cache;
mod compression;
mod df;
mod document;
mod entry;
mod error;
pub mod export;
mod fsck;
mod gc;
mod image;
mod index;
mod layer;
mod layout;
mod lease;
mod lock;
mod manifest;
pub mod oci;
mod rebuild;
pub mod remote;
mod reserve;
mod results;
mod session;
mod snapshot;
mod store;
mod tar;
mod traces;
mod view;

pub use blob::BlobWriter;
pub use df::{DiskUsage, Usage, disk_bytes};
pub use entry::{
    Entry, EntryKind, MAX_ARCHIVE_METADATA_BYTES, PATH_MAX, attributes_bytes, compare_paths, file_name,
    is_below, join, parent, too_much_metadata,
};
pub use error::{ErrorKind, Result, StoreError};
pub use fsck::{FsckOptions, FsckProblem, FsckReport};
pub use gc::{PruneItem, PruneKind, PruneOptions, PruneReport};
pub use image::ImageRecord;
pub use layer::{Layer, LayerBlob, LayerId, PendingLayer, is_overlay_xattr};
pub use lease::Lease;
pub use lock::KeyLock;
pub use rebuild::RebuildReport;
pub use results::StoredResult;
pub use snapshot::{Rootfs, SnapshotDriver, top_first};
pub use store::{OpenOptions, Store, make_private};
pub use tar::{Content, TarDigest, TarHasher, TarItem, TarReader, TarWriter, leave_hole};
pub use traces::{StoredTrace, TraceId};
pub use view::{Difference, Found, Share, Sizes, TreeIndex, TreeNode, TreeView};
