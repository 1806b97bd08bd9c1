//! The rules that let private addresses out: nftables in a table of our own, iptables where only that exists.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};

use super::bridge::BRIDGE;
use super::error::{NetworkError, Result};

const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";

/// Whether a program that can make the rules is installed.
pub(super) fn available() -> bool {
    tool().is_some()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tool {
    Nft,
    Iptables,
}

fn tool() -> Option<Tool> {
    if installed("nft") { Some(Tool::Nft) } else { installed("iptables").then_some(Tool::Iptables) }
}

/// Whether a program is in one of the directories that hold such programs; `PATH` of a user often lacks the sbin ones.
pub(super) fn installed(program: &str) -> bool {
    find(program).is_some()
}

pub(super) fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/bin"].map(Into::into))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// Whether rules and forwarding are as [`install`] leaves them. iptables rules are not asked for: that takes a process.
pub(super) fn in_place() -> bool {
    std::fs::read(FORWARDING).is_ok_and(|text| text.first() == Some(&b'1'))
        && (tool() == Some(Tool::Iptables) || table_exists().unwrap_or(false))
}

/// Makes or replaces the rules for the subnet of `gateway`, and lets the kernel forward.
pub(super) fn install(gateway: Ipv4Addr, prefix: u8) -> Result<()> {
    let subnet = format!("{gateway}/{prefix}");
    match tool() {
        Some(Tool::Nft) => nft(&subnet)?,
        Some(Tool::Iptables) => iptables_masquerade(&subnet)?,
        None => {
            return Err(NetworkError::MissingProgram { what: "`nft` (package nftables)".to_owned() });
        }
    }
    pass_a_closed_forward_chain()?;
    match std::fs::write(FORWARDING, "1") {
        Err(error) if !in_place() => {
            Err(NetworkError::System { what: format!("write {FORWARDING}"), source: error })
        }
        _ => Ok(()),
    }
}

fn nft(subnet: &str) -> Result<()> {
    // Naming the table first makes the deletion succeed when there is none; all of it is one transaction.
    let rules = format!(
        "table inet buildc\ndelete table inet buildc\ntable inet buildc {{\n\
         chain postrouting {{ type nat hook postrouting priority srcnat; policy accept;\n\
         ip saddr {subnet} oifname != \"{BRIDGE}\" masquerade\n}}\n}}\n"
    );
    run("nft", &["-f", "-"], &rules).map(drop)
}

fn iptables_masquerade(subnet: &str) -> Result<()> {
    let rule = ["POSTROUTING", "-s", subnet, "!", "-o", BRIDGE, "-j", "MASQUERADE"];
    ensure_iptables_rule(&["-t", "nat"], "-A", &rule)
}

/// Docker and some firewalls drop what is forwarded unless a rule of the same chain accepts it; no rule in another
/// table can override that.
fn pass_a_closed_forward_chain() -> Result<()> {
    if !installed("iptables") {
        return Ok(());
    }
    let closed =
        run("iptables", &["-w", "-S", "FORWARD"], "").is_ok_and(|text| text.contains("-P FORWARD DROP"));
    if !closed {
        return Ok(());
    }
    ensure_iptables_rule(&[], "-I", &["FORWARD", "-i", BRIDGE, "-j", "ACCEPT"])?;
    let back =
        ["FORWARD", "-o", BRIDGE, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"];
    ensure_iptables_rule(&[], "-I", &back)
}

fn ensure_iptables_rule(table: &[&str], verb: &str, rule: &[&str]) -> Result<()> {
    let words = |verb| [&["-w"], table, &[verb], rule].concat();
    if run("iptables", &words("-C"), "").is_ok() {
        return Ok(());
    }
    run("iptables", &words(verb), "").map(drop)
}

/// Runs a program with this standard input and returns its standard output.
fn run(program: &str, words: &[&str], input: &str) -> Result<String> {
    let path = find(program).ok_or_else(|| NetworkError::MissingProgram { what: format!("`{program}`") })?;
    let spawned = || -> io::Result<std::process::Output> {
        let mut child = Command::new(path)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        child.wait_with_output()
    };
    let output = spawned().map_err(NetworkError::system(format!("run `{program}`")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(NetworkError::Program { program: format!("{program} {}", words.join(" ")), message })
}

/// Asks the kernel for the table itself: a process would cost several milliseconds at every start of a container.
fn table_exists() -> io::Result<bool> {
    const NFT_MSG_GETTABLE: u16 = (10 << 8) | 1;
    const NFPROTO_INET: u8 = 1;
    const NFTA_TABLE_NAME: u16 = 1;
    let name = b"buildc\0\0";
    let mut body = vec![NFPROTO_INET, 0, 0, 0];
    // The attribute's length leaves out the padding behind the name's terminator.
    body.extend_from_slice(&11u16.to_ne_bytes());
    body.extend_from_slice(&NFTA_TABLE_NAME.to_ne_bytes());
    body.extend_from_slice(name);
    let mut packet = Vec::with_capacity(32);
    packet.extend_from_slice(&u32::try_from(16 + body.len()).unwrap_or(0).to_ne_bytes());
    packet.extend_from_slice(&NFT_MSG_GETTABLE.to_ne_bytes());
    packet.extend_from_slice(&netlink_packet_core::NLM_F_REQUEST.to_ne_bytes());
    packet.extend_from_slice(&[0; 8]);
    packet.extend_from_slice(&body);
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(&packet, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let kind = answer.get(4..6).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes);
    // Either the table or an error message comes back.
    Ok(kind == Some(10 << 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_outside_of_path() {
        assert!(installed("sh"));
        assert!(!installed("no-such-program-here"));
    }
}
