//! Canonical bytes of a step (spec/step-graph.md): the only input of keys that comes from the step itself.
//!
//! Rules: every enum starts with a fixed ordinal byte; integers are u64 little-endian; strings and lists carry their
//! length; options are a 0 or 1 byte. Fields that do not enter keys are left out. No field is ever reordered: a change
//! of meaning raises `keys::KEY_VERSION`.

use crate::platform::Platform;
use crate::step::{Copy, CopySource, Exec, From, Mount, MountSource, Network, Sharing, StepKind, Unpack};

/// Builds canonical bytes.
#[derive(Debug, Default)]
pub struct Encoder {
    out: Vec<u8>,
    /// The contexts met so far, where they are numbered instead of named.
    numbered: Option<Vec<String>>,
}

impl Encoder {
    /// An empty encoder; contexts go by their names.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty encoder for which contexts have no names, only an order of appearance: what is selected from a context
    /// enters a key, and not what a build happens to call it.
    pub fn of_nameless_contexts() -> Self {
        Self { numbered: Some(Vec::new()), ..Self::default() }
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    fn tag(&mut self, ordinal: u8) {
        self.out.push(ordinal);
    }

    fn uint(&mut self, n: u64) {
        self.out.extend_from_slice(&n.to_le_bytes());
    }

    fn flag(&mut self, b: bool) {
        self.out.push(u8::from(b));
    }

    fn text(&mut self, s: &str) {
        self.uint(s.len() as u64);
        self.out.extend_from_slice(s.as_bytes());
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.uint(items.len() as u64);
        for item in items {
            each(self, item);
        }
    }

    fn option<T>(&mut self, item: Option<&T>, each: impl FnOnce(&mut Self, &T)) {
        self.flag(item.is_some());
        if let Some(item) = item {
            each(self, item);
        }
    }

    /// Adds a step's kind with all its keyed fields.
    pub fn step_kind(&mut self, kind: &StepKind) {
        match kind {
            StepKind::Scratch => self.tag(0),
            StepKind::Image(image) => {
                self.tag(1);
                self.out.extend_from_slice(image.manifest.as_bytes());
                self.platform(&image.platform);
            }
            StepKind::Http(http) => {
                self.tag(2);
                self.text(&http.url);
                self.option(http.checksum.as_ref(), |e, d| e.out.extend_from_slice(d.as_bytes()));
                self.text(&http.name);
            }
            StepKind::Exec(exec) => {
                self.tag(3);
                self.exec(exec);
            }
            StepKind::Copy(copy) => {
                self.tag(4);
                self.copy(copy);
            }
            StepKind::Mkdir(mkdir) => {
                self.tag(5);
                self.text(&mkdir.path);
                self.text(&mkdir.user);
            }
            StepKind::Config(change) => {
                self.tag(6);
                self.text(&change.text);
            }
            StepKind::Git(git) => {
                self.tag(7);
                self.text(&git.url);
                self.text(&git.commit);
                self.text(&git.subdirectory);
                self.flag(git.submodules);
                self.flag(git.keep_git_dir);
            }
            StepKind::Diff => self.tag(8),
        }
    }

    fn platform(&mut self, platform: &Platform) {
        // A version stands in brackets that no name of a system has, and leaves the keys of others as they are.
        self.text(&platform.os_with_version());
        self.text(&platform.arch);
        self.option(platform.variant.as_ref(), |e, v| e.text(v));
    }

    fn exec(&mut self, exec: &Exec) {
        self.list(&exec.args, |e, a| e.text(a));
        self.list(&exec.env, |e, (name, value)| {
            e.text(name);
            e.text(value);
        });
        self.text(&exec.cwd);
        self.text(&exec.user);
        self.list(&exec.mounts, Self::mount);
        self.tag(match exec.network {
            Network::Default => 0,
            Network::None => 1,
            Network::Host => 2,
        });
        self.flag(exec.insecure);
        self.platform(&exec.platform);
    }

    fn from(&mut self, from: &From) {
        match from {
            From::Context(name) => {
                self.tag(0);
                match self.number(name) {
                    Some(number) => self.uint(number),
                    None => self.text(name),
                }
            }
            From::Input(index) => {
                self.tag(1);
                self.uint(*index as u64);
            }
        }
    }

    /// The place of a context among those met so far; `None` where contexts go by their names.
    fn number(&mut self, name: &str) -> Option<u64> {
        let met = self.numbered.as_mut()?;
        let at = met.iter().position(|known| known == name).unwrap_or_else(|| {
            met.push(name.to_owned());
            met.len() - 1
        });
        Some(at as u64)
    }

    fn owner(&mut self, mode: u32, uid: u32, gid: u32) {
        self.uint(mode.into());
        self.uint(uid.into());
        self.uint(gid.into());
    }

    fn mount(&mut self, mount: &Mount) {
        self.text(&mount.target);
        self.flag(mount.readonly);
        match &mount.source {
            MountSource::Bind { from, path } => {
                self.tag(0);
                self.from(from);
                self.text(path);
            }
            MountSource::Cache { id, sharing, initial, mode, uid, gid } => {
                self.tag(1);
                self.text(id);
                self.tag(match sharing {
                    Sharing::Shared => 0,
                    Sharing::Private => 1,
                    Sharing::Locked => 2,
                });
                self.option(initial.as_ref(), |e, (from, path)| {
                    e.from(from);
                    e.text(path);
                });
                self.owner(*mode, *uid, *gid);
            }
            MountSource::Tmpfs { size_bytes } => {
                self.tag(2);
                self.option(size_bytes.as_ref(), |e, n| e.uint(*n));
            }
            MountSource::Secret { id, env, file, mode, uid, gid, required } => {
                self.tag(3);
                self.text(id);
                self.option(env.as_ref(), |e, name| e.text(name));
                self.flag(*file);
                self.owner(*mode, *uid, *gid);
                self.flag(*required);
            }
            MountSource::Ssh { id, mode, uid, gid, required } => {
                self.tag(4);
                self.text(id);
                self.owner(*mode, *uid, *gid);
                self.flag(*required);
            }
            MountSource::Inline { data } => {
                self.tag(5);
                self.text(data);
            }
        }
    }

    fn copy(&mut self, copy: &Copy) {
        self.list(&copy.sources, |e, source| match source {
            CopySource::Path { from, pattern } => {
                e.tag(0);
                e.from(from);
                e.text(pattern);
            }
            CopySource::Inline { name, data } => {
                e.tag(1);
                e.text(name);
                e.text(data);
            }
            CopySource::Fetched { input, name } => {
                e.tag(2);
                e.uint(*input as u64);
                e.text(name);
            }
        });
        self.text(&copy.dest);
        self.flag(copy.dest_is_dir);
        self.option(copy.chown.as_ref(), |e, s| e.text(s));
        self.option(copy.chmod.as_ref(), |e, s| e.text(s));
        self.list(&copy.exclude, |e, s| e.text(s));
        self.flag(copy.parents);
        self.flag(copy.link);
        self.tag(match copy.unpack {
            Unpack::Never => 0,
            Unpack::Local => 1,
            Unpack::Always => 2,
        });
    }
}

#[cfg(test)]
mod tests;
