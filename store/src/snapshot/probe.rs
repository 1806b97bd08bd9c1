//! Whether overlayfs works for this user on the store's file system, asked once per boot.

use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::Store;
use crate::error::{Result, StoreError};

/// Kind of the document that remembers the answer.
const DOCUMENT: &str = "overlay-probe";

/// Whether user ids are mapped, which decides where overlayfs may keep its attributes.
pub(super) fn in_user_namespace() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    !map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// The remembered answer of this boot, else that of a trial mount.
pub(super) fn overlay_works(store: &Store) -> Result<bool> {
    let userxattr = in_user_namespace();
    let uid = rustix::process::geteuid().as_raw();
    let name = format!("{uid}-{}", if userxattr { "mapped" } else { "initial" });
    let boot = store.boot_id()?;
    if let Some(text) = store.document(DOCUMENT, &name)? {
        match text.split_once(' ') {
            Some((at, answer)) if at == boot => return Ok(answer == "yes"),
            _ => {}
        }
    }
    let works = try_mount(store, userxattr)?;
    store.put_document(DOCUMENT, &name, &format!("{boot} {}", if works { "yes" } else { "no" }))?;
    Ok(works)
}

fn try_mount(store: &Store, userxattr: bool) -> Result<bool> {
    let home = store.session()?.fresh_path();
    for name in ["lower", "upper", "work", "merged"] {
        let dir = home.join(name);
        std::fs::create_dir_all(&dir).map_err(StoreError::io("create", &dir))?;
    }
    let file = home.join("lower/file");
    std::fs::write(&file, b"").map_err(StoreError::io("write", &file))?;
    // A mount namespace of a thread of its own, which ends with the thread: nothing can stay mounted.
    let at = home.clone();
    let trial = std::thread::spawn(move || trial(&at, userxattr).is_ok());
    let works = trial.join().unwrap_or(false);
    crate::session::remove_tree(&home)?;
    Ok(works)
}

fn trial(home: &Path, userxattr: bool) -> std::io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    std::env::set_current_dir(home)?;
    let options = if userxattr {
        "lowerdir=lower,upperdir=upper,workdir=work,userxattr"
    } else {
        "lowerdir=lower,upperdir=upper,workdir=work"
    };
    mount(Some("overlay"), "merged", Some("overlay"), MsFlags::empty(), Some(options))?;
    // Making a whiteout is what fails on file systems that overlayfs cannot use as its upper.
    std::fs::remove_file("merged/file")?;
    if Path::new("upper/file").symlink_metadata().is_ok() {
        Ok(())
    } else {
        Err(std::io::Error::other("no whiteout"))
    }
}
