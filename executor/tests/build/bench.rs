//! What the tests build with: a store in a temporary directory, a base image with a static shell, graphs made by
//! hand, and the plan that knows nothing (what is cached is found while building).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use buildc_executor::Event;
use buildc_executor::build::{BuildError, BuildOptions, Outcome, build};
use buildc_executor::context::Context;
use buildc_executor::facts::StoreFacts;
use buildc_ir::graph::Node;
use buildc_ir::plan::{Estimate, PlannedStep, Tracing};
use buildc_ir::step::{Copy, CopySource, Exec, From, Input, Mount, Network, Role, Unpack};
use buildc_ir::world::Facts;
use buildc_ir::{
    Graph, ImageConfig, Plan, Platform, Privilege, Reason, SourceMap, State, Step, StepId, StepKind, Target,
    TargetHistory, keys,
};
use buildc_store::{OpenOptions, Store, TreeView};

/// False, and loudly so, where the machine lacks what the test needs.
pub fn can_run() -> bool {
    let lacks = if !nix::unistd::geteuid().is_root() {
        "root"
    } else if !Path::new("/bin/busybox").exists() {
        "a static /bin/busybox"
    } else {
        return true;
    };
    assert!(std::env::var_os("BUILDC_TEST_REQUIRE_ALL").is_none(), "this test needs {lacks}");
    eprintln!("SKIP: this test needs {lacks}");
    false
}

/// A store, a build context, and the graph so far.
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub store: Store,
    pub ignore: Option<String>,
    pub options: BuildOptions,
}

/// What a build came to.
pub struct Built {
    pub result: Result<Outcome, BuildError>,
    pub events: Vec<Event>,
    store: Store,
}

impl Bench {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("context")).unwrap();
        let store = Store::open(&dir.path().join("store"), OpenOptions::default()).unwrap();
        Self { dir, store, ignore: None, options: BuildOptions::default() }
    }

    /// That the store makes the tar again whose sha256 was computed when the layer was made.
    pub fn assert_own_tar(&self, layer: &buildc_store::Layer) {
        let mut bytes = Vec::new();
        self.store.write_layer_tar(layer.id, &mut bytes).unwrap();
        assert_eq!(buildc_digest::DiffId::of(&bytes), layer.diff_id);
    }

    pub fn context_dir(&self) -> PathBuf {
        self.dir.path().join("context")
    }

    /// Writes a file of the context, with its directories.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.context_dir().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn contexts(&self) -> BTreeMap<String, Context> {
        let ignore = self.ignore.clone().map(|text| (".dockerignore".to_owned(), text));
        let context = Context::open(&self.store, "", &self.context_dir(), ignore).unwrap();
        BTreeMap::from([(String::new(), context)])
    }

    /// Builds a graph whose last step is wanted.
    pub fn build(&self, graph: Recipe) -> Built {
        let contexts = self.contexts();
        let plan = graph.plan(&self.store, &contexts);
        self.run(&plan, &contexts)
    }

    pub fn run(&self, plan: &Plan, contexts: &BTreeMap<String, Context>) -> Built {
        let (sender, events) = crossbeam_channel::unbounded();
        let result = build(&self.store, plan, contexts, &self.options, &sender);
        drop(sender);
        Built { result, events: events.iter().collect(), store: self.store.clone() }
    }
}

impl Built {
    pub fn outcome(&self) -> &Outcome {
        match &self.result {
            Ok(outcome) => outcome,
            Err(error) => panic!("{error}; {:?}", self.events),
        }
    }

    /// (ran, cached), the empty tree and config steps not counted.
    pub fn tally(&self) -> (u32, u32) {
        (self.outcome().ran, self.outcome().cached)
    }

    pub fn tree(&self) -> TreeView {
        TreeView::new(&self.store, &self.outcome().images[0].1.layers).unwrap()
    }

    /// Content of a file of the image.
    pub fn text(&self, path: &str) -> Option<String> {
        let bytes = self.tree().read_file(path.as_bytes(), 1 << 20).unwrap()?;
        Some(String::from_utf8(bytes).unwrap())
    }

