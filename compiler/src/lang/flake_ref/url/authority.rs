//! `[USER[:PASSWORD]@]HOST[:PORT]` of a URL.

use super::grammar::AuthorityParts;
use super::{FlakeRefError, decode, encode};

/// Who is asked for what a URL names. All texts are decoded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in super::super) struct Authority {
    user: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
    host: Vec<u8>,
    /// Written between brackets.
    is_address: bool,
    port: Option<u16>,
}

impl Authority {
    pub(super) fn parse(parts: AuthorityParts<'_>) -> Result<Self, FlakeRefError> {
        let port = match parts.port.filter(|port| !port.is_empty()) {
            None => None,
            Some(port) => {
                let wrong = || FlakeRefError::url(format!("port '{port}' is invalid"));
                Some(port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?)
            }
        };
        let (user, password) = match parts.user.map(|user| user.split_once(':').ok_or(user)) {
            None => (None, None),
            Some(Ok((user, password))) => (Some(decode(user)), Some(decode(password))),
            Some(Err(user)) => (Some(decode(user)), None),
        };
        let address = parts.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let mut host = decode(address.unwrap_or(parts.host));
        if let Some(address) = address {
            // Nix keeps the length of the encoded text, so that zeros are behind a zone.
            host.resize(address.len(), 0);
        }
        Ok(Self { user, password, host, is_address: address.is_some(), port })
    }

    pub(in super::super) fn has_host(&self) -> bool {
        !self.host.is_empty()
    }
}

impl std::fmt::Display for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(user) = &self.user {
            f.write_str(&encode(user, ""))?;
            if let Some(password) = &self.password {
                write!(f, ":{}", encode(password, ""))?;
            }
            f.write_str("@")?;
        }
        if self.is_address {
            write!(f, "[{}]", encode(&self.host, ":"))?;
        } else {
            f.write_str(&encode(&self.host, ""))?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}
