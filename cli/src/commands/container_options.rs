//! What a new container is to be: the options that `run` and `create` share, in Docker's spelling.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use buildc_executor::container::{ContainerSpec, Limits, options};

use crate::failure::Failure;

// Options of a new container.
#[derive(clap::Args, Debug)]
pub struct ContainerOptions {
    /// Name of the container
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Publish a port: [HOST-IP:][HOST-PORT:]PORT[/udp]; repeatable
    #[arg(short, long, value_name = "HOST:PORT", help_heading = "Network")]
    pub publish: Vec<String>,
    /// Publish all ports that the image exposes on random host ports
    #[arg(short = 'P', long, help_heading = "Network")]
    pub publish_all: bool,
    /// bridge, host or none
    #[arg(
        long,
        value_name = "MODE",
        default_value = "bridge",
        visible_alias = "net",
        help_heading = "Network"
    )]
    pub network: String,
    /// Line for /etc/hosts
    #[arg(long, value_name = "HOST:IP", help_heading = "Network")]
    pub add_host: Vec<String>,
    /// DNS server
    #[arg(long, value_name = "IP", help_heading = "Network")]
    pub dns: Vec<String>,
    /// DNS search domain
    #[arg(long, value_name = "DOMAIN", help_heading = "Network")]
    pub dns_search: Vec<String>,
    /// DNS option
    #[arg(long, value_name = "OPTION", help_heading = "Network")]
    pub dns_option: Vec<String>,
    /// Host name inside [default: the container's short id]
    #[arg(short = 'h', long, value_name = "NAME", help_heading = "Network")]
    pub hostname: Option<String>,

    /// Environment variable; without `=VALUE` it is taken from here
    #[arg(short, long, value_name = "NAME[=VALUE]", help_heading = "Process")]
    pub env: Vec<String>,
    /// File with NAME=VALUE lines
    #[arg(long, value_name = "FILE", help_heading = "Process")]
    pub env_file: Vec<PathBuf>,
    /// Working directory inside
    #[arg(short, long, value_name = "DIR", help_heading = "Process")]
    pub workdir: Option<String>,
    /// User, and group, that runs the command
    #[arg(short, long, value_name = "USER[:GROUP]", help_heading = "Process")]
    pub user: Option<String>,
    /// Supplementary group
    #[arg(long, value_name = "GROUP", help_heading = "Process")]
    pub group_add: Vec<String>,
    /// Program to run instead of the image's ENTRYPOINT
    #[arg(long, value_name = "PROGRAM", help_heading = "Process")]
    pub entrypoint: Option<String>,
    /// Keep standard input open
    #[arg(short, long, help_heading = "Process")]
    pub interactive: bool,
    /// Give it a terminal
    #[arg(short, long, help_heading = "Process")]
    pub tty: bool,
    /// Run a small init that reaps processes and forwards signals
    #[arg(long, help_heading = "Process")]
    pub init: bool,
    /// Signal that asks it to stop
    #[arg(long, value_name = "SIGNAL", help_heading = "Process")]
    pub stop_signal: Option<String>,
    /// Seconds to wait before it is killed
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Process")]
    pub stop_timeout: Option<i64>,
    /// no, on-failure[:N], always or unless-stopped
    #[arg(long, value_name = "POLICY", default_value = "no", help_heading = "Process")]
    pub restart: String,

    #[command(flatten)]
    pub health: super::health_options::HealthArgs,

    /// SOURCE:TARGET[:ro]: a host directory (a path) or a named volume; repeatable
    #[arg(short, long, value_name = "SOURCE:TARGET", help_heading = "Files")]
    pub volume: Vec<String>,
    /// type=bind|volume|tmpfs,src=SOURCE,dst=TARGET[,readonly]; repeatable
    #[arg(long, value_name = "OPTIONS", help_heading = "Files")]
    pub mount: Vec<String>,
    /// Take over the binds and volumes of another container
    #[arg(long, value_name = "CONTAINER[:ro]", help_heading = "Files")]
    pub volumes_from: Vec<String>,
    /// Empty memory file system: TARGET[:size=64m,mode=1777]
    #[arg(long, value_name = "TARGET", help_heading = "Files")]
    pub tmpfs: Vec<String>,
    /// The root file system cannot be written
    #[arg(long, help_heading = "Files")]
    pub read_only: bool,
    /// Device of the host: /dev/X[:/dev/Y][:rwm]
    #[arg(long, value_name = "DEVICE", help_heading = "Files")]
    pub device: Vec<String>,
    /// Size of /dev/shm
    #[arg(long, value_name = "SIZE", help_heading = "Files")]
    pub shm_size: Option<String>,

    /// Memory limit, for example 512m
    #[arg(short, long, value_name = "SIZE", help_heading = "Limits")]
    pub memory: Option<String>,
    /// Limit of memory and swap together; -1 for no limit
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, help_heading = "Limits")]
    pub memory_swap: Option<String>,
    /// CPUs it may use, for example 1.5
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub cpus: Option<f64>,
    /// Weight among containers that compete for CPU
    #[arg(short, long, value_name = "WEIGHT", help_heading = "Limits")]
    pub cpu_shares: Option<u64>,
    /// CPUs it may run on, for example 0-2,4
    #[arg(long, value_name = "LIST", help_heading = "Limits")]
    pub cpuset_cpus: Option<String>,
    /// How many processes it may have; -1 for no limit
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Limits")]
    pub pids_limit: Option<i64>,
    /// Resource limit: NAME=SOFT[:HARD]
    #[arg(long, value_name = "LIMIT", help_heading = "Limits")]
    pub ulimit: Vec<String>,
    /// Score that the kernel's out-of-memory killer adds
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, help_heading = "Limits")]
    pub oom_score_adj: Option<i32>,

    /// Capability to add, for example NET_ADMIN or ALL
    #[arg(long, value_name = "NAME", help_heading = "Security")]
    pub cap_add: Vec<String>,
    /// Capability to take away
    #[arg(long, value_name = "NAME", help_heading = "Security")]
    pub cap_drop: Vec<String>,
    /// no-new-privileges, seccomp=unconfined, seccomp=FILE
    #[arg(long, value_name = "OPTION", help_heading = "Security")]
    pub security_opt: Vec<String>,
    /// All capabilities, all devices, nothing masked
    #[arg(long, help_heading = "Security")]
    pub privileged: bool,
    /// `host` shares the host's processes
    #[arg(long, value_name = "MODE", help_heading = "Security")]
    pub pid: Option<String>,
    /// `host` shares the host's ipc
    #[arg(long, value_name = "MODE", help_heading = "Security")]
    pub ipc: Option<String>,
    /// `host` shares the host's name
    #[arg(long, value_name = "MODE", help_heading = "Security")]
    pub uts: Option<String>,
    /// Kernel parameter: NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Security")]
    pub sysctl: Vec<String>,

    /// Label
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub label: Vec<String>,
    /// Write the container's id to a file that must not exist
    #[arg(long, value_name = "FILE")]
    pub cidfile: Option<PathBuf>,
    /// When to fetch the image: missing, always or never
    #[arg(long, value_name = "WHEN", value_enum, default_value = "missing", hide_possible_values = true)]
    pub pull: super::registry::PullWhen,
    /// Platform of the image
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,

    /// Build this file first and take its image: a build file (FILE.nix), or a Dockerfile for DIR
    #[arg(short, long, value_name = "FILE", help_heading = "Build")]
    pub file: Option<PathBuf>,
    /// Of a build file: the image to build, for example web
    #[arg(short = 'A', long = "attr", value_name = "PATH", help_heading = "Build")]
    pub attribute: Option<String>,
    /// Of a build file: an argument of its function, as an expression
    #[arg(long, num_args = 2, value_names = ["NAME", "EXPR"], help_heading = "Build")]
    pub arg: Vec<String>,
    /// Of a build file: an argument of its function, as a string
    #[arg(long, num_args = 2, value_names = ["NAME", "STRING"], help_heading = "Build")]
    pub argstr: Vec<String>,
    /// Value of an ARG of a Dockerfile, or of an argument of a build file
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Build")]
    pub build_arg: Vec<String>,

    /// Print help (-h is the host name, as with Docker)
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,

    // One argument for both, so that everything behind the image belongs to the container, even what looks like an
    // option of ours.
    /// An image, or a directory with a Dockerfile (built first); what follows is the command
    #[arg(required_unless_present = "file", num_args = 1.., trailing_var_arg = true, value_name = "IMAGE|DIR [COMMAND]")]
    pub words: Vec<OsString>,
}