    /// Everything below a path as `MODE UID:GID KIND PATH`.
    pub fn list(&self, path: &str) -> Vec<String> {
        let found = self.tree().walk(path.as_bytes()).unwrap();
        found
            .iter()
            .map(|f| {
                let e = &f.entry;
                let kind = match &e.kind {
                    buildc_store::EntryKind::Dir { .. } => "d".to_owned(),
                    buildc_store::EntryKind::File { size, .. } => format!("f{size}"),
                    buildc_store::EntryKind::Symlink { target } => {
                        format!("l{}", String::from_utf8_lossy(target))
                    }
                    other => format!("{other:?}"),
                };
                format!("{:o} {}:{} {kind} {}", e.mode, e.uid, e.gid, String::from_utf8_lossy(&e.path))
            })
            .collect()
    }

    /// Paths of the top layer's entries.
    pub fn top_layer(&self) -> Vec<String> {
        let layers = &self.outcome().images[0].1.layers;
        let entries = self.store.entries(layers.last().unwrap().id).unwrap();
        entries.iter().map(|e| String::from_utf8_lossy(&e.path).into_owned()).collect()
    }

    /// Everything that commands wrote.
    pub fn output(&self) -> String {
        let log = |e: &Event| match e {
            Event::Log { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        self.events.iter().filter_map(log).collect()
    }
}

/// A graph in the making.
#[derive(Clone, Default)]
pub struct Recipe {
    graph: Graph,
    top: Option<StepId>,
}

impl Recipe {
    /// Starts with a static busybox, put in from the host as a layer.
    pub fn busybox(bench: &Bench) -> Self {
        let shell = std::fs::read("/bin/busybox").unwrap();
        let path = bench.write(".base/bin/busybox", shell);
        std::os::unix::fs::chown(&path, Some(0), Some(0)).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        if !bench.context_dir().join(".base/bin/sh").exists() {
            std::os::unix::fs::symlink("busybox", bench.context_dir().join(".base/bin/sh")).unwrap();
        }
        bench.write(".base/etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n");
        bench.write(".base/etc/group", "root:x:0:\napp:x:1001:\nstaff:x:50:app\n");
        for mount_point in ["dev", "proc", "sys"] {
            std::fs::create_dir_all(bench.context_dir().join(".base").join(mount_point)).unwrap();
        }
        Self::scratch().copy(&[".base"], "/")
    }

    pub fn scratch() -> Self {
        Self::default().step(StepKind::Scratch, &[])
    }

    pub fn top(&self) -> StepId {
        self.top.unwrap()
    }

    /// The same graph with its end where `other` ends.
    pub fn at(mut self, top: StepId) -> Self {
        self.top = Some(top);
        self
    }

    pub fn step(mut self, kind: StepKind, more: &[(StepId, Role)]) -> Self {
        let base = self.top.filter(|_| !matches!(kind, StepKind::Scratch));
        let inputs = base.map(|step| Input { step, role: Role::Base }).into_iter();
        let inputs =
            inputs.chain(more.iter().map(|(step, role)| Input { step: *step, role: *role })).collect();
        let label = format!("{} {}", kind.word(), self.graph.len());
        let node = Node {
            step: Step { kind, inputs },
            label,
            origins: Vec::new(),
            stages: Vec::new(),
            args: BTreeMap::new(),
            setting: None,
        };
        self.top = Some(self.graph.add(node).unwrap());
        self
    }

    pub fn run(self, command: &str) -> Self {
        self.exec(command, |_| {})
    }

    pub fn mounted(self, command: &str, mounts: Vec<Mount>) -> Self {
        self.exec(command, |exec| exec.mounts = mounts)
    }

    pub fn exec_with_input(self, command: &str, mounts: Vec<Mount>, input: (StepId, Role)) -> Self {
        let exec = Exec { mounts, ..command_of(command) };
        self.step(StepKind::Exec(exec), &[input])
    }

    pub fn exec(self, command: &str, change: impl FnOnce(&mut Exec)) -> Self {
        let mut exec = command_of(command);
        change(&mut exec);
        self.step(StepKind::Exec(exec), &[])
    }

    pub fn copy(self, patterns: &[&str], dest: &str) -> Self {
        self.copy_with(patterns, dest, |_| {})
    }

    pub fn copy_with(self, patterns: &[&str], dest: &str, change: impl FnOnce(&mut Copy)) -> Self {
        let mut copy = copy(From::Context(String::new()), patterns, dest);
        change(&mut copy);
        self.step(StepKind::Copy(copy), &[])
    }

    pub fn copy_from(self, from: StepId, patterns: &[&str], dest: &str) -> Self {
        let copy = copy(From::Input(1), patterns, dest);
        self.step(StepKind::Copy(copy), &[(from, Role::CopyFrom)])
    }

    /// A plan in which everything is still to be found out.
    pub fn plan(&self, store: &Store, contexts: &BTreeMap<String, Context>) -> Plan {
        let mut graph = self.graph.clone();
        graph.targets.push(self.target());
        let facts = StoreFacts::new(store, contexts, "");
        let mut known: BTreeMap<StepId, buildc_digest::Key> = BTreeMap::new();
        let mut steps = Vec::new();
        for (id, node) in graph.iter() {
            let selected = keys::context_selections(&node.step.kind);
            let selected: Vec<_> = selected
                .iter()
                .map(|(name, query)| facts.select_context(name, query).unwrap().digest)
                .collect();
            let inputs: Vec<_> = node.step.inputs.iter().map(|i| known[&i.step]).collect();
            let definition_key = keys::definition_key(&node.step, &inputs, &selected);
            known.insert(id, definition_key);
            steps.push(PlannedStep {
                id,
                definition_key,
                placed_key: None,
                content_key: None,
                result_key: None,
                selected,
                state: State::WillRun,
                reason: Reason::NeverBuilt,
                early: None,
                merged: false,
                last_duration_ms: None,
                last_size_bytes: None,
            });
        }
        let privilege = Privilege::Namespaces;
        let (passes, sources) = (Vec::new(), SourceMap::new());
        Plan {
            graph,
            steps,
            tracing: Tracing::On,
            passes,
            privilege,
            estimate: Estimate::default(),
            clamp: None,
            strict_times: false,
            sources,
        }
    }

    fn target(&self) -> Target {
        let chain = std::iter::successors(self.top, |id| self.graph.get(*id)?.step.base());
        let mut history: Vec<TargetHistory> = chain
            .filter(|id| !matches!(self.graph.get(*id).unwrap().step.kind, StepKind::Scratch))
            .map(|id| TargetHistory { created_by: "test".to_owned(), step: Some(id) })
            .collect();
        history.reverse();
        Target {
            name: "test".to_owned(),
            tags: Vec::new(),
            root: self.top(),
            config: ImageConfig::scratch(Platform::host()),
            base_history: Vec::new(),
            history,
        }
    }
}

fn command_of(command: &str) -> Exec {
    Exec {
        args: ["/bin/sh", "-c", command].map(str::to_owned).to_vec(),
        env: vec![("PATH".to_owned(), "/bin".to_owned())],
        unkeyed_env: Vec::new(),
        cwd: "/".to_owned(),
        user: String::new(),
        mounts: Vec::new(),
        network: Network::None,
        insecure: false,
        extra_hosts: Vec::new(),
        platform: Platform::host(),
    }
}

fn copy(from: From, patterns: &[&str], dest: &str) -> Copy {
    let source = |p: &&str| CopySource::Path { from: from.clone(), pattern: (*p).to_owned() };
    let trimmed = dest.trim_end_matches('/');
    Copy {
        sources: patterns.iter().map(source).collect(),
        dest: if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() },
        dest_is_dir: dest.ends_with('/'),
        chown: None,
        chmod: None,
        exclude: Vec::new(),
        parents: false,
        link: false,
        unpack: Unpack::Never,
    }
}
