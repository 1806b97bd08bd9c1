//! `buildc build`: from a Dockerfile to an image.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use buildc_digest::Digest;
use buildc_executor::Cancel;
use buildc_executor::build::{self, BuildError, BuildOptions};
use buildc_executor::layering::Layering;
use buildc_ir::{Privilege, Reference};
use buildc_store::export::Form;
use buildc_store::{ImageRecord, Store, oci};
use clap::ValueEnum;

use super::Shell;
use super::attest_options::Attestations;
use super::cache_options::{self, CacheTo};
use super::call::Call;
use super::export::Export;
use super::{export_form, given, verify, watch};
use crate::failure::{Failure, Outcome};
use crate::interrupt::{self, INTERRUPTED};
use crate::pipeline::Compiled;
use crate::product::Product;
use crate::render::{self, Display};
use crate::session::{self, Session};
use crate::{output, pipeline};

const AFTER_HELP: &str = "\
Examples:
  buildc build .                                  build ./Dockerfile
  buildc build -t app:1.2 --build-arg V=1.2 .     name the result, set an ARG
  buildc build --target test -f ci/Dockerfile .   stop at the stage `test`
  buildc build -o type=oci,dest=app.tar .         write an OCI archive
  ssh host cat Dockerfile | buildc build -f - .   the Dockerfile from standard input

The id of the image goes to standard output with -q, everything else to standard error.";

/// What decides the graph: shared by `build` and `plan`.
#[derive(clap::Args, Debug, Clone)]
pub struct SourceArgs {
    /// Where COPY and ADD take files from (the build context): a directory, an archive, a URL, a git repository, or `-`
    #[arg(value_name = "CONTEXT", default_value = ".")]
    pub context: PathBuf,
    /// The Dockerfile; `-` reads standard input [default: Dockerfile of the context]
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Value of an ARG; without `=VALUE` it is taken from the environment
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub build_arg: Vec<String>,
    /// Another context that COPY --from=NAME takes files from: a directory, docker-image://NAME, oci-layout://DIR, a URL, a git repository
    #[arg(long, value_name = "NAME=CONTEXT")]
    pub build_context: Vec<String>,
    /// Build this stage instead of the last one
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Run every step, whatever is cached
    #[arg(long)]
    pub no_cache: bool,
    /// Run every step of this stage, whatever is cached; repeatable, or with commas
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    pub no_cache_filter: Vec<String>,
    /// Ask the registry for newer base images
    #[arg(long)]
    pub pull: bool,
    /// Take names, URLs and git refs from buildc.lock alone
    #[arg(long, conflicts_with = "pull")]
    pub locked: bool,
    /// Label of the image
    #[arg(long, value_name = "NAME=VALUE")]
    pub label: Vec<String>,
    /// Network of RUN instructions: default (a private one with a way out), none or host
    #[arg(long, value_name = "MODE", default_value = "default", hide_possible_values = true)]
    pub network: BuildNetwork,
    /// Let RUN instructions leave the sandbox: network.host or security.insecure; repeatable
    #[arg(long, value_name = "ENTITLEMENT")]
    pub allow: Vec<String>,
    /// Platform of the image, for example linux/arm64; several, with commas, make an index [default: this machine's]
    #[arg(long, value_name = "OS/ARCH", value_delimiter = ',')]
    pub platform: Vec<String>,
    /// Line for /etc/hosts during RUN
    #[arg(long, value_name = "HOST:IP")]
    pub add_host: Vec<String>,
    /// Clamp all times in new layers to SOURCE_DATE_EPOCH, or to 1980 where that is not set
    #[arg(long)]
    pub reproducible: bool,
    /// Take results of steps that the store lacks from here: type=registry,ref=NAME or type=local,src=DIR; repeatable
    #[arg(long, value_name = "type=TYPE,…")]
    pub cache_from: Vec<String>,
    /// Of a build file (`-f FILE.nix`): the image to build, for example web
    #[arg(short = 'A', long = "attr", value_name = "PATH")]
    pub attribute: Option<String>,
    /// Of a build file: an argument of its function, as an expression
    #[arg(long, num_args = 2, value_names = ["NAME", "EXPR"])]
    pub arg: Vec<String>,
    /// Of a build file: an argument of its function, as a string
    #[arg(long, num_args = 2, value_names = ["NAME", "STRING"])]
    pub argstr: Vec<String>,
    /// Record what RUN instructions read, and run none again that reads nothing of what changed: on or off
    #[arg(long, value_name = "MODE", default_value = "off", env = "BUILDC_TRACE", hide_env = true)]
    #[arg(hide_possible_values = true)]
    pub trace: Trace,
    /// Switch a pass of the optimiser off or on: -prune, -fold, -dedupe, -link, -reorder; repeatable
    #[arg(long, value_name = "-PASS", value_delimiter = ',', allow_hyphen_values = true)]
    pub optimise: Vec<String>,
    /// How many steps may run at once [default: number of CPUs]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

impl SourceArgs {
    /// `--jobs`, or one for each CPU.
    pub fn jobs(&self) -> usize {
        self.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

/// Whether RUN instructions are traced.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trace {
    /// Where the machine allows it.
    On,
    /// A change below an instruction always runs it again.
    Off,
}

/// Network of RUN instructions.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuildNetwork {
    /// A private one with a way out.
    #[value(alias = "bridge")]
    Default,
    /// Loopback only.
    None,
    /// The host's.
    Host,
}

/// How progress is shown.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// `tty` on a terminal, else `plain`.
    Auto,
    /// Lines.
    Plain,
    /// A moving display.
    Tty,
    /// One JSON object per line.
    #[value(alias = "rawjson")]
    Json,
    /// Nothing but errors.
    #[value(alias = "none")]
    Quiet,
}

