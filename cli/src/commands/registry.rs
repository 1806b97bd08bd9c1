//! `pull`, `push`, `login`, `logout`: images and registries.

use std::io::{Read, Write};

use buildc_executor::Cancel;
use buildc_ir::{Platform, Reference};
use buildc_store::ImageRecord;
use buildc_store::export::Release;
use buildc_store::remote::{Client, Pushed, RemoteError, StoredIn, Watch};
use clap::ValueEnum;

use super::Shell;
use crate::failure::{Failure, Outcome, os_text};
use crate::interrupt::{self, INTERRUPTED};
use crate::render::Transfer;
use crate::session::{self, Session};
use crate::{output, report};

/// When an image is fetched.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum PullWhen {
    /// When it is not in the store.
    Missing,
    /// Whenever the registry has a newer one.
    Always,
    /// Never.
    Never,
}

// Options of `buildc pull`.
#[derive(clap::Args, Debug)]
pub struct PullArgs {
    /// Print only the name
    #[arg(short, long)]
    quiet: bool,
    /// Platform to fetch, for example linux/arm64 [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    /// Names
    #[arg(required = true, value_name = "NAME[:TAG|@DIGEST]")]
    images: Vec<String>,
}

// Options of `buildc push`.
#[derive(clap::Args, Debug)]
pub struct PushArgs {
    /// Print only the digest
    #[arg(short, long)]
    quiet: bool,
    /// Names; an image is pushed under its name, so `buildc tag` it first
    #[arg(required = true, value_name = "NAME[:TAG]")]
    images: Vec<String>,
}

// Options of `buildc login`.
#[derive(clap::Args, Debug)]
pub struct LoginArgs {
    /// User name
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Password; --password-stdin keeps it out of the shell's history
    #[arg(short, long, value_name = "PASSWORD")]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long, conflicts_with = "password")]
    password_stdin: bool,
    /// Registry, for example registry.example.com:5000
    #[arg(default_value = "docker.io", value_name = "REGISTRY")]
    registry: String,
}

// Options of `buildc logout`.
#[derive(clap::Args, Debug)]
pub struct LogoutArgs {
    /// Registry
    #[arg(default_value = "docker.io", value_name = "REGISTRY")]
    registry: String,
}

/// Fetches images; goes on after a failure.
pub fn pull(args: PullArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let platform = session::platform(args.platform.as_deref())?;
    let cancel = Cancel::new();
    interrupt::ends_transfers(&cancel)?;
    each(&args.images, shell, |name| {
        let image = fetch(&session, name, &platform, args.quiet, &cancel, shell)?;
        let reference = session::reference(name)?;
        if !args.quiet {
            output::say(&format!("Pulled {} {}", reference.familiar(), image.manifest));
        }
        output::data(&reference.to_string())
    })
}

/// Fetches one image, showing progress. Ends early when `cancel` is set.
pub fn fetch(
    session: &Session,
    name: &str,
    platform: &Platform,
    quiet: bool,
    cancel: &Cancel,
    shell: &Shell,
) -> Result<ImageRecord, Failure> {
    let client = Client::from_environment()?;
    let platform = platform.to_string().parse().map_err(|e| Failure::told("usage::platform", &e, None))?;
    let transfer = Transfer::start("Pulling", name, quiet, shell.streams);
    let watch = Watch { progress: &|p| transfer.show(p), cancelled: &|| cancel.is_cancelled() };
    let result = client.pull(&session.store, name, &platform, watch);
    transfer.finish();
    result.map_err(transfer_failure)
}

/// A transfer that the user ended says so and is no failure of anybody.
pub fn transfer_failure(error: RemoteError) -> Failure {
    if let RemoteError::Cancelled = error {
        output::say("The transfer was cancelled; what arrived whole is kept");
        return Failure::Said(INTERRUPTED);
    }
    error.into()
}

/// Sends images; goes on after a failure.
pub fn push(args: PushArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let cancel = Cancel::new();
    interrupt::ends_transfers(&cancel)?;
    each(&args.images, shell, |name| {
        push_one(&session, &session::new_name(name)?, args.quiet, &cancel, shell)
    })
}

