//! `RUN --mount`: what each type shows, and what must be kept alive while the command runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use buildc_ir::pattern::SelectionQuery;
use buildc_ir::step::{self, From, Mount, MountSource};
use buildc_launch::MountSpec;
use buildc_store::{PendingLayer, top_first};

use super::cache_mount::{self, CacheMount};
use super::{Chosen, Site, StepError, Tree, now, source};
use crate::build::SecretSource;
use crate::copy::{CopyJob, Times};
use crate::select::{self, LayerTree, Selection};

/// Largest secret.
const SECRET_BYTES: u64 = 1 << 20;

/// The mounts of one command. Dropping it releases locks and removes temporary trees: only after the command has ended.
#[derive(Debug)]
pub(crate) struct Mounts<'m> {
    site: &'m Site<'m>,
    /// Trees of the step's inputs in order.
    inputs: &'m [Tree],
    specs: Vec<MountSpec>,
    env: Vec<(String, String)>,
    trees: Vec<PendingLayer>,
    caches: Vec<CacheMount>,
    /// Caches begin empty.
    anew: bool,
}

impl<'m> Mounts<'m> {
    /// `anew` empties cache mounts that this build has not emptied yet.
    pub(crate) fn new(site: &'m Site<'m>, inputs: &'m [Tree], anew: bool) -> Self {
        let (specs, env, trees, caches) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { site, inputs, specs, env, trees, caches, anew }
    }

    pub(super) fn push(&mut self, spec: MountSpec) {
        self.specs.push(spec);
    }

    /// In the order in which they are mounted: as in BuildKit none hides one below it, whatever their order in the file.
    pub(crate) fn specs(&self) -> Vec<MountSpec> {
        let mut specs = self.specs.clone();
        specs.sort_by(|one, other| one.target().cmp(other.target()));
        specs
    }

    /// Variables that mounts set.
    pub(crate) fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// Prepares all mounts of a command; `chosen` has the selection of each bind mount.
    pub(super) fn add_all(&mut self, mounts: &[Mount], chosen: &[Chosen]) -> Result<(), StepError> {
        let mut chosen = chosen.iter();
        mounts.iter().try_for_each(|mount| {
            let selected = matches!(mount.source, MountSource::Bind { .. }).then(|| chosen.next()).flatten();
            self.add(mount, selected)
        })
    }

    /// Prepares one mount; a bind mount of a build context shows what was `chosen`.
    pub(crate) fn add(&mut self, mount: &Mount, chosen: Option<&Chosen>) -> Result<(), StepError> {
        match &mount.source {
            MountSource::Bind { from, path } => self.bind(mount, from, path, chosen)?,
            MountSource::Cache { .. } => self.cache(mount)?,
            MountSource::Tmpfs { size_bytes } => self.specs.push(MountSpec::Tmpfs {
                target: (&mount.target).into(),
                options: String::new(),
                size_bytes: *size_bytes,
                mode: None,
            }),
            MountSource::Secret { .. } => self.secret(mount)?,
            MountSource::Ssh { id, required, .. } => self.agent(mount, id, *required)?,
            MountSource::Inline { data } => self.specs.push(MountSpec::File {
                target: (&mount.target).into(),
                data: data.clone().into_bytes(),
                mode: 0o755,
                uid: 0,
                gid: 0,
            }),
        }
        Ok(())
    }

    fn bind(
        &mut self,
        mount: &Mount,
        from: &From,
        path: &str,
        chosen: Option<&Chosen>,
    ) -> Result<(), StepError> {
        if let From::Input(index) = from {
            let tree = self.inputs.get(*index).cloned().unwrap_or_else(Tree::empty);
            return self.tree(mount, &tree, path);
        }
        // Only what the rules of the ignore file leave is shown, so the selection is copied; writes go with the copy.
        let Some(chosen) = chosen else { return Ok(()) };
        let shown = self.materialise(chosen)?;
        self.specs.push(MountSpec::Bind {
            source: shown,
            target: (&mount.target).into(),
            readonly: mount.readonly,
            recursive: false,
            propagation: None,
        });
        Ok(())
    }

    /// Copies a selection beside the layers and gives the path of what was selected.
    fn materialise(&mut self, chosen: &Chosen) -> Result<PathBuf, StepError> {
        let pattern = chosen.wanted.query.patterns.first().cloned().unwrap_or_default();
        let copy = step::Copy::to_root(chosen.wanted.from.clone(), pattern);
        let empty = LayerTree::new(self.site.store, &[])?;
        let job = CopyJob {
            store: self.site.store,
            copy: &copy,
            base: &empty,
            from_scratch: true,
            sources: vec![source(self.site, chosen)],
            times: Times { now: now(), clamp: None },
            cancel: &self.site.cancel,
        };
        let pending = job.materialise()?;
        let mut shown = pending.dir().to_owned();
        if let Some(found) = chosen.selection.matches.first().filter(|m| !m.root.is_dir()) {
            use std::os::unix::ffi::OsStrExt;
            shown.push(std::ffi::OsStr::from_bytes(select::split(&found.named).1));
        }
        self.trees.push(pending);
        Ok(shown)
    }

