//! EXPOSE: `[ip:][host:]port[-port][/protocol]`, of which only port and protocol are kept.

use std::net::IpAddr;

use nom::branch::alt;
use nom::bytes::complete::tag_no_case;
use nom::character::complete::{char, u16};
use nom::combinator::{all_consuming, map_opt, opt, success};
use nom::sequence::preceded;
use nom::{IResult, Parser};

/// `8000` or `8000-8010`.
fn range(input: &str) -> IResult<&str, (u16, u16)> {
    let pair = (u16, opt(preceded(char('-'), u16)));
    map_opt(pair, |(start, end)| {
        let end = end.unwrap_or(start);
        (start <= end).then_some((start, end))
    })
    .parse(input)
}

fn protocol(input: &str) -> IResult<&str, &'static str> {
    let known = alt((
        tag_no_case("tcp").map(|_| "tcp"),
        tag_no_case("udp").map(|_| "udp"),
        tag_no_case("sctp").map(|_| "sctp"),
        success("tcp"),
    ));
    alt((preceded(char('/'), known), success("tcp"))).parse(input)
}

/// The entries of `ExposedPorts` that one word stands for; `None` when it cannot be understood.
pub fn parse(word: &str) -> Option<Vec<String>> {
    let (host, port) = match word.rsplit_once(':') {
        Some((host, port)) => (Some(host), port),
        None => (None, word),
    };
    let (_, ((start, end), protocol)) = all_consuming((range, protocol)).parse(port).ok()?;
    if let Some(host) = host {
        let (ip, host_port) = host.rsplit_once(':').unwrap_or(("", host));
        let ip = ip.trim_start_matches('[').trim_end_matches(']');
        if !ip.is_empty() {
            ip.parse::<IpAddr>().ok()?;
        }
        if !host_port.is_empty() {
            let (_, (first, last)) = all_consuming(range).parse(host_port).ok()?;
            if start != end && last - first != end - start {
                return None;
            }
        }
    }
    Some((start..=end).map(|n| format!("{n}/{protocol}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let got = |w| parse(w).map(|p| p.join(" "));
        assert_eq!(got("80").as_deref(), Some("80/tcp"));
        assert_eq!(got("8000-8002/UDP").as_deref(), Some("8000/udp 8001/udp 8002/udp"));
        assert_eq!(got("127.0.0.1:80:81/sctp").as_deref(), Some("81/sctp"));
        for bad in ["", "x", "70000", "9-8", "80/xyz", "1.2.3:80:81", "1-3:4-9"] {
            assert_eq!(got(bad), None, "{bad}");
        }
    }
}
