//! `buildc run` and `buildc create`: a new container from an image or from a directory with a Dockerfile.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;

use buildc_executor::Cancel;
use buildc_executor::container::{self, Container, StartOptions};
use buildc_store::ImageRecord;

use super::Shell;
use super::container_options::{ContainerOptions, Source};
use super::foreign;
use super::registry::{self, PullWhen};
use crate::build_file;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::session::{self, Session};

const RUN_HELP: &str = "\
Examples:
  buildc run --rm busybox echo hello              run, show the output, remove
  buildc run -d --name web -p 8080:80 nginx       in the background with a published port
  buildc run --rm -it debian bash                 a shell
  buildc run --rm -v \"$PWD\":/src -w /src node npm test
  buildc run --rm ./examples/node-hello           build the directory's Dockerfile and run it
  buildc run --rm -f build.nix -A web             build an image of a build file and run it

The exit code is the command's; 125 when buildc fails, 126 when the command cannot be run, 127 when
it is not found. A word is a directory when it begins with `.` or `/`, or when it names a directory
with a Dockerfile or build.nix and no image. With `-f FILE.nix` all words are the command.";

// Options of `buildc run`.
#[derive(clap::Args, Debug)]
#[command(after_help = RUN_HELP, disable_help_flag = true)]
#[command(override_usage = "buildc run [OPTIONS] IMAGE|DIR [COMMAND...]")]
pub struct RunArgs {
    /// Run in the background and print the container's id
    #[arg(short, long)]
    detach: bool,
    /// Remove the container when it has stopped
    #[arg(long)]
    rm: bool,
    #[command(flatten)]
    options: ContainerOptions,
}

// Options of `buildc create`.
#[derive(clap::Args, Debug)]
#[command(disable_help_flag = true, override_usage = "buildc create [OPTIONS] IMAGE|DIR [COMMAND...]")]
pub struct CreateArgs {
    /// Remove the container when it has stopped
    #[arg(long)]
    rm: bool,
    #[command(flatten)]
    options: ContainerOptions,
}

/// Makes and starts a container; in the foreground its status is ours.
pub fn run(args: RunArgs, shell: &Shell) -> Outcome {
    let options = &args.options;
    if options.interactive && options.tty && !args.detach && !std::io::stdin().is_terminal() {
        return Err(Failure::usage("-it needs a terminal, and standard input is none").help("Leave out -t"));
    }
    let image = source_image(options, shell)?;
    let (session, standby) = Session::open_with_standby(shell, options.network == "none")?;
    let container = make(&session, options, &image, args.rm, shell)?;
    let start = StartOptions {
        standby,
        attach: !args.detach,
        attach_stdin: options.interactive && !args.detach,
        ..StartOptions::default()
    };
    let attached = match container::start(&session.store, &container, start) {
        Ok(attached) => attached,
        Err(error) => {
            if args.rm {
                // The start's failure is what is worth telling; a container that is gone already needs no removal.
                let _ = container::remove(&session.store, &container, true, true);
            }
            return Err(error.into());
        }
    };
    for warning in attached.warnings() {
        output::say(&format!("warning: {warning}"));
    }
    if args.detach {
        output::data(&container.id)?;
        return Ok(0);
    }
    Ok(attached.wait()?)
}

/// Makes a container and prints its id.
pub fn create(args: CreateArgs, shell: &Shell) -> Outcome {
    let image = source_image(&args.options, shell)?;
    let session = Session::open(shell)?;
    let container = make(&session, &args.options, &image, args.rm, shell)?;
    output::data(&container.id)?;
    Ok(0)
}

fn make(
    session: &Session,
    options: &ContainerOptions,
    image: &str,
    remove: bool,
    shell: &Shell,
) -> Result<Container, Failure> {
    if let Some(path) = &options.cidfile
        && path.exists()
    {
        return Err(
            Failure::usage(format!("--cidfile `{}` exists already", path.display())).help("Remove it first")
        );
    }
    let spec = options.spec(image, remove)?;
    let record = image_to_run(session, image, options, shell)?;
    let container = container::create(&session.store, &record, spec)?;
    if let Some(path) = &options.cidfile {
        std::fs::write(path, &container.id).map_err(|e| Failure::file("write", path, &e))?;
    }
    Ok(container)
}

