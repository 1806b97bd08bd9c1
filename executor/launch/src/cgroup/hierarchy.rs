//! Where control groups are: the mounted hierarchies, this process's place in them and the writable part.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::PARENT;
use crate::error::{Doing, Result};

/// What can be limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Controller {
    Memory,
    Cpu,
    Cpuset,
    Pids,
}

impl Controller {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Controller::Memory => "memory",
            Controller::Cpu => "cpu",
            Controller::Cpuset => "cpuset",
            Controller::Pids => "pids",
        }
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Controller::Memory => "memory",
            Controller::Cpu => "processor time",
            Controller::Cpuset => "the set of processors",
            Controller::Pids => "the number of processes",
        })
    }
}

/// The two interfaces of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Version {
    V1,
    V2,
}

impl fmt::Display for Version {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Version::V1 => "cgroup v1",
            Version::V2 => "cgroup v2",
        })
    }
}

/// A mounted hierarchy.
#[derive(Debug)]
struct Mounted {
    /// The group that is shown at the mount point.
    root: PathBuf,
    point: PathBuf,
    /// Of v1; empty for v2.
    controllers: Vec<String>,
}

impl Mounted {
    fn version(&self) -> Version {
        if self.controllers.is_empty() { Version::V2 } else { Version::V1 }
    }

    /// The directory of a group.
    fn directory(&self, group: &Path) -> PathBuf {
        let below = group.strip_prefix(&self.root).or_else(|_| group.strip_prefix("/")).unwrap_or(group);
        self.point.join(below)
    }
}

/// All hierarchies of the host.
#[derive(Debug)]
pub(crate) struct Hierarchies {
    mounted: Vec<Mounted>,
    own: HashMap<String, PathBuf>,
}

impl Hierarchies {
    pub(crate) fn read() -> io::Result<Hierarchies> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let mounted = mounts.lines().filter_map(parse_mount).collect();
        Ok(Hierarchies { mounted, own: membership("self")? })
    }

    /// The directory for groups with this controller, made and with the controller enabled in it.
    pub(crate) fn parent(&self, controller: Controller) -> io::Result<(Version, PathBuf)> {
        let name = controller.name();
        let mounted = self.find(name).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("no hierarchy with the controller `{name}` is mounted"),
            )
        })?;
        let top = self.topmost_writable(mounted, name)?;
        let parent = top.join(PARENT);
        super::make(&parent)?;
        match mounted.version() {
            Version::V2 => {
                enable(&top, name)?;
                enable(&parent, name)?;
            }
            Version::V1 if controller == Controller::Cpuset => fill_cpuset(&top, &parent)?,
            Version::V1 => {}
        }
        Ok((mounted.version(), parent))
    }

    fn find(&self, controller: &str) -> Option<&Mounted> {
        let has = |mounted: &&Mounted| match mounted.version() {
            Version::V1 => mounted.controllers.iter().any(|name| name == controller),
            Version::V2 => fs::read_to_string(mounted.point.join("cgroup.controllers"))
                .is_ok_and(|list| list.split_ascii_whitespace().any(|name| name == controller)),
        };
        self.mounted.iter().find(has)
    }

    /// From this process's own group upwards as far as groups can be made: the root of the hierarchy for root, the
    /// delegated part for a user.
    fn topmost_writable(&self, mounted: &Mounted, controller: &str) -> io::Result<PathBuf> {
        let key = if mounted.version() == Version::V2 { "" } else { controller };
        let own = self.own.get(key).map_or(Path::new("/"), PathBuf::as_path);
        let own = mounted.directory(own);
        let writable = |path: &&Path| {
            access(*path, Access::WRITE_OK).is_ok()
                && access(path.join("cgroup.procs"), Access::WRITE_OK).is_ok()
        };
        own.ancestors()
            .take_while(|path| path.starts_with(&mounted.point))
            .skip_while(|path| !writable(path))
            .take_while(writable)
            .last()
            .map(Path::to_owned)
            .ok_or_else(|| {
                let words = format!("`{}` and the groups above it are not writable", own.display());
                io::Error::new(io::ErrorKind::PermissionDenied, words)
            })
    }
}

/// Puts this process into the groups of another one's container, so that the limits hold for it too.
pub(crate) fn join_of(pid: u32) -> Result<()> {
    let what = || format!("Join the control groups of process {pid}");
    let theirs = membership(&pid.to_string()).doing(what)?;
    let below_ours = |path: &Path| path.components().any(|part| part.as_os_str() == PARENT);
    if !theirs.values().any(|path| below_ours(path)) {
        return Ok(());
    }
    let hierarchies = Hierarchies::read().doing(what)?;
    for mounted in &hierarchies.mounted {
        let key = mounted.controllers.first().map_or("", String::as_str);
        let Some(group) = theirs.get(key).filter(|path| below_ours(path)) else { continue };
        fs::write(mounted.directory(group).join("cgroup.procs"), "0").doing(what)?;
    }
    Ok(())
}

/// Controller (empty for v2) → group of a process, from `/proc/PID/cgroup`.
fn membership(process: &str) -> io::Result<HashMap<String, PathBuf>> {
    let mut groups = HashMap::new();
    for line in fs::read_to_string(format!("/proc/{process}/cgroup"))?.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        if let (Some(controllers), Some(path)) = (parts.next(), parts.next()) {
            for controller in controllers.split(',') {
                groups.insert(controller.to_owned(), PathBuf::from(path));
            }
        }
    }
    Ok(groups)
}

/// A line of mountinfo (proc_pid_mountinfo(5)) that is a control group mount.
fn parse_mount(line: &str) -> Option<Mounted> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, point) = (mount.next()?.into(), mount.next()?.into());
    let mut filesystem = filesystem.split(' ');
    let controllers = match filesystem.next()? {
        "cgroup2" => Vec::new(),
        "cgroup" => {
            filesystem.nth(1)?.split(',').filter(|option| *option != "rw").map(str::to_owned).collect()
        }
        _ => return None,
    };
    Some(Mounted { root, point, controllers })
}

/// Lets the groups below `directory` use a controller (v2).
fn enable(directory: &Path, controller: &str) -> io::Result<()> {
    let file = directory.join("cgroup.subtree_control");
    if fs::read_to_string(&file)?.split_ascii_whitespace().any(|name| name == controller) {
        return Ok(());
    }
    fs::write(&file, format!("+{controller}"))
}

/// A new v1 cpuset is empty and accepts no process until both are set.
pub(super) fn fill_cpuset(from: &Path, to: &Path) -> io::Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if fs::read_to_string(to.join(file))?.trim().is_empty() {
            fs::write(to.join(file), fs::read_to_string(from.join(file))?.trim())?;
        }
    }
    Ok(())
}
