//! `buildc build`: from a Dockerfile to an image.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use buildc_executor::Cancel;
use buildc_executor::build::{self, BuildOptions};
use buildc_executor::layering::Layering;
use buildc_ir::{Reference, go};
use buildc_store::remote::Pushed;
use buildc_store::{ImageRecord, oci};
use clap::{ArgAction, ValueEnum};

use super::Shell;
use super::call::Call;
use super::delivery::{Built, Delivery};
use super::{execution, export_form, given, verify, watch};
use crate::failure::{Failure, Outcome};
use crate::interrupt::{self, INTERRUPTED};
use crate::pipeline::Compiled;
use crate::product::Product;
use crate::session::{self, Session};
use crate::{output, pipeline, report};

const AFTER_HELP: &str = "\
Examples:
  buildc build .                                  build ./Dockerfile
  buildc build -t app:1.2 --build-arg V=1.2 .     name the result, set an ARG
  buildc build --target test -f ci/Dockerfile .   stop at the stage `test`
  buildc build -o type=oci,dest=app.tar .         write an OCI archive
  ssh host cat Dockerfile | buildc build -f - .   the Dockerfile from standard input

The id of the image goes to standard output with -q, everything else to standard error.";

// What decides the graph: shared by `build` and `plan`.
#[derive(clap::Args, Debug, Clone)]
pub struct SourceArgs {
    /// A Dockerfile that a bake file holds, in `file`'s place, with the name it is shown by.
    #[arg(skip)]
    pub inline: Option<(String, String)>,
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
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(default_value = "false", action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    pub no_cache: bool,
    /// Run every step of this stage, whatever is cached; repeatable, or with commas
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    pub no_cache_filter: Vec<String>,
    /// Whether cache mounts stay although every step runs: a second build that proves the first takes nothing from anybody.
    #[arg(skip)]
    pub keep_caches: bool,
    /// Ask the registry for newer base images
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(default_value = "false", action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
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
    /// Count times of files like their content: a touched file is a change, and so is a file that was made again
    #[arg(long)]
    pub strict_times: bool,
    /// Take results of steps that the store lacks from here: type=registry,ref=NAME, type=local,src=DIR or type=s3,bucket=NAME,region=NAME; repeatable
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
    /// Of a build file: where it is wrong, say all that led there
    #[arg(long)]
    pub show_trace: bool,
    /// Record what RUN instructions read, and run none again that reads nothing of what changed: on or off
    #[arg(long, value_name = "MODE", default_value = "off", env = "BUILDC_TRACE", hide_env = true)]
    #[arg(hide_possible_values = true)]
    pub trace: Trace,
    /// Switch a pass of the optimiser off or on: -prune, -fold, -dedupe, -link, -reorder, -merge;
    /// repeatable
    #[arg(long, value_name = "-PASS", value_delimiter = ',', allow_hyphen_values = true)]
    pub optimise: Vec<String>,
    /// How many steps may run at once [default: number of CPUs]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

impl SourceArgs {
    /// The value that the last `--build-arg` of a name gives it.
    pub fn argument(&self, name: &str) -> Option<&str> {
        self.build_arg.iter().rev().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='))
    }

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

// Options of `buildc build`.
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
    // For `buildc run`, which builds in a process of its own.
    #[arg(long, hide = true)]
    pub one_image: bool,
    /// Write digests and names to a JSON file
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// Secret for RUN --mount=type=secret
    #[arg(long, value_name = "id=NAME[,src=FILE|,env=VAR]")]
    pub secret: Vec<String>,
    /// ssh agent, or private keys for one, for RUN --mount=type=ssh
    #[arg(long, value_name = "default|ID[=SOCKET|KEY,…]")]
    pub ssh: Vec<String>,
    /// Size of /dev/shm of RUN instructions, for example 256m [default: 64m]
    #[arg(long, value_name = "SIZE")]
    pub shm_size: Option<String>,
    /// Limit of the processes of RUN instructions, for example nofile=1024:2048; repeatable
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    pub ulimit: Vec<String>,
    /// Limit of all processes of a RUN instruction together: memory=512m, memory-swap=1g, cpu-shares=512, cpu-quota=50000,
    /// cpu-period=100000 or cpuset-cpus=0-1; repeatable, or with commas
    #[arg(long, value_name = "NAME=VALUE")]
    pub resource: Vec<String>,
    /// Refused with what to write instead.
    #[arg(long, hide = true, value_name = "GROUP")]
    pub cgroup_parent: Option<String>,
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
    /// Write results of steps for other machines: type=registry,ref=NAME, type=local,dest=DIR, type=s3,bucket=NAME,region=NAME (all also with mode=max)
    /// or type=inline; repeatable
    #[arg(long, value_name = "type=TYPE,…")]
    pub cache_to: Vec<String>,
    /// Push the named image when it is built
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(default_value = "false", action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    pub push: bool,
    /// Annotation of what leaves: of the manifest, or with index: or manifest[linux/amd64]: before it of another document
    #[arg(long, value_name = "[LEVEL:]KEY=VALUE")]
    pub annotation: Vec<String>,
    /// Accepted for Docker's sake: the image is always in the store
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(default_value = "false", action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    pub load: bool,
    /// Accepted for Docker's sake, as the next three are: they mean nothing to a builder without containers and daemons.
    #[arg(long, hide = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub rm: Option<bool>,
    #[arg(long, hide = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub force_rm: Option<bool>,
    #[arg(long, hide = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub compress: Option<bool>,
    #[arg(long, hide = true, value_name = "NAME")]
    pub builder: Option<String>,
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
    let wanted = Delivery::read(&args)?;
    let mut session = Session::open(shell)?;
    let cancel = Cancel::new();
    if args.watch {
        interrupt::cancels(&cancel)?;
        let build = |session: &mut Session| once(session, &args, &wanted, &cancel, shell);
        return watch::repeat(&mut session, &args, &cancel, shell, build);
    }
    once(&mut session, &args, &wanted, &cancel, shell)
}

/// One build and everything that follows it.
fn once(
    session: &mut Session,
    args: &BuildArgs,
    wanted: &Delivery,
    cancel: &Cancel,
    shell: &Shell,
) -> Outcome {
    let begun = std::time::SystemTime::now();
    let Some((compiled, mut products)) = products(session, args, Some(wanted), cancel, shell)? else {
        return Ok(INTERRUPTED);
    };
    if let Some(form) = args.verify {
        let second = verify::second(session, args)?;
        let Some((_, again)) = self::products(session, &second.args, None, cancel, shell)? else {
            return Ok(INTERRUPTED);
        };
        if !verify::report(session, args, form, &products, &again)? {
            return Err(verify::failure());
        }
    }
    let built = Built { plan: &compiled.plan, contexts: &compiled.contexts, begun };
    let pushed = wanted.deliver(session, args, &built, &mut products, cancel, shell)?;
    write_files(session, args, &products, &pushed)?;
    if args.quiet {
        let images = products.iter().map(Product::primary);
        images.into_iter().try_for_each(|image| output::data(&image.id.to_string()))?;
    }
    Ok(0)
}

/// Builds, and tags what is wanted; `None` when the build was interrupted. Ctrl-C sets `cancel`, then and later.
fn products(
    session: &mut Session,
    args: &BuildArgs,
    wanted: Option<&Delivery>,
    cancel: &Cancel,
    shell: &Shell,
) -> Result<Option<(Compiled, Vec<Product>)>, Failure> {
    let options = BuildOptions { cancel: cancel.clone(), ..build_options(args)? };
    let compiled = pipeline::compile(session, &args.source)?;
    wanted.map_or(Ok(()), |wanted| wanted.check(args, &compiled.products()))?;
    let progress = if args.quiet { Progress::Quiet } else { args.progress };
    if !args.quiet {
        report::warn(&compiled.warnings, &compiled.plan.sources, shell.streams);
    }
    let (compiled, Some(outcome)) =
        execution::execute(session, compiled, &args.source, options, progress, shell)?
    else {
        return Ok(None);
    };
    let names = wanted.map_or(&[][..], |wanted| &wanted.names);
    let products = named(args, &outcome, &compiled, names)?;
    execution::tag(session, &outcome, &products, progress)?;
    Ok(Some((compiled, products)))
}

/// Puts the images together with the names of the command line and of their source.
fn named(
    args: &BuildArgs,
    outcome: &build::Outcome,
    compiled: &Compiled,
    names: &[Reference],
) -> Result<Vec<Product>, Failure> {
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
        products.push(product(args, target, images, names)?);
    }
    if products.is_empty() { Err(no_image()) } else { Ok(products) }
}

/// A product as the options of its build want it.
pub fn product(
    args: &BuildArgs,
    target: String,
    images: Vec<(ImageRecord, oci::Platform)>,
    names: Vec<Reference>,
) -> Result<Product, Failure> {
    let mut product = Product::new(target, images, names).ok_or_else(no_image)?;
    for option in &args.annotation {
        product.annotations.extend(export_form::annotations(option)?);
    }
    product.always_index = multi_platform(args)?;
    Ok(product)
}

fn no_image() -> Failure {
    Failure::new("internal::no_image", "The build has made no image")
}

/// A platform as the store's documents have it.
pub fn platform(platform: &buildc_ir::Platform) -> oci::Platform {
    let buildc_ir::Platform { os, arch, variant, os_version } = platform.clone();
    oci::Platform { architecture: arch, os, os_version, variant }
}

/// The build argument that wants an index whatever is built.
pub fn multi_platform(args: &BuildArgs) -> Result<bool, Failure> {
    const NAME: &str = "BUILDKIT_MULTI_PLATFORM";
    let Some(value) = args.source.argument(NAME).filter(|value| !value.is_empty()) else { return Ok(false) };
    let wanted = go::truth(value).ok_or_else(|| {
        Failure::usage(format!("{NAME} is `{value}`, which is not true or false")).help("Write true or false")
    })?;
    if !wanted && args.source.platform.len() > 1 {
        return Err(Failure::usage(format!("{NAME} is `{value}`, and several platforms are an index"))
            .help("Build one platform, or leave the argument out"));
    }
    Ok(wanted)
}

/// What running a build needs of its command line.
pub fn build_options(args: &BuildArgs) -> Result<BuildOptions, Failure> {
    let layering = args.layers.layering();
    let mut options = BuildOptions { jobs: args.source.jobs(), layering, ..BuildOptions::default() };
    let given = given::given(&args.secret, &args.ssh)?;
    (options.secrets, options.ssh) = (given.secrets, given.ssh);
    options.sandbox = given::sandbox(args)?;
    Ok(options)
}

fn write_files(
    session: &Session,
    args: &BuildArgs,
    products: &[Product],
    pushed: &[Option<Pushed>],
) -> Result<(), Failure> {
    if let Some(path) = &args.iidfile {
        let ids: Vec<String> = products.iter().map(|product| product.primary().id.to_string()).collect();
        std::fs::write(path, ids.join("\n")).map_err(|e| Failure::file("write", path, &e))?;
    }
    if let Some(path) = &args.metadata_file {
        // As bake has it: of several images, each under its own name.
        let metadata = match (products, pushed) {
            ([product], [pushed]) => metadata(session, product, pushed.as_ref())?,
            _ => {
                let each = products.iter().zip(pushed).map(|(product, pushed)| {
                    Ok((product.target.clone(), metadata(session, product, pushed.as_ref())?))
                });
                serde_json::Value::Object(each.collect::<Result<_, Failure>>()?)
            }
        };
        std::fs::write(path, format!("{metadata:#}\n")).map_err(|e| Failure::file("write", path, &e))?;
    }
    Ok(())
}

/// Digests and names; what was pushed is spoken of as it is in the registry.
pub fn metadata(
    session: &Session,
    product: &Product,
    pushed: Option<&Pushed>,
) -> Result<serde_json::Value, Failure> {
    let record = product.primary();
    let names: Vec<String> = product.names.iter().map(Reference::to_string).collect();
    let media_type = match pushed {
        Some(_) if product.is_index() => oci::media_type::OCI_INDEX,
        Some(pushed) if pushed.digest != record.manifest => oci::media_type::OCI_MANIFEST,
        _ => &record.manifest_media_type,
    };
    let (digest, size) = match pushed {
        Some(pushed) => (pushed.digest, Some(pushed.size_bytes)),
        None => (record.manifest, session.store.blob_size(&record.manifest)?),
    };
    let digest = digest.to_string();
    Ok(serde_json::json!({
        "containerimage.digest": digest,
        "containerimage.config.digest": record.id.to_string(),
        "containerimage.descriptor": { "mediaType": media_type, "digest": digest, "size": size },
        "image.name": names.join(","),
    }))
}
