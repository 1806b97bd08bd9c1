//! `load`, `save`, `import`: images in files.

use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use buildc_executor::config_json::ConfigDocument;
use buildc_ir::{History, Platform, Reference};
use buildc_store::archive::{self, Format};
use clap::ValueEnum;
use serde_json::Value;

use super::Shell;
use super::export::Target;
use crate::failure::{Failure, Outcome};
use crate::session::{self, Session};
use crate::{changes, epoch, output, units};

/// Form of a saved image.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchiveFormat {
    /// docker-archive: what `docker save` writes.
    #[value(alias = "docker")]
    DockerArchive,
    /// A tar of an OCI layout.
    #[value(alias = "oci")]
    OciArchive,
    /// An OCI layout directory.
    OciDir,
}

// Options of `buildc load`.
#[derive(clap::Args, Debug)]
pub struct LoadArgs {
    /// File, or OCI layout directory [default: standard input]
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Print only what was loaded
    #[arg(short, long)]
    quiet: bool,
}

// Options of `buildc save`.
#[derive(clap::Args, Debug)]
pub struct SaveArgs {
    /// File [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// docker-archive, oci-archive or oci-dir
    #[arg(
        long,
        value_enum,
        default_value = "docker-archive",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    format: ArchiveFormat,
    /// Names or ids
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

const IMPORT_HELP: &str = "\
Examples:
  mmdebstrap trixie base.tar && buildc import base.tar debian:trixie
  tar -C rootfs -c . | buildc import -c 'CMD [\"/bin/sh\"]' - mybase";

// Options of `buildc import`.
#[derive(clap::Args, Debug)]
#[command(after_help = IMPORT_HELP)]
pub struct ImportArgs {
    /// Instruction to apply: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR…; repeatable
    #[arg(short, long, value_name = "INSTRUCTION")]
    change: Vec<String>,
    /// Comment in the image's history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Platform of the image [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    /// Tar archive (compressed or not), or - for standard input
    file: PathBuf,
    /// Name of the image
    #[arg(value_name = "NAME[:TAG]")]
    name: Option<String>,
}

/// What an `--input FILE` means: `None` for standard input, without it and for `-`.
pub(super) fn input_file(input: Option<&Path>) -> Result<Option<&Path>, Failure> {
    let file = input.filter(|path| path.as_os_str() != "-");
    if file.is_none() && std::io::stdin().is_terminal() {
        return Err(
            Failure::usage("Nothing to load: standard input is a terminal").help("Name a file with -i")
        );
    }
    Ok(file)
}

/// Reads images.
pub fn load(args: LoadArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let loaded = match input_file(args.input.as_deref())? {
        Some(path) => {
            path.metadata().map_err(|e| Failure::file("load", path, &e))?;
            archive::load_path(&session.store, path)?
        }
        None => archive::load(&session.store, &mut std::io::stdin().lock())?,
    };
    for one in loaded {
        let id = one.image.id.to_string();
        if one.names.is_empty() {
            output::data(&if args.quiet { id.clone() } else { format!("Loaded image ID: {id}") })?;
            if !args.quiet {
                output::say(&format!("The archive does not name it; `buildc tag {id} NAME` does"));
            }
        }
        for name in one.names.iter().map(|n| familiar(n)) {
            output::data(&if args.quiet { name } else { format!("Loaded image: {name}") })?;
        }
    }
    Ok(0)
}

/// Writes images.
pub fn save(args: SaveArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let mut words = Vec::new();
    for name in &args.images {
        let image = session.image(name)?;
        let tag = name.parse::<Reference>().ok().map(|r| r.to_string()).filter(|t| image.tags.contains(t));
        words.push(tag.unwrap_or_else(|| image.id.to_string()));
    }
    let target = Target::given(args.output);
    let format = match args.format {
        ArchiveFormat::DockerArchive => Format::DockerArchive,
        ArchiveFormat::OciArchive => Format::OciArchive,
        ArchiveFormat::OciDir => match &target {
            Target::File(dir) => {
                archive::save_oci_dir(&session.store, &words, dir)?;
                return Ok(0);
            }
            Target::Stdout => {
                return Err(Failure::usage("An OCI layout directory needs a name").help("Add -o DIR"));
            }
        },
    };
    target.fill(|out| Ok(archive::save(&session.store, &words, format, out)?))?;
    Ok(0)
}

/// Makes an image of a root file system and prints its id.
pub fn import(args: ImportArgs, shell: &Shell) -> Outcome {
    let name = args.name.as_deref().map(session::new_name).transpose()?;
    let platform = session::platform(args.platform.as_deref())?;
    let config = import_config(&args, platform)?;
    let session = Session::open(shell)?;
    let image = if args.file.as_os_str() == "-" {
        archive::import_rootfs(&session.store, &args.file, &mut std::io::stdin().lock(), config)?
    } else {
        let mut file = File::open(&args.file).map_err(|e| Failure::file("read", &args.file, &e))?;
        archive::import_rootfs(&session.store, &args.file, &mut file, config)?
    };
    if let Some(name) = name {
        session.store.tag(&name.to_string(), &image.id)?;
    }
    output::data(&image.id.to_string())?;
    Ok(0)
}

/// The config that the `--change` instructions make, with one line of history. Nothing of the machine is in it: the file's
/// name without its directory, and no time after SOURCE_DATE_EPOCH.
fn import_config(args: &ImportArgs, platform: Platform) -> Result<Value, Failure> {
    let now = i64::try_from(units::now()).unwrap_or(0);
    let now = units::rfc3339(epoch::of_environment()?.map_or(now, |epoch| epoch.min(now)));
    let file =
        args.file.file_name().map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned());
    let comment = args.message.clone().unwrap_or_else(|| format!("Imported from {file}"));
    let document = ConfigDocument {
        config: changes::config(&args.change, platform)?,
        created: Some(now.clone()),
        diff_ids: Vec::new(),
        history: vec![History {
            created: Some(now),
            created_by: Some("buildc import".to_owned()),
            comment: Some(comment),
            ..History::default()
        }],
    };
    let bytes = document.write().map_err(|e| Failure::told("internal::json", &e, None))?;
    serde_json::from_slice(&bytes).map_err(|e| Failure::told("internal::json", &e, None))
}

fn familiar(name: &str) -> String {
    name.parse::<Reference>().map_or_else(|_| name.to_owned(), |r| r.familiar())
}