/// Which layers an image gets.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layers {
    /// One for each instruction.
    Keep,
    /// Fewer where they only hold files.
    Merge,
    /// One above the base.
    Squash,
}

impl Layers {
    fn layering(self) -> Layering {
        match self {
            Self::Keep => Layering::Keep,
            Self::Merge => Layering::Merge,
            Self::Squash => Layering::Squash,
        }
    }
}

/// Options of `buildc build`.
#[derive(clap::Args, Debug, Clone)]
#[command(after_help = AFTER_HELP)]
pub struct BuildArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Name of the image, for example app:1.2; repeatable
    #[arg(short, long, value_name = "NAME[:TAG]")]
    pub tag: Vec<String>,
    /// How to show progress: auto, plain (lines), tty (a moving display), json or quiet
    #[arg(long, value_name = "HOW", default_value = "auto", env = "BUILDC_PROGRESS", hide_env = true)]
    #[arg(hide_possible_values = true)]
    pub progress: Progress,
    /// Layers of the image: keep (one for each instruction), merge (neighbouring ones of COPY, ADD and WORKDIR joined, empty
    /// ones dropped) or squash (one above the base image)
    #[arg(long, value_enum, value_name = "HOW", default_value = "keep", hide_possible_values = true)]
    pub layers: Layers,
    /// Print only the image id
    #[arg(short, long)]
    pub quiet: bool,
    /// Write the image id to a file
    #[arg(long, value_name = "FILE")]
    pub iidfile: Option<PathBuf>,
    /// Write digests and names to a JSON file
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// Secret for RUN --mount=type=secret
    #[arg(long, value_name = "id=NAME[,src=FILE|,env=VAR]")]
    pub secret: Vec<String>,
    /// ssh agent for RUN --mount=type=ssh
    #[arg(long, value_name = "default|ID[=SOCKET]")]
    pub ssh: Vec<String>,
    /// Where the result goes, for example type=oci,dest=app.tar; a bare DIR receives the files; repeatable
    #[arg(short, long, value_name = "type=TYPE[,dest=PATH]")]
    pub output: Vec<String>,
    /// Attach a list of the image's packages (SPDX) to what leaves
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub sbom: Option<String>,
    /// Attach how the image was made (SLSA v1) to what leaves: true, false, mode=min or mode=max
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub provenance: Option<String>,
    /// Both in one option: type=sbom or type=provenance[,mode=max]; repeatable
    #[arg(long, value_name = "type=TYPE")]
    pub attest: Vec<String>,
    /// Write results of steps for other machines: type=registry,ref=NAME, type=local,dest=DIR (both also with mode=max)
    /// or type=inline; repeatable
    #[arg(long, value_name = "type=TYPE,…")]
    pub cache_to: Vec<String>,
    /// Push the named image when it is built
    #[arg(long)]
    pub push: bool,
    /// Annotation of what leaves: of the manifest, or with index: or manifest[linux/amd64]: before it of another document
    #[arg(long, value_name = "[LEVEL:]KEY=VALUE")]
    pub annotation: Vec<String>,
    /// Accepted for Docker's sake: the image is always in the store
    #[arg(long)]
    pub load: bool,
    /// Build again from nothing, elsewhere and later, and say which files and bytes differ: text or json
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "text", hide_possible_values = true)]
    pub verify: Option<verify::Form>,
    /// Stay, and build again whenever the Dockerfile or a file that a step uses changes
    #[arg(long, conflicts_with_all = ["pull", "no_cache", "verify"])]
    pub watch: bool,
    /// Only say what is unwise in the Dockerfile, as `buildc check` does
    #[arg(long, conflicts_with = "call")]
    pub check: bool,
    /// What to do instead of building: check, outline or targets, each also with `,format=json`
    #[arg(long, value_name = "METHOD[,format=FORMAT]")]
    pub call: Option<String>,
}

