//! What a command had of mounts, made again after its build: as a step makes them, by what is there now.

use std::collections::BTreeMap;
use std::path::PathBuf;

use buildc_digest::ContentDigest;
use buildc_ir::step::{Exec, From, Mount, MountSource};
use buildc_ir::{StepKind, keys};
use buildc_store::Store;

use super::{Build, HistoryError, Side, Told};
use crate::build::{BuildOptions, SecretSource};
use crate::context::Context;
use crate::step::{Chosen, Mounts, Site, StepError, Tree};

/// What logs keep nothing of, so that it has to be given again.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Secrets by id.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Sockets of ssh agents by id.
    pub ssh: BTreeMap<String, PathBuf>,
}

impl Given {
    pub(super) fn into_options(self) -> BuildOptions {
        BuildOptions { secrets: self.secrets, ssh: self.ssh, ..BuildOptions::default() }
    }
}

/// The build's contexts that are still there, and for the others why they are not.
pub(super) fn contexts(
    store: &Store,
    build: &Build,
) -> (BTreeMap<String, Context>, BTreeMap<String, String>) {
    let (mut found, mut gone) = (BTreeMap::new(), BTreeMap::new());
    for place in &build.contexts {
        match Context::open(store, &place.name, &place.dir, place.ignore.clone()) {
            Ok(context) => drop(found.insert(place.name.clone(), context)),
            Err(error) => drop(gone.insert(place.name.clone(), error.to_string())),
        }
    }
    (found, gone)
}

/// The trees of the step's inputs as the build had them; one that it did not have says why.
pub(super) fn inputs(store: &Store, build: &Build, step: &Told) -> Vec<Result<Tree, HistoryError>> {
    let tree = |input: &Option<_>| {
        let Some(id) = input else { return Ok(Tree::empty()) };
        let missing = || HistoryError::NoTree { label: step.decided.label.clone() };
        let layers = build.tree(store, build.step(*id).ok_or_else(missing)?, Side::After)?;
        Ok(Tree::empty().with(&layers))
    };
    step.decided.inputs.iter().map(tree).collect()
}

/// Makes the mounts of a command, and says what of them cannot be had.
#[derive(Debug)]
pub(super) struct Dresser<'d> {
    pub site: &'d Site<'d>,
    pub step: &'d Told,
    /// Contexts that are not there any more, and why.
    pub gone: &'d BTreeMap<String, String>,
    /// For each input, why its tree cannot be had.
    pub lost: Vec<Option<String>>,
}

impl Dresser<'_> {
    /// Adds every mount that can be had; gives a sentence for each of which the user should know something.
    pub(super) fn dress(&self, exec: &Exec, mounts: &mut Mounts<'_>) -> Vec<String> {
        let mut notes = Vec::new();
        let mut wanted = keys::selections(&StepKind::Exec(exec.clone())).into_iter();
        let mut selected = self.step.decided.selected.iter();
        for mount in &exec.mounts {
            let wanted = matches!(mount.source, MountSource::Bind { .. }).then(|| wanted.next()).flatten();
            let chosen = match wanted.map(|wanted| self.choose(wanted)).transpose() {
                Ok(chosen) => chosen.flatten(),
                Err(why) => {
                    selected.next();
                    notes.push(absent(mount, &why));
                    continue;
                }
            };
            if let Some(chosen) = &chosen
                && selected.next().is_some_and(|before| !self.still_gives(chosen, before))
            {
                notes.push(format!("The files at {} have changed since the build", mount.target));
            }
            if let Err(why) = self.add(mount, chosen.as_ref(), mounts, &mut notes) {
                notes.push(absent(mount, &why));
            }
        }
        notes
    }

    /// Whether a mount shows what it did in the build.
    fn still_gives(&self, chosen: &Chosen, before: &ContentDigest) -> bool {
        let From::Context(name) = &chosen.wanted.from else { return true };
        chosen.selection.summary.digest == *before
            || self.site.contexts.get(name).is_some_and(|c| c.still_gives(&chosen.wanted.query, before))
    }

    /// What a bind mount of a build context shows now; none for one of a tree.
    fn choose(&self, wanted: keys::Selection) -> Result<Option<Chosen>, String> {
        let From::Context(name) = &wanted.from else { return Ok(None) };
        if let Some(why) = self.gone.get(name) {
            return Err(why.clone());
        }
        let Some(context) = self.site.contexts.get(name) else {
            return Err("the build's log does not say where its files were".to_owned());
        };
        let selection = context.select(&wanted.query).map_err(|e| StepError::select(e).to_string())?;
        Ok(Some(Chosen { wanted, selection }))
    }

    fn add(
        &self,
        mount: &Mount,
        chosen: Option<&Chosen>,
        mounts: &mut Mounts<'_>,
        notes: &mut Vec<String>,
    ) -> Result<(), String> {
        match &mount.source {
            MountSource::Bind { from: From::Input(at), .. }
            | MountSource::Cache { initial: Some((From::Input(at), _)), .. } => match self.lost.get(*at) {
                Some(None) => {}
                Some(Some(why)) => return Err(why.clone()),
                None => return Err("the build's log does not say what was in it".to_owned()),
            },
            MountSource::Secret { id, required, .. } if !self.site.options.secrets.contains_key(id) => {
                let why = format!("secrets are not kept, so give it with --secret id={id},src=FILE");
                if *required {
                    return Err(why);
                }
                notes.push(absent(mount, &why));
            }
            MountSource::Ssh { id, required, .. } if !self.site.options.ssh.contains_key(id) => {
                let why = format!("give it with --ssh {id}");
                if *required {
                    return Err(why);
                }
                notes.push(absent(mount, &why));
            }
            _ => {}
        }
        mounts.add(mount, chosen).map_err(|error| error.to_string())
    }
}

fn absent(mount: &Mount, why: &str) -> String {
    let word = match &mount.source {
        MountSource::Bind { .. } => "bind mount".to_owned(),
        MountSource::Cache { .. } => "cache mount".to_owned(),
        MountSource::Tmpfs { .. } => "tmpfs".to_owned(),
        MountSource::Secret { id, .. } => format!("secret `{id}`"),
        MountSource::Ssh { id, .. } => format!("ssh agent `{id}`"),
        MountSource::Inline { .. } => "heredoc".to_owned(),
    };
    format!("The {word} at {} is not here: {why}", mount.target)
}
