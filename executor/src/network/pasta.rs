//! The users' network: one `pasta` per namespace, which carries packets through ordinary sockets of the host.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{NetworkError, Result};
use super::namespace::Namespace;
use super::netlink::Netlink;
use super::{nat, state};
use crate::process_id::ProcessId;
use crate::random;

/// Address inside that pasta answers for the host's own resolver, for hosts that have only one on loopback.
pub(super) const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);

const TUN: &str = "/dev/net/tun";
const SIGTERM: i32 = 15;

/// The connection of one namespace; dropping it ends its `pasta`.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) address: Ipv4Addr,
    _pasta: Pasta,
}

/// A running `pasta` and the file that tells later users whose it is.
#[derive(Debug)]
struct Pasta {
    process: ProcessId,
    note: PathBuf,
}

impl Drop for Pasta {
    fn drop(&mut self) {
        // Both may have gone already: the process with its namespace, the note with a cleaned runtime directory.
        let _ = self.process.signal(SIGTERM);
        let _ = fs::remove_file(&self.note);
    }
}

/// Where `pasta` is, if this host has it and lets this user make tap devices.
pub(super) fn ready() -> Result<PathBuf> {
    let program = nat::find("pasta")
        .ok_or_else(|| NetworkError::MissingProgram { what: "`pasta` (package passt)".to_owned() })?;
    let tun = fs::OpenOptions::new().read(true).write(true).open(TUN);
    tun.map_err(|source| NetworkError::Device { path: TUN, source })?;
    Ok(program)
}

/// Connects a new namespace; returns when the way out works.
pub(super) fn attach(namespace: &Namespace) -> Result<Attachment> {
    let program = ready()?;
    let dir = state::dir("pasta")?;
    reclaim(&dir);
    let pasta = start(&program, namespace, dir.join(note_name()))?;
    let address = namespace.within(own_address);
    let address = address.map_err(NetworkError::system("ask for the namespace's address"))?;
    Ok(Attachment { address: address.unwrap_or(Ipv4Addr::LOCALHOST), _pasta: pasta })
}

/// `pasta` goes into the background by itself as soon as the namespace is configured.
fn start(program: &Path, namespace: &Namespace, note: PathBuf) -> Result<Pasta> {
    // It drops capabilities before it opens the namespace and may then not look at this process's descriptors any more,
    // so it gets the namespace as its own standard input.
    let stdin =
        namespace.fd().try_clone_to_owned().map_err(NetworkError::system("duplicate a descriptor"))?;
    let output = Command::new(program)
        .args(["--config-net", "--quiet", "--no-map-gw", "--dns-forward", &RESOLVER.to_string()])
        .args(["-t", "none", "-u", "none", "-T", "none", "-U", "none", "--netns-only", "--pid"])
        .arg(&note)
        .args(["--netns", "/proc/self/fd/0"])
        .stdin(Stdio::from(stdin))
        .output()
        .map_err(NetworkError::system("run `pasta`"))?;
    match pid_in(&note) {
        Some(process) if output.status.success() => Ok(Pasta { process, note }),
        _ => {
            let _ = fs::remove_file(&note);
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(NetworkError::Program { program: "pasta".to_owned(), message })
        }
    }
}

fn own_address() -> io::Result<Option<Ipv4Addr>> {
    let inside = Netlink::open()?;
    let way_out = inside.routes()?.into_iter().find(|route| route.prefix == 0);
    let Some(index) = way_out.and_then(|route| route.interface) else { return Ok(None) };
    Ok(inside.addresses(index)?.first().map(|(address, _)| *address))
}

/// The owner's pid and start time, and something that tells its notes apart.
fn note_name() -> String {
    let owner = ProcessId::own();
    format!("{}-{}-{}", owner.pid, owner.start, u64::from_le_bytes(random::bytes()))
}

fn owner_in(name: &str) -> Option<ProcessId> {
    let mut parts = name.split('-');
    Some(ProcessId { pid: parts.next()?.parse().ok()?, start: parts.next()?.parse().ok()? })
}

fn pid_in(note: &Path) -> Option<ProcessId> {
    ProcessId::of(fs::read_to_string(note).ok()?.trim().parse().ok()?)
}

/// Ends what killed owners left behind.
fn reclaim(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let owner = entry.file_name().to_str().and_then(owner_in);
        if owner.is_some_and(|owner| !owner.alive()) {
            let note = entry.path();
            if let Some(process) = pid_in(&note).filter(|process| is_pasta(process, &note)) {
                let _ = process.signal(SIGTERM);
            }
            let _ = fs::remove_file(note);
        }
    }
}

/// The note holds no start time, so the command line has to do, in which the note is. The process's name does not:
/// it is that of the build for the processor, such as `passt.avx2`.
fn is_pasta(process: &ProcessId, note: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let note = note.as_os_str().as_bytes();
    fs::read(format!("/proc/{}/cmdline", process.pid))
        .is_ok_and(|line| line.split(|b| *b == 0).any(|word| word == note))
}