/// Builds, tags, exports, pushes, and says what came of it.
pub fn run(args: BuildArgs, shell: &Shell) -> Outcome {
    if let Some(call) = Call::of(&args)? {
        return call.run(&args.source, shell);
    }
    let mut names = args.tag.iter().map(|t| session::new_name(t)).collect::<Result<Vec<_>, _>>()?;
    let exports = args.output.iter().map(|o| Export::parse(o)).collect::<Result<Vec<_>, _>>()?;
    let more: Vec<_> = exports.iter().flat_map(Export::names).cloned().collect();
    names.extend(more);
    if args.push && names.is_empty() {
        return Err(Failure::usage("--push needs a name to push to").help("Add -t registry.example.com/NAME"));
    }
    let caches = CacheTo::read(&args.cache_to, &args.source.build_arg)?;
    let attestations = Attestations::read(args.sbom.as_deref(), args.provenance.as_deref(), &args.attest)?;
    let mut session = Session::open(shell)?;
    let cancel = Cancel::new();
    let wanted = Wanted { names, exports, caches, attestations };
    if args.watch {
        interrupt::cancels(&cancel)?;
        let build = |session: &mut Session| once(session, &args, &wanted, &cancel, shell);
        return watch::repeat(&mut session, &args, &cancel, shell, build);
    }
    once(&mut session, &args, &wanted, &cancel, shell)
}

/// What is to become of the images.
#[derive(Debug)]
struct Wanted {
    names: Vec<Reference>,
    exports: Vec<Export>,
    caches: Vec<CacheTo>,
    attestations: Attestations,
}

/// One build and everything that follows it.
fn once(session: &mut Session, args: &BuildArgs, wanted: &Wanted, cancel: &Cancel, shell: &Shell) -> Outcome {
    let Wanted { names, exports, caches, attestations } = wanted;
    let begun = std::time::SystemTime::now();
    let Some((compiled, mut products)) = products(session, args, names, cancel, shell)? else {
        return Ok(INTERRUPTED);
    };
    if let Some(form) = args.verify {
        let second = verify::second(session, args)?;
        let Some((_, again)) = self::products(session, &second.args, &[], cancel, shell)? else {
            return Ok(INTERRUPTED);
        };
        if !verify::report(session, args, form, &products, &again)? {
            return Err(verify::failure());
        }
    }
    attestations.attach(session, &args.source, &compiled, begun, &mut products)?;
    cache_options::inline(session, caches, &compiled, &mut products)?;
    for export in exports {
        let [product] = products.as_slice() else {
            return Err(several(&products, "--output writes one image"));
        };
        export.write(session, product)?;
    }
    let pushed = push(session, args, exports, &products, cancel, shell)?;
    cache_options::send(session, caches, &compiled, args.quiet)?;
    write_files(args, &products, &pushed)?;
    if args.quiet {
        let images = products.iter().map(Product::primary);
        images.into_iter().try_for_each(|image| output::data(&image.id.to_string()))?;
    }
    Ok(0)
}

