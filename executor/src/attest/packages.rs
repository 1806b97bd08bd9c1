//! The databases of installed packages in an image: dpkg's (deb(5), `status`) and apk's (apk(5), `installed`).
//!
//! Never does: running anything of the image, or following links out of it.

use std::fs::File;
use std::io::Read;

use buildc_store::{EntryKind, Layer, Store, StoreError, TreeView};

/// Most bytes of one database that are read; a full desktop's has some MiB.
const LIMIT_BYTES: u64 = 64 << 20;

/// An installed package.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Package {
    /// `deb` or `apk`.
    pub kind: &'static str,
    pub name: String,
    pub version: String,
    pub architecture: String,
    /// As the database says it; empty where it does not.
    pub license: String,
}

/// The packages of a tree and the distribution's id, both as the tree says.
pub(super) fn of(store: &Store, layers: &[Layer]) -> Result<(Vec<Package>, String), StoreError> {
    let view = TreeView::new(store, layers)?;
    let mut found = Vec::new();
    for text in [text(&view, b"var/lib/dpkg/status")?].into_iter().flatten() {
        found.extend(dpkg(&text));
    }
    // Images without a package manager have a file for each package.
    if view.get(b"var/lib/dpkg/status.d")?.is_some() {
        for entry in view.walk(b"var/lib/dpkg/status.d")? {
            if !entry.entry.path.ends_with(b".md5sums")
                && let Some(text) = text(&view, &entry.entry.path)?
            {
                found.extend(dpkg(&text));
            }
        }
    }
    for path in [b"lib/apk/db/installed".as_slice(), b"usr/lib/apk/db/installed"] {
        found.extend(text(&view, path)?.map(|text| apk(&text)).unwrap_or_default());
    }
    found.sort_by(|a, b| (&a.name, &a.version, &a.architecture).cmp(&(&b.name, &b.version, &b.architecture)));
    found.dedup();
    let release = match text(&view, b"etc/os-release")? {
        Some(text) => Some(text),
        None => text(&view, b"usr/lib/os-release")?,
    };
    Ok((found, release.as_deref().and_then(distribution).unwrap_or_default()))
}

/// A regular file's text; bytes that are not UTF-8 are replaced.
fn text(view: &TreeView, path: &[u8]) -> Result<Option<String>, StoreError> {
    let Some(found) = view.get(path)? else { return Ok(None) };
    if !matches!(found.entry.kind, EntryKind::File { .. }) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = File::open(&found.disk_path).and_then(|file| file.take(LIMIT_BYTES).read_to_end(&mut bytes));
    Ok(read.is_ok().then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

fn distribution(os_release: &str) -> Option<String> {
    let id = os_release.lines().find_map(|line| line.strip_prefix("ID="))?;
    Some(id.trim_matches(['"', '\'']).to_owned())
}

/// Stanzas of packages that are installed.
fn dpkg(text: &str) -> Vec<Package> {
    let stanza = |stanza: &str| {
        let field = |name: &str| {
            let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned());
            stanza.lines().find_map(value)
        };
        // The files of images without a package manager have no status.
        if field("Status").is_some_and(|status| !status.ends_with(" installed")) {
            return None;
        }
        Some(Package {
            kind: "deb",
            name: field("Package")?,
            version: field("Version")?,
            architecture: field("Architecture").unwrap_or_default(),
            license: String::new(),
        })
    };
    text.split("\n\n").filter_map(stanza).collect()
}

fn apk(text: &str) -> Vec<Package> {
    let stanza = |stanza: &str| {
        let field =
            |letter: &str| stanza.lines().find_map(|line| line.strip_prefix(letter)).map(str::to_owned);
        Some(Package {
            kind: "apk",
            name: field("P:")?,
            version: field("V:")?,
            architecture: field("A:").unwrap_or_default(),
            license: field("L:").unwrap_or_default(),
        })
    };
    text.split("\n\n").filter_map(stanza).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_installed_counts() {
        let text = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n\n\
                    Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
        let found = dpkg(text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].version.as_str()), ("bash", "5.2-1"));
        let found = apk("P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\n\nF:lib\n");
        assert_eq!((found.len(), found[0].license.as_str()), (1, "MIT"));
    }
}
