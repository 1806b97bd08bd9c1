//! Networks in the notation of RFC 4632.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hcl::Value;
use hcl::eval::FuncArgs;

use super::{Answer, Row, from_texts, index, number, text};

pub(super) const TABLE: [Row; 4] = [
    ("cidrhost", 2, Some(2), |args| {
        let network = Network::parse(&text(&args, 0)?)?;
        let number = number(&args, 1)? as i128;
        let hosts = network.width() - network.length;
        let (smallest, largest) = match hosts {
            127.. => (i128::MIN + 1, i128::MAX),
            bits => (-(1i128 << bits), (1i128 << bits) - 1),
        };
        if !(smallest..=largest).contains(&number) {
            return Err(format!("a network of {hosts} host bits has no host {number}"));
        }
        // A negative number counts from the end.
        let host = number as u128 & low_bits(hosts);
        Ok(Value::from(network.address(network.bits | host)))
    }),
    ("cidrnetmask", 1, Some(1), |args| {
        let network = Network::parse(&text(&args, 0)?)?;
        if !network.v4 {
            return Err("only IPv4 has masks".to_owned());
        }
        Ok(Value::from(network.address(low_bits(32) & !low_bits(32 - network.length))))
    }),
    ("cidrsubnet", 3, Some(3), |args| {
        let network = Network::parse(&text(&args, 0)?)?;
        let bits = u32::try_from(index(&args, 1)?).map_err(|error| error.to_string())?;
        Ok(Value::from(network.subnet(bits, index(&args, 2)? as u128)?.to_string()))
    }),
    ("cidrsubnets", 1, None, subnets),
];

/// The lowest `count` bits.
fn low_bits(count: u32) -> u128 {
    u128::MAX.checked_shr(128 - count).unwrap_or(0)
}

struct Network {
    bits: u128,
    length: u32,
    v4: bool,
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no network like 10.0.0.0/8");
        let (address, length) = text.split_once('/').ok_or_else(bad)?;
        let length: u32 = length.parse().map_err(|_| bad())?;
        let (bits, v4) = match address.parse().map_err(|_| bad())? {
            IpAddr::V4(address) => (u128::from(u32::from(address)), true),
            IpAddr::V6(address) => (u128::from(address), false),
        };
        let mut network = Self { bits, length, v4 };
        if length > network.width() {
            return Err(bad());
        }
        network.bits &= !low_bits(network.width() - length);
        Ok(network)
    }

    fn width(&self) -> u32 {
        if self.v4 { 32 } else { 128 }
    }

    fn address(&self, bits: u128) -> String {
        match self.v4 {
            true => Ipv4Addr::from(bits as u32).to_string(),
            false => Ipv6Addr::from(bits).to_string(),
        }
    }

    fn subnet(&self, bits: u32, number: u128) -> Result<Self, String> {
        let length = self.length.saturating_add(bits);
        if length > self.width() {
            return Err(format!("there are not {bits} bits left"));
        }
        if number > low_bits(bits) {
            return Err(format!("{bits} bits have no subnet {number}"));
        }
        let shifted = number.checked_shl(self.width() - length).unwrap_or(0);
        Ok(Self { bits: self.bits | shifted, length, v4: self.v4 })
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address(self.bits), self.length)
    }
}

/// Networks one after the other, each aligned to its size.
fn subnets(args: FuncArgs) -> Answer {
    let network = Network::parse(&text(&args, 0)?)?;
    let end = network.bits | low_bits(network.width() - network.length);
    let mut next = network.bits;
    let mut all = Vec::new();
    for place in 1..args.len() {
        let bits = u32::try_from(index(&args, place)?).map_err(|error| error.to_string())?;
        let subnet = network.subnet(bits, 0)?;
        let size = low_bits(network.width() - subnet.length);
        let start = if next & size == 0 { next } else { (next | size) + 1 };
        if start > end || start < next {
            return Err("there is no room left for the subnets".to_owned());
        }
        all.push(Network { bits: start, ..subnet }.to_string());
        next = (start | size).saturating_add(1);
    }
    Ok(from_texts(all))
}