/// The image in the store, fetched first where `--pull` wants it or `--platform` wants another.
fn image_to_run(
    session: &Session,
    name: &str,
    options: &ContainerOptions,
    shell: &Shell,
) -> Result<ImageRecord, Failure> {
    let known = session.find_image(name)?;
    match (known, options.pull) {
        (Some(image), PullWhen::Missing | PullWhen::Never) => match &options.platform {
            Some(text) => {
                let wanted = session::platform(Some(text))?;
                foreign::of_platform(session, name, image, &wanted, options.pull, shell)
            }
            None => Ok(image),
        },
        (None, PullWhen::Never) => session.image(name),
        _ => {
            let platform = session::platform(options.platform.as_deref())?;
            session::reference(name)?;
            // Nothing runs yet, so Ctrl-C may simply end the process.
            let image = registry::fetch(session, name, &platform, false, &Cancel::new(), shell)?;
            match &options.platform {
                Some(_) => foreign::checked(session, name, image, &platform),
                None => Ok(image),
            }
        }
    }
}

/// The image to run: the word itself, or the id of what is built.
fn source_image(options: &ContainerOptions, shell: &Shell) -> Result<String, Failure> {
    let word = match options.source()? {
        Source::BuildFile(file) => return build(Some(file), Path::new("."), options, shell),
        Source::Dockerfile { file, directory } => return build(Some(file), directory, options, shell),
        Source::Word(word) => word,
    };
    let directory = Path::new(word);
    let path_like = word.starts_with(['.', '/']);
    let has_source = || {
        let dockerfile = ["Dockerfile", "dockerfile"].iter().any(|name| directory.join(name).is_file());
        dockerfile || build_file::default_file(directory).is_some()
    };
    let wanted = path_like || options.attribute.is_some();
    if !wanted && (!has_source() || is_image(word, shell)?) {
        return Ok(word.to_owned());
    }
    build(None, directory, options, shell)
}

/// Whether the store has an image of this name. Asked in a process of its own: opening the store enters the user
/// namespace of who is not root, and a build started from there would take itself for root's.
fn is_image(word: &str, shell: &Shell) -> Result<bool, Failure> {
    let (program, mut command) = own_command(shell)?;
    command.args(["inspect", "--type", "image", "--format", "{{.Id}}", "--", word]);
    let output = command.output().map_err(|e| Failure::file("run", &program, &e))?;
    Ok(output.status.success())
}

/// This program with the store of this command.
fn own_command(shell: &Shell) -> Result<(PathBuf, Command), Failure> {
    let program =
        std::env::current_exe().map_err(|e| Failure::file("find", Path::new("/proc/self/exe"), &e))?;
    let mut command = Command::new(&program);
    if let Some(root) = &shell.global.root {
        command.arg("--root").arg(root);
    }
    Ok((program, command))
}

/// Builds in a process of its own: the threads and signal handlers of a build have no place in one that becomes the
/// foreground of a container.
fn build(
    file: Option<&Path>,
    directory: &Path,
    options: &ContainerOptions,
    shell: &Shell,
) -> Result<String, Failure> {
    let (program, mut command) = own_command(shell)?;
    let id_file = std::env::temp_dir().join(format!("buildc-run-{}.iid", std::process::id()));
    command.args(["build", "--one-image", "--iidfile"]).arg(&id_file);
    if let Some(platform) = &options.platform {
        command.args(["--platform", platform]);
    }
    if let Some(file) = file {
        command.arg("--file").arg(file);
    }
    if let Some(attribute) = &options.attribute {
        command.args(["--attr", attribute]);
    }
    for (flag, pairs) in [("--arg", &options.arg), ("--argstr", &options.argstr)] {
        for pair in pairs.chunks(2) {
            command.arg(flag).args(pair);
        }
    }
    for value in &options.build_arg {
        command.arg("--build-arg").arg(value);
    }
    let status = command.arg("--").arg(directory).status().map_err(|e| Failure::file("run", &program, &e))?;
    let id = std::fs::read_to_string(&id_file);
    // Left behind it would only be a small file with an id.
    let _ = std::fs::remove_file(&id_file);
    if !status.success() {
        return Err(Failure::Said(super::CONTAINER_TOOL_FAILED));
    }
    id.map_err(|e| Failure::file("read", &id_file, &e))
}
