//! `build --output`: where a built image goes besides the store.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use buildc_ir::Reference;
use buildc_store::archive::{self, Format};
use buildc_store::{ImageRecord, Store};

use crate::failure::Failure;
use crate::session::Session;

/// Bytes collected before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// One `--output`.
#[derive(Debug, PartialEq, Eq)]
pub enum Export {
    /// The files, in a directory.
    Local(PathBuf),
    /// The files, in a tar.
    Tar(Target),
    /// An archive of the image.
    Archive(Format, Target),
    /// An OCI layout directory.
    OciDir(PathBuf),
    /// Nothing more than the store, or a registry.
    Image {
        /// True when the image is pushed under its names.
        push: bool,
    },
}

/// Where bytes go.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl Target {
    fn of(path: &str) -> Self {
        if path == "-" { Self::Stdout } else { Self::File(path.into()) }
    }

    /// Gives a writer to `write`; what fails half-way leaves no file.
    pub fn fill(&self, write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
        match self {
            Self::Stdout if std::io::stdout().is_terminal() => {
                Err(Failure::usage("An archive is not written to a terminal")
                    .help("Name a file, or redirect standard output"))
            }
            Self::Stdout => {
                let mut out = BufWriter::with_capacity(BUFFER_BYTES, std::io::stdout().lock());
                write(&mut out)?;
                out.flush().map_err(Failure::Output)
            }
            Self::File(path) => to_file(path, write),
        }
    }
}

fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let file = std::fs::File::create(path).map_err(|e| Failure::file("write", path, &e))?;
    let regular = file.metadata().is_ok_and(|m| m.is_file());
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    let result = write(&mut out).and_then(|()| out.flush().map_err(|e| Failure::file("write", path, &e)));
    if result.is_err() && regular {
        // The failure is what is worth telling, not that its remains could not be removed.
        let _ = std::fs::remove_file(path);
    }
    result
}

impl Export {
    /// Reads `DIR`, `-`, or `type=TYPE[,dest=PATH][,…]`.
    pub fn parse(option: &str) -> Result<Self, Failure> {
        let fail = |why: String| {
            Failure::usage(format!("--output `{option}`: {why}"))
                .help("Types: local, tar, oci, docker, image, registry; for example type=oci,dest=app.tar")
        };
        if !option.contains("type=") {
            return Ok(if option == "-" { Self::Tar(Target::Stdout) } else { Self::Local(option.into()) });
        }
        let (mut kind, mut dest, mut tar, mut push) = ("", None, true, false);
        for field in option.split(',') {
            match field.split_once('=') {
                Some(("type", value)) => kind = value,
                Some(("dest", value)) => dest = Some(value),
                Some(("tar", value)) => tar = value == "true",
                Some(("push", value)) => push = value == "true",
                _ => return Err(fail(format!("`{field}` is not understood"))),
            }
        }
        let target = |default: &str| Target::of(dest.unwrap_or(default));
        Ok(match kind {
            "local" => Self::Local(dest.ok_or_else(|| fail("dest= is missing".to_owned()))?.into()),
            "oci" if !tar => Self::OciDir(dest.ok_or_else(|| fail("dest= is missing".to_owned()))?.into()),
            "tar" => Self::Tar(target("-")),
            "oci" => Self::Archive(Format::OciArchive, target("-")),
            "docker" if dest.is_some() => Self::Archive(Format::DockerArchive, target("-")),
            "docker" => Self::Image { push: false },
            "image" => Self::Image { push },
            "registry" => Self::Image { push: true },
            other => return Err(fail(format!("there is no type `{other}`"))),
        })
    }

    /// True when the image goes to a registry.
    pub fn pushes(&self) -> bool {
        *self == Self::Image { push: true }
    }

    /// Writes the image.
    pub fn write(&self, session: &Session, image: &ImageRecord, names: &[Reference]) -> Result<(), Failure> {
        let store: &Store = &session.store;
        let mut words: Vec<String> = names.iter().map(Reference::to_string).collect();
        if words.is_empty() {
            words.push(image.id.to_string());
        }
        match self {
            Self::Local(dir) => archive::export_dir(store, image, dir)?,
            Self::OciDir(dir) => archive::save_oci_dir(store, &words, dir)?,
            Self::Tar(target) => target.fill(|out| Ok(archive::export_tar(store, image, out)?))?,
            Self::Archive(format, target) => {
                target.fill(|out| Ok(archive::save(store, &words, *format, out)?))?
            }
            Self::Image { .. } => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_as_docker_reads_them() {
        let file = |p: &str| Target::File(p.into());
        for (option, want) in [
            ("out", Export::Local("out".into())),
            ("-", Export::Tar(Target::Stdout)),
            ("type=tar", Export::Tar(Target::Stdout)),
            ("type=oci,dest=a.tar", Export::Archive(Format::OciArchive, file("a.tar"))),
            ("type=oci,tar=false,dest=a", Export::OciDir("a".into())),
            ("type=docker", Export::Image { push: false }),
            ("type=docker,dest=a.tar", Export::Archive(Format::DockerArchive, file("a.tar"))),
            ("type=image,push=true", Export::Image { push: true }),
            ("type=registry", Export::Image { push: true }),
        ] {
            assert_eq!(Export::parse(option).unwrap(), want, "{option}");
        }
        for option in ["type=zip", "type=local", "type=oci,foo=1"] {
            assert!(Export::parse(option).is_err(), "{option}");
        }
    }
}