    fn tree(&mut self, mount: &Mount, tree: &Tree, path: &str) -> Result<(), StepError> {
        if tree.layers.is_empty() {
            let target = (&mount.target).into();
            self.specs.push(MountSpec::Tmpfs {
                target,
                options: String::new(),
                size_bytes: None,
                mode: Some(0o755),
            });
            return Ok(());
        }
        self.specs.push(MountSpec::Tree {
            base: self.site.store.root().to_owned(),
            lowers: top_first(&tree.layers).map(|layer| layer.dir.clone()).collect(),
            subpath: Path::new(path).strip_prefix("/").unwrap_or(Path::new(path)).to_owned(),
            target: (&mount.target).into(),
            readonly: mount.readonly,
        });
        Ok(())
    }

    fn cache(&mut self, mount: &Mount) -> Result<(), StepError> {
        let MountSource::Cache { id, sharing, initial, mode, uid, gid } = &mount.source else {
            return Ok(());
        };
        let start = match initial {
            None => None,
            Some((from, path)) => Some(self.initial(from, path)?),
        };
        let wanted =
            cache_mount::Wanted { id, sharing: *sharing, mode: *mode, owner: (*uid, *gid), anew: self.anew };
        let start = start.as_ref().map(|(digest, dir)| (digest, dir.as_path()));
        // A command that mounts a cache twice waits for nobody but itself.
        let known = cache_mount::shared_dir(self.site, &wanted, start.map(|(digest, _)| *digest))?
            .filter(|dir| self.caches.iter().any(|cache| cache.dir() == dir));
        let source = match known {
            Some(dir) => dir,
            None => {
                let cache = cache_mount::take(self.site, &wanted, start)?;
                let dir = cache.dir().to_owned();
                self.caches.push(cache);
                dir
            }
        };
        self.specs.push(MountSpec::Bind {
            source,
            target: (&mount.target).into(),
            readonly: mount.readonly,
            recursive: false,
            propagation: None,
        });
        Ok(())
    }

    /// What a new cache mount starts from: digest, and a directory that holds it.
    fn initial(
        &mut self,
        from: &From,
        path: &str,
    ) -> Result<(buildc_digest::ContentDigest, PathBuf), StepError> {
        let query =
            SelectionQuery { patterns: vec![path.trim_matches('/').to_owned()], ..SelectionQuery::default() };
        let selection: Arc<Selection> = match from {
            From::Context(name) => {
                let context = self.site.contexts.get(name);
                let context = context.ok_or_else(|| StepError::NoContext { name: name.clone() })?;
                context.select(&query).map_err(StepError::select)?
            }
            From::Input(index) => {
                let tree = self.inputs.get(*index).cloned().unwrap_or_else(Tree::empty);
                let tree = LayerTree::new(self.site.store, &tree.layers)?;
                Arc::new(select::select(&tree, &query, self.site.dating).map_err(StepError::select)?)
            }
        };
        let digest = selection.summary.digest;
        let wanted = buildc_ir::keys::Selection { from: from.clone(), query };
        let dir = self.materialise(&Chosen { wanted, selection })?;
        Ok((digest, dir))
    }

    fn secret(&mut self, mount: &Mount) -> Result<(), StepError> {
        let MountSource::Secret { id, env, file, mode, uid, gid, required } = &mount.source else {
            return Ok(());
        };
        let Some(source) = self.site.options.secrets.get(id) else {
            if *required {
                return Err(StepError::NoSecret { id: id.clone() });
            }
            // As in BuildKit: the variable is there, and empty.
            self.env.extend(env.iter().map(|name| (name.clone(), String::new())));
            return Ok(());
        };
        let data = read_secret(id, source)?;
        if let Some(name) = env {
            self.env.push((name.clone(), String::from_utf8_lossy(&data).into_owned()));
        }
        if *file {
            let target = (&mount.target).into();
            self.specs.push(MountSpec::File { target, data, mode: *mode, uid: *uid, gid: *gid });
        }
        Ok(())
    }

    fn agent(&mut self, mount: &Mount, id: &str, required: bool) -> Result<(), StepError> {
        let socket = self.site.options.ssh.get(id);
        if required && socket.is_none() {
            return Err(StepError::NoAgent { id: id.to_owned() });
        }
        // As in BuildKit: the first one's variable is there also when there is no agent behind it.
        if !self.env.iter().any(|(name, _)| name == "SSH_AUTH_SOCK") {
            self.env.push(("SSH_AUTH_SOCK".to_owned(), mount.target.clone()));
        }
        let Some(socket) = socket else { return Ok(()) };
        self.specs.push(MountSpec::Bind {
            source: socket.clone(),
            target: (&mount.target).into(),
            readonly: true,
            recursive: false,
            propagation: None,
        });
        Ok(())
    }
}

fn read_secret(id: &str, source: &SecretSource) -> Result<Vec<u8>, StepError> {
    let failed = |source| StepError::UnreadableSecret { id: id.to_owned(), source };
    match source {
        SecretSource::Env(name) => {
            let missing =
                || failed(std::io::Error::new(std::io::ErrorKind::NotFound, format!("`{name}` is not set")));
            Ok(std::os::unix::ffi::OsStringExt::into_vec(std::env::var_os(name).ok_or_else(missing)?))
        }
        SecretSource::File(path) => {
            let mut data = Vec::new();
            let file = File::open(path).map_err(failed)?;
            let mut limited = std::io::Read::take(file, SECRET_BYTES + 1);
            std::io::Read::read_to_end(&mut limited, &mut data).map_err(failed)?;
            if data.len() as u64 > SECRET_BYTES {
                return Err(failed(std::io::Error::other("it is larger than 1 MiB")));
            }
            Ok(data)
        }
    }
}