/// Sends one image under its name and prints what it became. Ends early when `cancel` is set.
pub fn push_one(
    session: &Session,
    name: &Reference,
    quiet: bool,
    cancel: &Cancel,
    shell: &Shell,
) -> Result<(), Failure> {
    let full = name.to_string();
    let record = session.store.image(&full)?.ok_or_else(|| RemoteError::NotInStore { name: full })?;
    push_release(session, &Release::of(record), name, quiet, cancel, shell).map(drop)
}

/// Sends a release under a name, prints what it became and tells it. Ends early when `cancel` is set.
pub fn push_release(
    session: &Session,
    release: &Release,
    name: &Reference,
    quiet: bool,
    cancel: &Cancel,
    shell: &Shell,
) -> Result<Pushed, Failure> {
    let client = Client::from_environment()?;
    let transfer = Transfer::start("Pushing", &name.familiar(), quiet, shell.streams);
    let watch = Watch { progress: &|p| transfer.show(p), cancelled: &|| cancel.is_cancelled() };
    let result = client.push_release(&session.store, release, &name.to_string(), watch);
    transfer.finish();
    let pushed = result.map_err(transfer_failure)?;
    if !quiet {
        output::say(&format!("Pushed {}", name.familiar()));
    }
    output::data(&format!("{}@{}", name.repository(), pushed.digest))?;
    Ok(pushed)
}

/// Does something for each name until the user ends it; the exit code is that of the last failure.
fn each(names: &[String], shell: &Shell, mut act: impl FnMut(&str) -> Result<(), Failure>) -> Outcome {
    let mut code = 0;
    for name in names {
        if let Err(failure) = act(name) {
            report::failure(&failure, shell.streams);
            code = failure.exit_code();
            if code == INTERRUPTED {
                break;
            }
        }
    }
    Ok(code)
}

/// Checks credentials and keeps them.
pub fn login(args: LoginArgs, _shell: &Shell) -> Outcome {
    let username = match args.username {
        Some(name) => name,
        None if args.password_stdin => return Err(Failure::usage("--password-stdin needs -u NAME")),
        None => ask("Username: ")?,
    };
    let password = match args.password {
        Some(password) => password,
        None if args.password_stdin => {
            let mut text = String::new();
            std::io::stdin().take(64 << 10).read_to_string(&mut text).map_err(|e| unreadable(&e))?;
            text.trim_end_matches(['\n', '\r']).to_owned()
        }
        None => rpassword::prompt_password("Password: ").map_err(|e| unreadable(&e))?,
    };
    match Client::from_environment()?.login(&args.registry, &username, &password)? {
        StoredIn::File(path) => output::say(&format!(
            "Logged in to {}; the password is readable in `{}`, a credential helper would hide it",
            args.registry,
            path.display()
        )),
        StoredIn::Helper(name) => output::say(&format!("Logged in to {}; kept by `{name}`", args.registry)),
    }
    Ok(0)
}

fn ask(prompt: &str) -> Result<String, Failure> {
    eprint_flush(prompt);
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|e| unreadable(&e))?;
    match line.trim() {
        "" => {
            Err(Failure::usage("No user name was given").help("Use -u NAME and --password-stdin in scripts"))
        }
        name => Ok(name.to_owned()),
    }
}

fn eprint_flush(text: &str) {
    let mut err = std::io::stderr().lock();
    // Without a prompt the answer can still be typed.
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::new("input::unreadable", format!("Cannot read the answer: {}", os_text(error)))
        .help("Use -u NAME and --password-stdin in scripts")
}

/// Forgets credentials.
pub fn logout(args: LogoutArgs, _shell: &Shell) -> Outcome {
    let known = Client::from_environment()?.logout(&args.registry)?;
    output::say(&if known {
        format!("Logged out from {}", args.registry)
    } else {
        format!("There was no login for {}", args.registry)
    });
    Ok(0)
}
