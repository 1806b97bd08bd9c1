//! `build --output`: where what was built goes besides the store.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use buildc_ir::{Reference, go};
use buildc_store::archive::{self, Format};
use buildc_store::export::Form;
use buildc_store::{ImageRecord, Store, oci};

use super::export_form::{FormOptions, fields};
use crate::failure::Failure;
use crate::product::Product;
use crate::session::{self, Session};

/// Bytes collected before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// One `--output`.
#[derive(Debug, PartialEq, Eq)]
pub struct Export {
    kind: Kind,
    form: Form,
    /// Names besides those of `--tag`.
    names: Vec<Reference>,
}

/// The form and place of an output.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The files, in a directory.
    Local {
        dir: PathBuf,
        /// Whatever else is there is removed.
        exact: bool,
        /// Each platform has a directory of its own; by default where several may be.
        split: Option<bool>,
    },
    /// The files, in a tar.
    Tar {
        target: Target,
        /// Each platform has a directory of its own; by default where several may be.
        split: Option<bool>,
    },
    /// What `docker save` writes.
    Docker(Target),
    /// An OCI layout in a tar.
    Oci(Target),
    /// An OCI layout directory.
    OciDir(PathBuf),
    /// Nothing more than the store, or a registry.
    Image {
        /// True when the image is pushed under its names.
        push: bool,
    },
    /// Nothing: only the steps were wanted.
    Nothing,
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

    /// What an `--output FILE` means: standard output without it and for `-`.
    pub fn given(output: Option<PathBuf>) -> Self {
        output.filter(|path| path.as_os_str() != "-").map_or(Self::Stdout, Self::File)
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

/// The keys of one `--output` that are not about the form.
#[derive(Default)]
struct Keys {
    kind: String,
    dest: Option<String>,
    tar: Option<bool>,
    push: bool,
    exact: bool,
    split: Option<bool>,
    names: Vec<Reference>,
}

impl Keys {
    /// Takes a key; false when it is unknown.
    fn take(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "type" => self.kind = value.to_owned(),
            "dest" => self.dest = Some(value.to_owned()),
            "tar" => self.tar = Some(truth(key, value)?),
            "push" => self.push = truth(key, value)?,
            // The one switch that is not on when it stands alone.
            "platform-split" if value.is_empty() => return Err(format!("{key}= wants true or false")),
            "platform-split" => self.split = Some(truth(key, value)?),
            "mode" => match value {
                "copy" => self.exact = false,
                "delete" => self.exact = true,
                _ => return Err(format!("mode is copy or delete, not `{value}`")),
            },
            "name" => {
                for name in value.split(',') {
                    self.names.push(session::new_name(name).map_err(|failure| failure.to_string())?);
                }
            }
            // What these say is always so here, or speaks of another kind of store.
            "unpack" | "store" | "name-canonical" | "rewrite-timestamp" | "prefer-nondist-layers" => {
                truth(key, value).map(drop)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn kind(&self) -> Result<Kind, String> {
        let directory = || self.dest.as_ref().map(PathBuf::from).ok_or_else(|| "dest= is missing".to_owned());
        let target = || Target::of(self.dest.as_deref().unwrap_or("-"));
        Ok(match self.kind.as_str() {
            "local" => Kind::Local { dir: directory()?, exact: self.exact, split: self.split },
            "oci" if self.tar == Some(false) => Kind::OciDir(directory()?),
            "tar" => Kind::Tar { target: target(), split: self.split },
            "oci" => Kind::Oci(target()),
            "docker" if self.dest.is_some() => Kind::Docker(target()),
            "docker" => Kind::Image { push: false },
            "image" => Kind::Image { push: self.push },
            "registry" => Kind::Image { push: true },
            "cacheonly" => Kind::Nothing,
            other => return Err(format!("there is no type `{other}`")),
        })
    }
}

/// A switch as BuildKit's exporters read it; a key alone is true.
pub(super) fn truth(key: &str, value: &str) -> Result<bool, String> {
    let word = if value.is_empty() { Some(true) } else { go::truth(value) };
    word.ok_or_else(|| format!("{key}=`{value}` is not true or false"))
}

impl Export {
    /// Reads `DIR`, `-`, or `type=TYPE[,dest=PATH][,…]`.
    pub fn parse(option: &str) -> Result<Self, Failure> {
        let plain = |kind| Ok(Self { kind, form: Form::default(), names: Vec::new() });
        if option == "-" {
            return plain(Kind::Tar { target: Target::Stdout, split: None });
        }
        if !option.contains("type=") {
            return plain(Kind::Local { dir: option.into(), exact: false, split: None });
        }
        Self::keys(option).map_err(|why| {
            Failure::usage(format!("--output `{option}`: {why}"))
                .help("Types: local, tar, oci, docker, image, registry, cacheonly; for example type=oci,dest=app.tar")
        })
    }

    fn keys(option: &str) -> Result<Self, String> {
        let (mut keys, mut form) = (Keys::default(), FormOptions::default());
        for field in fields(option) {
            let (key, value) = field.split_once('=').unwrap_or((&field, ""));
            if !keys.take(key, value)? && !form.take(key, value)? {
                return Err(format!("`{field}` is not understood"));
            }
        }
        Ok(Self { kind: keys.kind()?, form: form.form()?, names: keys.names })
    }

    /// True when the image goes to a registry.
    pub fn pushes(&self) -> bool {
        self.kind == Kind::Image { push: true }
    }

    /// The names that it gives the image.
    pub fn names(&self) -> &[Reference] {
        &self.names
    }

    /// The form in which its images leave.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// Writes what was built; files by themselves have the time of an `epoch`.
    pub fn write(&self, session: &Session, product: &Product, epoch: Option<i64>) -> Result<(), Failure> {
        let store: &Store = &session.store;
        let names: Vec<String> = product.names.iter().map(Reference::to_string).collect();
        match &self.kind {
            Kind::Local { dir, exact, split } => local((store, epoch), product, dir, *exact, *split)?,
            Kind::OciDir(dir) => {
                archive::save_release_dir(store, &product.release(&self.form)?, &names, dir)?;
            }
            Kind::Tar { target, split } => tar((store, epoch), product, target, *split)?,
            Kind::Oci(target) => {
                let release = product.release(&self.form)?;
                target.fill(|out| Ok(archive::save_release(store, &release, &names, out)?))?;
            }
            Kind::Docker(target) => docker(store, product.only("type=docker")?, names, target)?,
            Kind::Image { .. } | Kind::Nothing => {}
        }
        Ok(())
    }
}

fn docker(store: &Store, image: &ImageRecord, names: Vec<String>, target: &Target) -> Result<(), Failure> {
    let words = if names.is_empty() { vec![image.id.to_string()] } else { names };
    target.fill(|out| Ok(archive::save(store, &words, Format::DockerArchive, out)?))
}

/// Whether files go below `linux_amd64` and the like.
fn is_split(product: &Product, split: Option<bool>) -> bool {
    split.unwrap_or(product.always_index || product.images.len() > 1)
}

/// Writes the files as one tar; of several platforms below `linux_amd64` and the like.
fn tar(
    (store, epoch): (&Store, Option<i64>),
    product: &Product,
    target: &Target,
    split: Option<bool>,
) -> Result<(), Failure> {
    if !is_split(product, split) {
        let image = product.only("type=tar without platform-split")?;
        return target.fill(|out| Ok(archive::export_tar(store, image, epoch, out)?));
    }
    let platforms = product.platforms.iter().map(directory);
    let images: Vec<(String, &ImageRecord)> = platforms.zip(&product.images).collect();
    target.fill(|out| Ok(archive::export_tar_of(store, &images, epoch, out)?))
}

/// The directory of a platform.
fn directory(platform: &oci::Platform) -> String {
    let text = platform.to_string().replace('/', "_");
    match (&platform.os_version, text.strip_prefix(platform.os.as_str())) {
        (Some(version), Some(rest)) => format!("{}({version}){rest}", platform.os),
        _ => text,
    }
}

/// Writes the files; of several platforms below `linux_amd64` and the like.
fn local(
    (store, epoch): (&Store, Option<i64>),
    product: &Product,
    dir: &Path,
    exact: bool,
    split: Option<bool>,
) -> Result<(), Failure> {
    if exact && std::fs::canonicalize(dir).is_ok_and(|real| real.parent().is_none()) {
        return Err(
            Failure::usage("--output mode=delete would empty the root directory").help("Name another")
        );
    }
    if !is_split(product, split) {
        only_apart(store, product, exact)?;
        for image in &product.images {
            archive::export_dir(store, image, dir, exact, epoch)?;
        }
        return Ok(());
    }
    if exact {
        only_directories(dir, product)?;
    }
    for (image, platform) in product.images.iter().zip(&product.platforms) {
        archive::export_dir_below(store, image, &dir.join(directory(platform)), exact, epoch)?;
    }
    Ok(())
}

/// Refuses several platforms in one directory where one would overwrite or remove what another one has.
fn only_apart(store: &Store, product: &Product, exact: bool) -> Result<(), Failure> {
    if product.images.len() < 2 {
        return Ok(());
    }
    let why = match archive::shared_path(store, &product.images)? {
        Some(path) => format!("more than one platform has `/{}`", path.display()),
        None if exact => "mode=delete would leave the files of the last platform only".to_owned(),
        None => return Ok(()),
    };
    Err(Failure::usage(format!("--output platform-split=false: {why}"))
        .help("Without platform-split=false each platform has a directory of its own"))
}

/// Removes what is no platform's directory; a link to one is none.
fn only_directories(dir: &Path, product: &Product) -> Result<(), Failure> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let platform = |p: &oci::Platform| *directory(p) == *name;
        let real_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if real_directory && product.platforms.iter().any(platform) {
            continue;
        }
        let path = entry.path();
        let removed =
            if real_directory { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(|e| Failure::file("remove", &path, &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use buildc_store::export::{Algorithm, Packing};

    use super::*;

    #[test]
    fn outputs_are_read_as_docker_reads_them() {
        let file = |p: &str| Target::File(p.into());
        let local = |dir: &str, exact| Kind::Local { dir: dir.into(), exact, split: None };
        for (option, want) in [
            ("out", local("out", false)),
            ("type=local,dest=out,mode=delete", local("out", true)),
            ("-", Kind::Tar { target: Target::Stdout, split: None }),
            ("type=tar,platform-split=false", Kind::Tar { target: Target::Stdout, split: Some(false) }),
            ("type=oci,dest=a.tar", Kind::Oci(file("a.tar"))),
            ("type=oci,tar=false,dest=a", Kind::OciDir("a".into())),
            ("type=docker", Kind::Image { push: false }),
            ("type=docker,dest=a.tar", Kind::Docker(file("a.tar"))),
            ("type=image,push=true", Kind::Image { push: true }),
            ("type=registry", Kind::Image { push: true }),
            ("type=cacheonly", Kind::Nothing),
        ] {
            assert_eq!(Export::parse(option).unwrap().kind, want, "{option}");
        }
        for option in [
            "type=zip",
            "type=local",
            "type=oci,foo=1",
            "type=oci,compression=lz4",
            "type=local,dest=a,mode=x",
            "type=local,dest=a,platform-split=",
        ] {
            assert!(Export::parse(option).is_err(), "{option}");
        }
    }

    #[test]
    fn names_may_stand_in_quotes() {
        let export = Export::parse("type=image,\"name=a,b\",compression=zstd,compression-level=9").unwrap();
        let names: Vec<String> = export.names().iter().map(Reference::familiar).collect();
        assert_eq!(names, ["a:latest", "b:latest"]);
        assert_eq!(export.form().packing, Packing::new(Algorithm::Zstd, Some(9)).ok());
    }
}
