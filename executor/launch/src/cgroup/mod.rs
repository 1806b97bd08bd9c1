//! Control groups: limits for a launch, in whichever hierarchies the host has (v2, v1 or both).
//!
//! A group lives below `buildc` in the topmost place this process may write to. Its name ends with the identity
//! of the process that made it, so that what a killed buildc left behind is recognised and removed by the next.

mod hierarchy;
mod limits;
mod view;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use hierarchy::join_of;
pub(crate) use view::mount_view;

use crate::error::{Doing, LaunchError, Result};
use crate::process::start_time;
use crate::spec::CgroupSpec;
use hierarchy::{Controller, Hierarchies, Version};

/// The parent of all groups.
const PARENT: &str = "buildc";

/// How often an emptied group is tried to be removed: its last process may still be on its way out.
const REMOVAL_ATTEMPTS: u32 = 20;

/// One launch's group: a directory in each hierarchy that limits something. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Group {
    directories: Vec<PathBuf>,
    memory: Option<(Version, PathBuf)>,
    owned: bool,
}

impl Group {
    /// Makes the group and sets its limits.
    pub(crate) fn create(spec: &CgroupSpec) -> Result<Group> {
        let hierarchies = Hierarchies::read().doing(|| "Read the control group hierarchies")?;
        let mut group = Group { directories: Vec::new(), memory: None, owned: true };
        let name = directory_name(spec);
        for controller in limits::needed(spec) {
            let (version, parent) =
                hierarchies.parent(controller).map_err(|error| refused(controller, error))?;
            let directory = parent.join(&name);
            if !group.directories.contains(&directory) {
                sweep(&parent);
                make(&directory).map_err(|error| refused(controller, error))?;
                group.directories.push(directory.clone());
            }
            limits::apply(spec, controller, version, &directory)?;
            if controller == Controller::Memory {
                group.memory = Some((version, directory));
            }
        }
        Ok(group)
    }

    /// The group that another process made under this name, to ask it for events.
    pub(crate) fn find(spec: &CgroupSpec) -> Group {
        let mut group = Group { directories: Vec::new(), memory: None, owned: false };
        let Ok(hierarchies) = Hierarchies::read() else { return group };
        let Ok((version, parent)) = hierarchies.parent(Controller::Memory) else { return group };
        let prefix = format!("{}@", spec.name);
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let found = entries.map(|entry| entry.path()).find(|path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&prefix))
        });
        group.memory = found.map(|path| (version, path));
        group
    }

    /// The files through which a process joins.
    pub(crate) fn open_procs(&self) -> Result<Vec<OwnedFd>> {
        self.directories
            .iter()
            .map(|directory| {
                let path = directory.join("cgroup.procs");
                let file = fs::OpenOptions::new().write(true).open(&path);
                file.map(OwnedFd::from).doing(|| format!("Open `{}`", path.display()))
            })
            .collect()
    }

    /// Kills everything in the group, which a pid namespace of its own would have done already.
    pub(crate) fn kill(&self) {
        for directory in self.directories.iter().filter(|_| self.owned) {
            if fs::write(directory.join("cgroup.kill"), "1").is_ok() {
                continue;
            }
            let procs = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            for pid in procs.lines().filter_map(|line| line.parse().ok()) {
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
            }
        }
    }

    /// Leaves the group behind.
    pub(crate) fn keep(&mut self) {
        self.owned = false;
    }

    /// Whether the kernel killed something in it for want of memory.
    pub(crate) fn oom_killed(&self) -> bool {
        self.memory.as_ref().is_some_and(|(version, directory)| {
            let file = match version {
                Version::V1 => "memory.oom_control",
                Version::V2 => "memory.events",
            };
            let events = fs::read_to_string(directory.join(file)).unwrap_or_default();
            let count = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
            count.is_some_and(|count| count.trim() != "0")
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        for directory in &self.directories {
            for attempt in 0..REMOVAL_ATTEMPTS {
                match fs::remove_dir(directory) {
                    Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                        std::thread::sleep(Duration::from_millis(u64::from(attempt)));
                    }
                    _ => break,
                }
            }
        }
    }
}

/// Enters a cgroup namespace: the group becomes `/` in the container's view.
pub(crate) fn unshare() -> Result<()> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWCGROUP).doing(|| "Make a cgroup namespace")
}

/// Which hierarchy limits would go to, or why there is none.
pub(crate) fn probe() -> std::result::Result<String, String> {
    let hierarchies = Hierarchies::read().map_err(|error| error.to_string())?;
    let (version, parent) = hierarchies.parent(Controller::Memory).map_err(|error| error.to_string())?;
    Ok(format!("{version}, {}", parent.display()))
}

fn directory_name(spec: &CgroupSpec) -> String {
    let pid = std::process::id();
    format!("{}@{pid}.{}", spec.name.replace('/', "-"), start_time(pid).unwrap_or(0))
}

/// Removes the groups of processes that are gone. One that still holds a process cannot be removed.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.rsplit_once('@')?.1.split_once('.'));
        let Some((pid, start)) = owner else { continue };
        let (Ok(pid), Ok(start)) = (pid.parse::<u32>(), start.parse::<u64>()) else { continue };
        if start_time(pid) != Some(start) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

fn make(directory: &Path) -> io::Result<()> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn refused(controller: Controller, error: io::Error) -> LaunchError {
    LaunchError::with_help(
        format!("Limit {controller} with a control group"),
        error,
        "No hierarchy with this controller is writable here; run as root, or have systemd delegate it to the user \
         (`Delegate=yes` for `user@.service`), or leave the limit out",
    )
}
