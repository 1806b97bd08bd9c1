//! What stands in a container's /etc/resolv.conf.

use std::fs;
use std::net::IpAddr;

use super::pasta;

const HOST_FILE: &str = "/etc/resolv.conf";
/// Where systemd-resolved keeps the servers behind its stub on 127.0.0.53.
const SYSTEMD_FILE: &str = "/run/systemd/resolve/resolv.conf";
/// The last resort, as Docker's, on a host whose only resolver is one on loopback.
const PUBLIC: [&str; 2] = ["8.8.8.8", "8.8.4.4"];

/// How a namespace reaches the outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// It is the host's.
    Host,
    /// Through the bridge: the host's loopback is out of reach.
    Bridge,
    /// Through `pasta`, which can ask the host's resolver.
    Pasta,
}

/// What the user wants instead of the host's settings; empty lists keep those.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Resolver {
    pub(crate) servers: Vec<IpAddr>,
    pub(crate) search: Vec<String>,
    pub(crate) options: Vec<String>,
}

/// The content of /etc/resolv.conf.
pub(crate) fn resolv_conf(reach: Reach, wanted: &Resolver) -> Vec<u8> {
    let host = fs::read_to_string(HOST_FILE).unwrap_or_default();
    let plain = wanted.servers.is_empty() && wanted.search.is_empty() && wanted.options.is_empty();
    if reach == Reach::Host && plain {
        return host.into_bytes();
    }
    let behind_stub = fs::read_to_string(SYSTEMD_FILE).ok();
    compose(&host, behind_stub.as_deref(), reach, wanted).into_bytes()
}

fn compose(host: &str, behind_stub: Option<&str>, reach: Reach, wanted: &Resolver) -> String {
    let keep = |server: &&str| reach == Reach::Host || !is_loopback(server);
    let mut servers: Vec<&str> = values(host, "nameserver").filter(keep).collect();
    if servers.is_empty() && values(host, "nameserver").any(|server| server == "127.0.0.53") {
        servers = values(behind_stub.unwrap_or_default(), "nameserver").filter(keep).collect();
    }
    let resolver = pasta::RESOLVER.to_string();
    if reach == Reach::Pasta {
        // It rewrites answers of the host's resolver as if they came from here, so asking that one directly times out.
        servers = vec![resolver.as_str()];
    } else if servers.is_empty() {
        servers = PUBLIC.to_vec();
    }
    let mut text = String::new();
    let servers: Vec<String> = match wanted.servers.is_empty() {
        true => servers.into_iter().map(str::to_owned).collect(),
        false => wanted.servers.iter().map(IpAddr::to_string).collect(),
    };
    for server in servers {
        text.push_str(&format!("nameserver {server}\n"));
    }
    line(&mut text, "search", host, &wanted.search);
    line(&mut text, "options", host, &wanted.options);
    text
}

/// One line with the wanted words, or the host's; a single `.` means none.
fn line(text: &mut String, key: &'static str, host: &str, wanted: &[String]) {
    let words = match wanted {
        [] => values(host, key).last().unwrap_or_default().to_owned(),
        [only] if only == "." => String::new(),
        some => some.join(" "),
    };
    if !words.is_empty() {
        text.push_str(&format!("{key} {words}\n"));
    }
}

fn values<'a>(text: &'a str, key: &'static str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let rest = line.trim_start().strip_prefix(key)?;
        rest.starts_with([' ', '\t']).then(|| rest.trim())
    })
}

fn is_loopback(server: &str) -> bool {
    let address = server.split('%').next().unwrap_or(server);
    address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(host: &str, stub: Option<&str>, reach: Reach) -> String {
        compose(host, stub, reach, &Resolver::default())
    }

    #[test]
    fn servers_on_loopback_are_replaced() {
        let host = "# stub\nnameserver 127.0.0.53\noptions edns0\nsearch example.org\n";
        let stub = Some("nameserver 192.0.2.7\nnameserver ::1\n");
        let tail = "search example.org\noptions edns0\n";
        assert_eq!(composed(host, stub, Reach::Bridge), format!("nameserver 192.0.2.7\n{tail}"));
        assert_eq!(
            composed(host, None, Reach::Bridge),
            format!("nameserver 8.8.8.8\nnameserver 8.8.4.4\n{tail}")
        );
        assert_eq!(composed(host, None, Reach::Pasta), format!("nameserver 169.254.1.1\n{tail}"));
        assert_eq!(composed("nameserver 192.0.2.1\n", None, Reach::Pasta), "nameserver 169.254.1.1\n");
        let mixed = "nameserver 127.0.0.1\nnameserver 192.0.2.1\n";
        assert_eq!(composed(mixed, stub, Reach::Bridge), "nameserver 192.0.2.1\n");
    }

    #[test]
    fn what_the_user_gives_replaces_the_hosts() {
        let wanted = Resolver {
            servers: vec!["192.0.2.9".parse().expect("an address")],
            search: vec![".".to_owned()],
            options: vec!["ndots:2".to_owned(), "rotate".to_owned()],
        };
        let text = compose("nameserver 192.0.2.1\nsearch a\noptions b\n", None, Reach::Bridge, &wanted);
        assert_eq!(text, "nameserver 192.0.2.9\noptions ndots:2 rotate\n");
    }
}
