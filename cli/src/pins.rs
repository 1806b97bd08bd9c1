//! The lock of a source: where it stands, how its pins count, and what a source asks for that can be pinned.

use std::path::{Path, PathBuf};

use buildc_executor::lock::{self, Mode};
use buildc_ir::lock::Lock;
use buildc_ir::{Diagnostic, SourceMap};

use crate::build_file;
use crate::commands::build::SourceArgs;
use crate::failure::Failure;
use crate::frontend::Frontend;
use crate::pipeline;
use crate::session::{self, Session};

/// Where the lock of a source stands: beside it. `None` for what is not a file of this machine.
pub fn path(args: &SourceArgs) -> Option<PathBuf> {
    let beside = |file: &Path| Some(file.parent()?.join(lock::FILE_NAME));
    match &args.file {
        _ if !args.context.is_dir() => None,
        Some(file) if !file.is_file() => None,
        Some(file) => beside(&std::path::absolute(file).ok()?),
        None => Some(args.context.join(lock::FILE_NAME)),
    }
}

/// How the pins of a source count: those of a lock that is there always do, unless newer images are asked for.
pub fn mode(args: &SourceArgs) -> Result<Mode, Failure> {
    let path = path(args);
    let found = path.as_deref().map(lock::read).transpose()?.flatten();
    match found {
        Some(lock) if args.locked => Ok(Mode::Only(lock)),
        Some(lock) if !args.pull => Ok(Mode::Honoured(lock)),
        None if args.locked => {
            let message = match path {
                Some(path) => format!("--locked needs a lock, and there is no `{}`", path.display()),
                None => "--locked needs a lock, which stands beside a source on this machine".to_owned(),
            };
            Err(Failure::new("lock::missing", message).help("`buildc lock` makes it"))
        }
        _ => Ok(Mode::Honoured(Lock::default())),
    }
}

/// Lowers a source only for what it asks of the world; gives its warnings and the lock with all answers.
pub fn resolve(
    session: &mut Session,
    args: &SourceArgs,
    mode: Mode,
) -> Result<(Vec<Diagnostic>, SourceMap, Lock), Failure> {
    if let Some(path) = build_file::path(args) {
        return build_file::lock(session, args, &path, mode);
    }
    let mut frontend = Frontend::read(args)?;
    session.hold()?;
    let ast = frontend.parse()?;
    let resolver = frontend.resolver(session, mode);
    let platforms = session::platforms(&args.platform)?;
    let Frontend { mut sources, options, mut warnings, .. } = frontend;
    pipeline::lower_all(&ast, &mut sources, &options, &platforms, &resolver, &mut warnings)?;
    Ok((warnings, sources, resolver.into_lock()))
}
