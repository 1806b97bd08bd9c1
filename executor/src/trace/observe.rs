//! Fingerprints: the one form in which recording and verifying say what stands at a path.
//!
//! Times never enter: a file whose attributes are asked for counts as read with its content, which stands for them.

use buildc_digest::InternalHasher;
use buildc_ir::reads::Fingerprint;
use buildc_store::{Entry, EntryKind, Found, file_name};

use crate::account::Account;

/// Hashes fields with their lengths, so that no two lists of fields have the same bytes.
struct Fields(InternalHasher);

impl Fields {
    fn of(aspect: &str) -> Self {
        let mut hasher = InternalHasher::new();
        hasher.update(aspect.as_bytes());
        hasher.update(&[0]);
        Self(hasher)
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }
}

/// What a look-up of a path can tell. `names` is the number of names that its file has in its layer.
pub(super) fn attributes(found: &Found, names: u32) -> Fingerprint {
    let entry = &found.entry;
    let mut fields = Fields::of("attributes");
    fields.number(u64::from(kind_number(&entry.kind)));
    for number in [entry.mode, entry.uid, entry.gid] {
        fields.number(u64::from(number));
    }
    match &entry.kind {
        EntryKind::Symlink { target } => fields.bytes(target),
        EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
            fields.number(u64::from(*major));
            fields.number(u64::from(*minor));
        }
        _ => {}
    }
    fields.number(entry.xattrs.len() as u64);
    for (name, value) in &entry.xattrs {
        fields.bytes(name);
        fields.bytes(value);
    }
    if names > 1 {
        fields.number(u64::from(names));
        fields.bytes(first_name(found));
    }
    fields.fingerprint()
}

/// The bytes of a file, by their hash; nothing for what is no file.
pub(super) fn content(entry: &Entry) -> Fingerprint {
    let mut fields = Fields::of("content");
    if let EntryKind::File { size, hash } = &entry.kind {
        fields.number(*size);
        fields.bytes(hash.as_bytes());
    }
    fields.fingerprint()
}

/// Names and types in a directory.
pub(super) fn listing(names: &[Found]) -> Fingerprint {
    let mut fields = Fields::of("listing");
    for found in names {
        fields.bytes(file_name(&found.entry.path));
        fields.number(u64::from(kind_number(&found.entry.kind)));
    }
    fields.fingerprint()
}

/// What the dynamic linker can learn of some libraries from its cache.
pub(super) fn libraries(projection: &[u8]) -> Fingerprint {
    let mut fields = Fields::of("libraries");
    fields.bytes(projection);
    fields.fingerprint()
}

/// Who a command runs as.
pub(crate) fn account(account: &Account) -> Fingerprint {
    let mut fields = Fields::of("account");
    fields.number(u64::from(account.uid));
    fields.number(u64::from(account.gid));
    fields.number(account.groups.len() as u64);
    for group in &account.groups {
        fields.number(u64::from(*group));
    }
    fields.bytes(account.home.as_deref().unwrap_or("/").as_bytes());
    fields.fingerprint()
}

/// The first name of a file in its layer.
pub(super) fn first_name(found: &Found) -> &[u8] {
    found.link_to.as_deref().unwrap_or(&found.entry.path)
}

fn kind_number(kind: &EntryKind) -> u8 {
    match kind {
        EntryKind::Dir { .. } => 0,
        EntryKind::File { .. } | EntryKind::Hardlink { .. } => 1,
        EntryKind::Symlink { .. } => 2,
        EntryKind::CharDevice { .. } => 3,
        EntryKind::BlockDevice { .. } => 4,
        EntryKind::Fifo => 5,
        EntryKind::Whiteout => 6,
    }
}
