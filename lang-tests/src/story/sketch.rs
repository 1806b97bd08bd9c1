//! Graphs from a few words per step, independent of any input language:
//!
//! ```text
//! stage build
//! image debian:12
//! arg VERSION 1.2
//! env CC=gcc
//! run make
//! stage app
//! scratch
//! copy --from=build /out /app
//! target app
//! ```

use std::collections::{BTreeMap, HashMap};

use buildc_digest::Digest;
use buildc_ir::graph::Node;
use buildc_ir::step::{
    ConfigChange, Copy, CopySource, Exec, From, HttpSource, ImageSource, Input, Mkdir, Network, Role,
    StepKind, Unpack,
};
use buildc_ir::{Graph, ImageConfig, Platform, SourceMap, Span, Step, StepId, Target, TargetHistory};

/// Digest that the sketch's image names mean, by default that of the name itself.
pub type Images = HashMap<String, Digest>;

pub fn platform() -> Platform {
    Platform::normalised("linux", "amd64", None)
}

/// A graph and the source that its spans point into.
pub fn graph(text: &str, images: &Images) -> (Graph, SourceMap) {
    let mut sources = SourceMap::new();
    let file = sources.add("sketch", text);
    let mut sketch = Sketch { images, graph: Graph::new(), stages: BTreeMap::new(), now: Stage::default() };
    let mut start = 0;
    for line in text.lines() {
        sketch.line(line.trim(), Span::new(file, start, start + line.len()));
        start += line.len() + 1;
    }
    (sketch.graph, sources)
}

#[derive(Clone, Default)]
struct Stage {
    name: String,
    top: Option<StepId>,
    count: usize,
    args: BTreeMap<String, String>,
    env: Vec<(String, String)>,
    history: Vec<TargetHistory>,
}

struct Sketch<'a> {
    images: &'a Images,
    graph: Graph,
    stages: BTreeMap<String, Stage>,
    now: Stage,
}

impl Sketch<'_> {
    fn line(&mut self, line: &str, span: Span) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" | "#" => {}
            "stage" => self.now = Stage { name: rest.to_owned(), ..Stage::default() },
            "on" => {
                let name = std::mem::take(&mut self.now.name);
                self.now = Stage { name, count: 0, ..self.stages[rest].clone() };
            }
            "arg" => {
                let (name, value) = rest.split_once(' ').expect("arg NAME VALUE");
                self.now.args.insert(name.to_owned(), value.to_owned());
            }
            "target" => self.target(rest),
            _ => self.step(word, rest, line, span),
        }
    }

    fn step(&mut self, word: &str, rest: &str, line: &str, span: Span) {
        let mut inputs: Vec<Input> =
            self.now.top.iter().map(|&step| Input { step, role: Role::Base }).collect();
        let kind = self.kind(word, rest, &mut inputs);
        self.now.count += 1;
        let layer = matches!(kind, StepKind::Exec(_) | StepKind::Copy(_) | StepKind::Mkdir(_));
        let source =
            matches!(kind, StepKind::Scratch | StepKind::Image(_) | StepKind::Http(_) | StepKind::Git(_));
        let args = if matches!(kind, StepKind::Exec(_)) { self.now.args.clone() } else { BTreeMap::new() };
        let node = Node {
            step: Step { kind, inputs },
            label: format!("[{} {}] {line}", self.now.name, self.now.count),
            origins: vec![span],
            stages: vec![self.now.name.clone()],
            args,
            setting: None,
        };
        let id = self.graph.add(node).expect("inputs come first");
        self.now.top = Some(id);
        if !source {
            self.now.history.push(TargetHistory { created_by: line.to_owned(), step: layer.then_some(id) });
        }
        self.stages.insert(self.now.name.clone(), self.now.clone());
    }

    fn kind(&mut self, word: &str, rest: &str, inputs: &mut Vec<Input>) -> StepKind {
        match word {
            "scratch" => StepKind::Scratch,
            "image" => StepKind::Image(ImageSource {
                reference: rest.to_owned(),
                manifest: self.images.get(rest).copied().unwrap_or_else(|| Digest::of(rest.as_bytes())),
                platform: platform(),
            }),
            "fetch" => {
                StepKind::Http(HttpSource { url: rest.to_owned(), checksum: None, name: "file".to_owned() })
            }
            "workdir" => StepKind::Mkdir(Mkdir { path: rest.to_owned(), user: String::new() }),
            "env" => {
                let (name, value) = rest.split_once('=').expect("env NAME=VALUE");
                self.now.env.push((name.to_owned(), value.to_owned()));
                StepKind::Config(ConfigChange { text: format!("ENV {rest}") })
            }
            "run" => StepKind::Exec(self.exec(rest)),
            "copy" => StepKind::Copy(self.copy(rest, inputs)),
            other => panic!("the sketch has no `{other}`"),
        }
    }

    fn exec(&self, text: &str) -> Exec {
        let args = self.now.args.iter().map(|(name, value)| (name.clone(), value.clone()));
        Exec {
            args: ["/bin/sh", "-c", text].map(str::to_owned).to_vec(),
            env: self.now.env.iter().cloned().chain(args).collect(),
            unkeyed_env: Vec::new(),
            cwd: "/".to_owned(),
            user: String::new(),
            mounts: Vec::new(),
            network: Network::Default,
            insecure: false,
            extra_hosts: Vec::new(),
            platform: platform(),
        }
    }

    fn copy(&self, text: &str, inputs: &mut Vec<Input>) -> Copy {
        let mut words: Vec<&str> = text.split(' ').collect();
        let from = match words[0].strip_prefix("--from=") {
            Some(stage) => {
                words.remove(0);
                let step = self.stages[stage].top.expect("a stage has steps");
                inputs.push(Input { step, role: Role::CopyFrom });
                From::Input(inputs.len() - 1)
            }
            None => From::Context(String::new()),
        };
        let dest = words.pop().expect("copy SOURCE DEST").to_owned();
        let pattern = |word: &&str| word.trim_matches('/').trim_start_matches('.').to_owned();
        let path = |word: &&str| CopySource::Path { from: from.clone(), pattern: pattern(word) };
        Copy {
            sources: words.iter().map(path).collect(),
            dest_is_dir: dest.ends_with('/'),
            dest,
            chown: None,
            chmod: None,
            exclude: Vec::new(),
            parents: false,
            link: false,
            unpack: Unpack::Never,
        }
    }

    fn target(&mut self, name: &str) {
        let stage = self.stages[name].clone();
        self.graph.targets.push(Target {
            name: name.to_owned(),
            tags: Vec::new(),
            root: stage.top.expect("a stage has steps"),
            config: ImageConfig { env: stage.env, ..ImageConfig::scratch(platform()) },
            base_history: Vec::new(),
            history: stage.history,
        });
    }
}