/// Sends everything that has a name where `--push` or an output wants it; the digests that the products have there.
fn push(
    session: &Session,
    args: &BuildArgs,
    exports: &[Export],
    products: &[Product],
    cancel: &Cancel,
    shell: &Shell,
) -> Result<Vec<Option<Digest>>, Failure> {
    let plain = Form::default();
    let mut forms: Vec<&Form> = exports.iter().filter(|e| e.pushes()).map(Export::form).collect();
    if args.push && forms.is_empty() {
        // As buildx has it, --push speaks of the image outputs that are there.
        forms.push(&plain);
    }
    let mut digests = vec![None; products.len()];
    for form in forms {
        for (product, digest) in products.iter().zip(&mut digests) {
            let release = product.release(form)?;
            for name in &product.names {
                *digest =
                    Some(super::registry::push_release(session, &release, name, args.quiet, cancel, shell)?);
            }
        }
    }
    Ok(digests)
}

/// A build file's set of images where one is wanted.
fn several(products: &[Product], what: &str) -> Failure {
    let targets: Vec<&str> = products.iter().map(|product| product.target.as_str()).collect();
    Failure::usage(format!("{what}, and this builds {}: {}", products.len(), targets.join(", ")))
        .help("Choose one with -A NAME")
}

/// Builds and tags; `None` when the build was interrupted. Ctrl-C sets `cancel`, then and later.
fn products(
    session: &mut Session,
    args: &BuildArgs,
    names: &[Reference],
    cancel: &Cancel,
    shell: &Shell,
) -> Result<Option<(Compiled, Vec<Product>)>, Failure> {
    let options = BuildOptions { cancel: cancel.clone(), ..build_options(args)? };
    let compiled = pipeline::compile(session, &args.source)?;
    let progress = if args.quiet { Progress::Quiet } else { args.progress };
    if !args.quiet {
        pipeline::warn(&compiled.warnings, &compiled.plan.sources, shell);
    }
    if compiled.plan.privilege != Privilege::None {
        session.need_namespaces()?;
    }
    let options = BuildOptions {
        source_key: compiled.source_key.clone(),
        record: buildc_compiler::plan::record(&compiled.plan),
        no_cache: args.source.no_cache,
        fresh_stages: args.source.no_cache_filter.clone(),
        tracing: compiled.plan.tracing.clone(),
        imported: compiled.imported.clone(),
        ..options
    };
    interrupt::cancels(&options.cancel)?;
    let (display, events) = Display::start(progress, shell.streams, pipeline::reasons(&compiled.plan));
    let result = build::build(&session.store, &compiled.plan, &compiled.contexts, &options, &events);
    drop(events);
    display.finish();
    for note in compiled.imported.iter().flat_map(|imported| imported.notes()) {
        output::say(&format!("A result from the cache is not used: {note}"));
    }
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(BuildError::Cancelled) => {
            output::say("Build was cancelled; nothing is left running or mounted");
            return Ok(None);
        }
        Err(error) => {
            let (error, sources) = (Box::new(error), Box::new(compiled.plan.sources));
            return Err(Failure::Build { error, sources, log: log_file(&session.store) });
        }
    };
    let products = named(args, &outcome, &compiled, names)?;
    for product in &products {
        for name in &product.names {
            session.store.tag(&name.to_string(), &product.primary().id)?;
        }
    }
    if !matches!(progress, Progress::Quiet | Progress::Json) {
        let shown = products.iter().flat_map(|product| {
            let names = |image: &ImageRecord| {
                if image.id == product.primary().id { product.names.as_slice() } else { &[] }
            };
            product.images.iter().map(move |image| (image, names(image)))
        });
        output::say(&render::summary(&outcome, &shown.collect::<Vec<_>>()));
    }
    Ok(Some((compiled, products)))
}

