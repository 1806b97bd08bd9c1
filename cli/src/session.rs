//! Opening what commands work on: the user namespace when not root, the store, objects by the names people type.

use std::path::PathBuf;
use std::sync::OnceLock;

use buildc_compiler::lang::eval::Options;
use buildc_digest::Digest;
use buildc_executor::container::Standby;
use buildc_ir::{Platform, Reference};
use buildc_launch::{LaunchError, UserNs};
use buildc_store::{ImageRecord, Lease, OpenOptions, Store, StoreError};

use crate::commands::Shell;
use crate::failure::Failure;
use crate::language::Files;

/// An opened store, and whether this process has the ids it may need.
#[derive(Debug)]
pub struct Session {
    /// The store.
    pub store: Store,
    /// Why there is no user namespace, for what needs one.
    refused: Option<LaunchError>,
    /// Keeps prune away from what this command uses.
    lease: Option<Lease>,
    /// Keeps prune away from what build files have fetched.
    files: OnceLock<Files>,
}

impl Session {
    /// Opens the store, as an unprivileged user inside a user namespace, since files of layers and volumes belong to
    /// subordinate ids there. Must come before any thread.
    pub fn open(shell: &Shell) -> Result<Self, Failure> {
        let (root, entered) = enter(shell);
        let refused = entered.err();
        Ok(Self {
            store: Store::open(&root, OpenOptions::default())?,
            refused,
            lease: None,
            files: OnceLock::new(),
        })
    }

    /// The same for what frees space: where the disk is too full to open the store, its reserve is given up.
    pub fn open_to_free(shell: &Shell) -> Result<Self, Failure> {
        let (root, entered) = enter(shell);
        let refused = entered.err();
        let store = match Store::open(&root, OpenOptions::default()) {
            Err(StoreError::DiskFull { .. }) if Store::release_reserve(&root) => {
                Store::open(&root, OpenOptions::default())?
            }
            opened => opened?,
        };
        Ok(Self { store, refused, lease: None, files: OnceLock::new() })
    }

    /// The same with a monitor process that waits for a container, one without any network where it is `isolated`: it
    /// must be forked before the store is opened.
    pub fn open_with_standby(shell: &Shell, isolated: bool) -> Result<(Self, Option<Standby>), Failure> {
        let (root, entered) = enter(shell);
        entered?;
        let standby = Standby::new(isolated)?;
        let store = Store::open(&root, OpenOptions::default())?;
        Ok((Self { store, refused: None, lease: None, files: OnceLock::new() }, standby))
    }

    /// This machine's files as build files see them.
    pub fn files(&self) -> &Files {
        self.files.get_or_init(|| Files::new(self.store.root(), &Options::default().store_dir))
    }

    /// Begins a lease that lasts until the command ends: before the first look-up that its work depends on.
    pub fn hold(&mut self) -> Result<(), Failure> {
        if self.lease.is_none() {
            self.lease = Some(self.store.lease()?);
        }
        Ok(())
    }

    /// Fails where namespaces are needed and this machine has refused them.
    pub fn need_namespaces(&mut self) -> Result<(), Failure> {
        self.refused.take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// The image that a name, id or unique beginning of an id means.
    pub fn image(&self, name: &str) -> Result<ImageRecord, Failure> {
        self.find_image(name)?.ok_or_else(|| {
            Failure::new("image::not_found", format!("There is no image `{name}`"))
                .help("`buildc images` lists what there is; `buildc pull` fetches from a registry")
        })
    }

    /// The same, `None` when there is none.
    pub fn find_image(&self, name: &str) -> Result<Option<ImageRecord>, Failure> {
        if let Ok(reference) = name.parse::<Reference>()
            && let Some(found) = self.store.image(&reference.to_string())?
        {
            return Ok(Some(found));
        }
        Ok(self.store.image(name)?)
    }
}

/// Enters the user namespace of a user who is not root. The store's directory is looked up first, because inside this
/// process looks like root.
pub fn enter(shell: &Shell) -> (PathBuf, Result<UserNs, LaunchError>) {
    (root(shell), buildc_launch::enter_user_namespace())
}

/// The store's directory, as long as no user namespace has been entered.
pub fn root(shell: &Shell) -> PathBuf {
    shell.global.root.clone().unwrap_or_else(Store::default_root)
}

/// The first twelve digits, as lists show ids.
pub fn short_id(id: &Digest) -> String {
    id.hex().chars().take(12).collect()
}

/// A name that is to be given to an image, fully qualified.
pub fn new_name(text: &str) -> Result<Reference, Failure> {
    let help = "A name looks like `app`, `team/app:1.2` or `registry.example.com/app`";
    let bad = |message: String| Failure::new("image::bad_name", message).help(help);
    let reference: Reference =
        text.parse().map_err(|e: buildc_ir::reference::ParseReferenceError| bad(e.to_string()))?;
    match &reference.digest {
        None => Ok(reference),
        Some(_) => Err(bad(format!("`{text}` has a digest, which cannot be chosen"))),
    }
}

/// A reference to something that exists somewhere.
pub fn reference(text: &str) -> Result<Reference, Failure> {
    text.parse().map_err(|e: buildc_ir::reference::ParseReferenceError| {
        Failure::new("image::bad_name", e.to_string())
            .help("A reference looks like `debian:12` or `name@sha256:…`")
    })
}

/// `--platform`, or this machine's.
pub fn platform(text: Option<&str>) -> Result<Platform, Failure> {
    match text {
        None => Ok(Platform::host()),
        Some(text) if text.contains(',') => {
            Err(Failure::usage(format!("`{text}` are several platforms, and one is wanted here")))
        }
        Some("local") => Ok(Platform::host()),
        Some(text) => text.parse().map_err(|e: buildc_ir::platform::ParsePlatformError| {
            Failure::usage(e.to_string()).help("For example linux/amd64 or linux/arm64/v8")
        }),
    }
}

/// The platforms of a build, each once; none where none was asked for.
pub fn platforms(texts: &[String]) -> Result<Vec<Platform>, Failure> {
    let mut found = Vec::new();
    for text in texts.iter().flat_map(|text| text.split(',')).map(str::trim) {
        let platform = platform(Some(text))?;
        if !found.contains(&platform) {
            found.push(platform);
        }
    }
    Ok(found)
}