/// What a new container's image comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// An image or a directory.
    Word(&'a str),
    /// A build file, which has its directories itself.
    BuildFile(&'a Path),
    /// A Dockerfile and its context.
    Dockerfile {
        /// Relative to the current directory.
        file: &'a Path,
        /// Where COPY and ADD take files from.
        directory: &'a Path,
    },
}

fn is_build_file(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "nix")
}

impl ContainerOptions {
    /// What is run: the first word, unless `-f` says it all.
    pub fn source(&self) -> Result<Source<'_>, Failure> {
        let first = self.words.first().map(OsString::as_os_str).unwrap_or_default();
        match &self.file {
            Some(file) if is_build_file(file) => Ok(Source::BuildFile(file)),
            Some(file) => {
                let directory = if first.is_empty() { Path::new(".") } else { Path::new(first) };
                Ok(Source::Dockerfile { file, directory })
            }
            None => match first.to_str() {
                Some(word) => Ok(Source::Word(word)),
                None => Err(Failure::usage("The name of the image is not UTF-8 text")),
            },
        }
    }

    /// The words of the command: all of them where a build file stands for the image.
    fn command(&self) -> &[OsString] {
        let from = usize::from(!self.file.as_deref().is_some_and(is_build_file));
        self.words.get(from..).unwrap_or_default()
    }

    /// What the container is to be.
    pub fn spec(&self, image: &str, remove: bool) -> Result<ContainerSpec, Failure> {
        let current = std::env::current_dir().map_err(|e| Failure::file("find", Path::new("."), &e))?;
        let mut spec = ContainerSpec {
            name: self.name.clone(),
            image: image.to_owned(),
            command: words(self.command())?,
            entrypoint: self
                .entrypoint
                .as_ref()
                .map(|e| if e.is_empty() { Vec::new() } else { vec![e.clone()] }),
            env: environment(&self.env_file, &self.env)?,
            labels: self.label.iter().map(|l| options::pair(l)).collect(),
            workdir: self.workdir.clone(),
            user: self.user.clone(),
            hostname: self.hostname.clone(),
            interactive: self.interactive,
            tty: self.tty,
            remove,
            init: self.init,
            read_only: self.read_only,
            privileged: self.privileged,
            publish_all: self.publish_all,
            dns_search: self.dns_search.clone(),
            dns_options: self.dns_option.clone(),
            limits: self.limits()?,
            oom_score_adj: self.oom_score_adj,
            sysctls: self.sysctl.iter().map(|s| options::pair(s)).collect(),
            group_add: self.group_add.clone(),
            stop_timeout_seconds: self.stop_timeout,
            restart: options::restart(&self.restart)?,
            health: self.health.options()?,
            network: options::network(&self.network)?,
            ..ContainerSpec::default()
        };
        self.files(&mut spec, &current)?;
        self.addresses(&mut spec)?;
        self.security(&mut spec)?;
        Ok(spec)
    }

    fn limits(&self) -> Result<Limits, Failure> {
        Ok(Limits {
            memory_bytes: self.memory.as_deref().map(|t| options::size("--memory", t)).transpose()?,
            memory_swap_bytes: self.memory_swap.as_deref().map(options::memory_swap).transpose()?,
            cpus: self.cpus,
            cpu_shares: self.cpu_shares,
            cpuset_cpus: self.cpuset_cpus.clone(),
            // -1 and 0 mean no limit.
            pids: self.pids_limit.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0),
        })
    }

    fn files(&self, spec: &mut ContainerSpec, current: &Path) -> Result<(), Failure> {
        for text in &self.volume {
            spec.mounts.push(options::volume(text, current)?);
        }
        for text in &self.mount {
            spec.mounts.push(options::mount(text, current)?);
        }
        for text in &self.tmpfs {
            spec.mounts.push(options::tmpfs(text)?);
        }
        for text in &self.volumes_from {
            spec.volumes_from.push(options::volumes_from(text)?);
        }
        for text in &self.device {
            spec.devices.push(options::device(text)?);
        }
        spec.shm_size_bytes = self.shm_size.as_deref().map(|t| options::size("--shm-size", t)).transpose()?;
        Ok(())
    }

    fn addresses(&self, spec: &mut ContainerSpec) -> Result<(), Failure> {
        for text in &self.publish {
            spec.publish.extend(options::publish(text)?);
        }
        for text in &self.add_host {
            spec.extra_hosts.push(options::add_host(text)?);
        }
        for text in &self.dns {
            let address =
                text.parse().map_err(|_| Failure::usage(format!("--dns `{text}` is not an IP address")))?;
            spec.dns.push(address);
        }
        Ok(())
    }

    fn security(&self, spec: &mut ContainerSpec) -> Result<(), Failure> {
        for text in &self.cap_add {
            spec.cap_add.push(options::capability("--cap-add", text)?);
        }
        for text in &self.cap_drop {
            spec.cap_drop.push(options::capability("--cap-drop", text)?);
        }
        for text in &self.security_opt {
            options::security(text, spec)?;
        }
        for text in &self.ulimit {
            spec.ulimits.push(options::ulimit(text)?);
        }
        if let Some(text) = &self.stop_signal {
            options::signal("--stop-signal", text)?;
            spec.stop_signal = Some(text.clone());
        }
        spec.host_pid = host_only("--pid", self.pid.as_deref())?;
        spec.host_ipc = host_only("--ipc", self.ipc.as_deref())?;
        spec.host_uts = host_only("--uts", self.uts.as_deref())?;
        Ok(())
    }
}

/// `host`, or the default that is a namespace of the container's own.
fn host_only(flag: &str, mode: Option<&str>) -> Result<bool, Failure> {
    match mode {
        None | Some("private" | "") => Ok(false),
        Some("host") => Ok(true),
        Some(other) => {
            Err(Failure::usage(format!("{flag} `{other}` is not supported")).help("Modes: private, host"))
        }
    }
}

/// Words of a command as text.
pub fn words(words: &[OsString]) -> Result<Vec<String>, Failure> {
    let text = |w: &OsString| {
        w.to_str().map(str::to_owned).ok_or_else(|| Failure::usage("A word of the command is not UTF-8 text"))
    };
    words.iter().map(text).collect()
}

/// The variables of `--env-file` and `-e`; a later one wins.
pub fn environment(files: &[PathBuf], words: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let lookup = |name: &str| std::env::var(name).ok();
    let mut found = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|e| Failure::file("read", path, &e))?;
        found.extend(options::env_file(&text, &lookup)?);
    }
    for word in words {
        found.extend(options::env(word, &lookup)?);
    }
    Ok(found)
}