/// Puts the images together with the names of the command line and of their source.
fn named(
    args: &BuildArgs,
    outcome: &build::Outcome,
    compiled: &Compiled,
    names: &[Reference],
) -> Result<Vec<Product>, Failure> {
    let mut annotations = Vec::new();
    for option in &args.annotation {
        annotations.extend(export_form::annotations(option)?);
    }
    let mut built = outcome.images.iter().zip(&compiled.plan.graph.targets);
    let mut products = Vec::new();
    for count in &compiled.groups {
        let mut images = Vec::new();
        let mut own = Vec::new();
        let mut target = String::new();
        for ((name, record), wanted) in built.by_ref().take(*count) {
            let tags = wanted.tags.iter().map(|t| session::new_name(t)).collect::<Result<Vec<_>, _>>()?;
            own.extend(tags.into_iter().filter(|tag| !names.contains(tag)));
            images.push((record.clone(), platform(&wanted.config.platform)));
            target.clone_from(name);
        }
        let names = names.iter().cloned().chain(own).collect();
        let mut product = Product::new(target, images, names).ok_or_else(no_image)?;
        product.annotations.clone_from(&annotations);
        product.always_index = multi_platform(args);
        products.push(product);
    }
    match products.len() {
        0 => Err(no_image()),
        1 => Ok(products),
        _ if names.is_empty() => Ok(products),
        _ => Err(several(&products, "--tag names one image")),
    }
}

fn no_image() -> Failure {
    Failure::new("internal::no_image", "The build has made no image")
}

/// A platform as the store's documents have it.
fn platform(platform: &buildc_ir::Platform) -> oci::Platform {
    let buildc_ir::Platform { os, arch, variant } = platform.clone();
    oci::Platform { architecture: arch, os, os_version: None, variant }
}

/// The build argument that wants an index whatever is built.
fn multi_platform(args: &BuildArgs) -> bool {
    let value =
        |arg: &String| arg.strip_prefix("BUILDKIT_MULTI_PLATFORM=").map(|v| matches!(v, "1" | "true"));
    args.source.build_arg.iter().rev().find_map(value).unwrap_or(false)
}

/// The log of this process's newest build; its name ends with the process id.
fn log_file(store: &Store) -> Option<PathBuf> {
    let own = format!("-{}.jsonl", std::process::id());
    let files = std::fs::read_dir(store.subdir("logs").ok()?).ok()?;
    files.filter_map(|f| Some(f.ok()?.path())).filter(|p| p.to_string_lossy().ends_with(&own)).max()
}

fn build_options(args: &BuildArgs) -> Result<BuildOptions, Failure> {
    let layering = args.layers.layering();
    let mut options = BuildOptions { jobs: args.source.jobs(), layering, ..BuildOptions::default() };
    for secret in &args.secret {
        let (id, source) = given::secret_source(secret)?;
        options.secrets.insert(id, source);
    }
    for agent in &args.ssh {
        let (id, socket) = given::ssh_socket(agent)?;
        options.ssh.insert(id, socket);
    }
    Ok(options)
}

fn write_files(args: &BuildArgs, products: &[Product], pushed: &[Option<Digest>]) -> Result<(), Failure> {
    if let Some(path) = &args.iidfile {
        let ids: Vec<String> = products.iter().map(|product| product.primary().id.to_string()).collect();
        std::fs::write(path, ids.join("\n")).map_err(|e| Failure::file("write", path, &e))?;
    }
    if let Some(path) = &args.metadata_file {
        // As bake has it: of several images, each under its own name.
        let metadata = match (products, pushed) {
            ([product], [digest]) => metadata(product, *digest),
            _ => {
                let each = products.iter().zip(pushed);
                each.map(|(product, digest)| (product.target.clone(), metadata(product, *digest))).collect()
            }
        };
        std::fs::write(path, format!("{metadata:#}\n")).map_err(|e| Failure::file("write", path, &e))?;
    }
    Ok(())
}

/// Digests and names; what was pushed is spoken of as it is in the registry.
fn metadata(product: &Product, pushed: Option<Digest>) -> serde_json::Value {
    let record = product.primary();
    let names: Vec<String> = product.names.iter().map(Reference::to_string).collect();
    let media_type = match pushed {
        Some(_) if product.is_index() => oci::media_type::OCI_INDEX,
        Some(digest) if digest != record.manifest => oci::media_type::OCI_MANIFEST,
        _ => &record.manifest_media_type,
    };
    let digest = pushed.unwrap_or(record.manifest).to_string();
    serde_json::json!({
        "containerimage.digest": digest,
        "containerimage.config.digest": record.id.to_string(),
        "containerimage.descriptor": { "mediaType": media_type, "digest": digest },
        "image.name": names.join(","),
    })
}
