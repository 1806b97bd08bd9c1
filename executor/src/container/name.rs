//! Names and ids. A name is a symlink `names/NAME` to the id, which the file system makes for one taker only.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{fs, io};

use buildc_store::Store;

use super::error::{ContainerError, Result};
use crate::hidden;
use crate::random::{self, hex};

const MOODS: [&str; 32] = [
    "able", "amber", "brave", "bright", "calm", "clear", "clever", "crisp", "eager", "early", "fair", "fond",
    "gentle", "glad", "grand", "keen", "kind", "lively", "lucid", "mellow", "merry", "modest", "noble",
    "patient", "quick", "quiet", "ready", "silver", "steady", "sunny", "tidy", "wise",
];
const SURNAMES: [&str; 32] = [
    "abel",
    "bohr",
    "borg",
    "cantor",
    "curie",
    "dirac",
    "erdos",
    "euler",
    "fermi",
    "galois",
    "gauss",
    "godel",
    "hamming",
    "hopper",
    "kepler",
    "knuth",
    "kovalevskaya",
    "lamarr",
    "liskov",
    "lovelace",
    "mendel",
    "neumann",
    "noether",
    "pascal",
    "perlman",
    "planck",
    "ramanujan",
    "ritchie",
    "shannon",
    "turing",
    "wiles",
    "zuse",
];
/// Random names are tried so often before a number is put behind one.
const TRIES: u32 = 8;

/// A new id.
pub(super) fn new_id() -> String {
    hex(&random::bytes::<32>())
}

/// Whether a text has the shape of a whole id.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
}

/// The directory of all containers.
pub(super) fn all(store: &Store) -> Result<PathBuf> {
    Ok(store.subdir("containers")?)
}

/// Takes a name for a container; without a wish a random one.
pub(super) fn claim(all: &Path, wish: Option<&str>, id: &str) -> Result<String> {
    let names = all.join("names");
    fs::create_dir_all(&names).map_err(ContainerError::io("make", &names))?;
    if let Some(name) = wish {
        let name = name.strip_prefix('/').unwrap_or(name);
        if name.len() < 2 || !crate::volume::valid_name(name) {
            let reason =
                "two or more letters, digits, `_`, `.` and `-` are allowed, the first a letter or digit";
            return Err(ContainerError::option("--name", name, reason));
        }
        take(all, name, id)?;
        return Ok(name.to_owned());
    }
    for attempt in 0.. {
        let [mood, surname, number] = random::bytes::<3>();
        let word =
            |list: &[&'static str; 32], byte| list.get(usize::from(byte) % 32).copied().unwrap_or_default();
        let mut name = format!("{}_{}", word(&MOODS, mood), word(&SURNAMES, surname));
        if attempt >= TRIES {
            name.push_str(&number.to_string());
        }
        match take(all, &name, id) {
            Err(ContainerError::NameInUse { .. }) => {}
            taken => return taken.map(|()| name),
        }
    }
    Err(ContainerError::NotFound(id.to_owned()))
}

fn take(all: &Path, name: &str, id: &str) -> Result<()> {
    let link = all.join("names").join(name);
    loop {
        match symlink(id, &link) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(ContainerError::io("write", &link)(error));
            }
            Err(_) => {}
        }
        let holder = fs::read_link(&link).map(|id| id.to_string_lossy().into_owned());
        match holder {
            // A killed `create` or `rm` leaves a name without a container.
            Ok(holder) if !all.join(&holder).exists() && !hidden::hidden(all, &holder).exists() => {
                let _ = fs::remove_file(&link);
            }
            Ok(holder) => return Err(ContainerError::NameInUse { name: name.to_owned(), holder }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(ContainerError::io("read", &link)(error)),
        }
    }
}

/// Gives a name back, if it is still this container's.
pub(super) fn release(all: &Path, name: &str, id: &str) {
    let link = all.join("names").join(name);
    if fs::read_link(&link).is_ok_and(|holder| holder == Path::new(id)) {
        let _ = fs::remove_file(&link);
    }
}

/// The id of the container with this name.
pub(super) fn holder(all: &Path, name: &str) -> Option<String> {
    if !crate::volume::valid_name(name) {
        return None;
    }
    fs::read_link(all.join("names").join(name)).ok()?.into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_once_and_given_back_by_its_holder_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let all = dir.path();
        let (one, two) = (new_id(), new_id());
        assert!(is_id(&one) && one != two);
        fs::create_dir(all.join(&one)).expect("a container");
        assert_eq!(claim(all, Some("web"), &one).ok().as_deref(), Some("web"));
        let refused = claim(all, Some("/web"), &two).expect_err("it is taken");
        assert!(matches!(refused, ContainerError::NameInUse { holder, .. } if holder == one));
        release(all, "web", &two);
        assert_eq!(holder(all, "web"), Some(one.clone()));
        fs::remove_dir(all.join(&one)).expect("it is gone");
        assert!(claim(all, Some("web"), &two).is_ok(), "a name without a container is free");
        for bad in ["a", "-ab", "a b", "../x", ""] {
            assert!(claim(all, Some(bad), &two).is_err(), "{bad}");
        }
        assert!(claim(all, None, &two).is_ok_and(|name| name.contains('_')));
    }
}
