//! Reads the text of `run`'s options into the types of a [`ContainerSpec`](super::ContainerSpec).

use super::error::Result;
use super::spec::*;

/// `-p`: `8080:80`, `127.0.0.1:8080:80/udp`, `80`, `:80`, `8000-8010:8000-8010`, `[::1]:80:80`; one value per port.
pub fn publish(_text: &str) -> Result<Vec<PortMapping>> {
    todo!()
}

/// `-v`: `SOURCE:TARGET[:OPTIONS]` or `TARGET`. `home`: what relative paths are relative to.
pub fn volume(_text: &str, _current_dir: &std::path::Path) -> Result<Mount> {
    todo!()
}

/// `--mount`: comma-separated `key=value`.
pub fn mount(_text: &str, _current_dir: &std::path::Path) -> Result<Mount> {
    todo!()
}

/// `--tmpfs`: `TARGET[:OPTIONS]`.
pub fn tmpfs(_text: &str) -> Result<Mount> {
    todo!()
}

/// `--network`.
pub fn network(_text: &str) -> Result<NetworkMode> {
    todo!()
}

/// `--restart`.
pub fn restart(_text: &str) -> Result<RestartPolicy> {
    todo!()
}

/// `--ulimit`: `NAME=SOFT[:HARD]`, -1 is unlimited.
pub fn ulimit(_text: &str) -> Result<Ulimit> {
    todo!()
}

/// `--device`: `HOST[:CONTAINER][:rwm]`.
pub fn device(_text: &str) -> Result<Device> {
    todo!()
}

/// `--add-host`: `name:ip` or `name=ip`.
pub fn add_host(_text: &str) -> Result<(String, String)> {
    todo!()
}

/// Sizes: a number with `b`, `k`, `m`, `g` or `t` (powers of 1024). `option` is named in the error.
pub fn size(_option: &'static str, _text: &str) -> Result<u64> {
    todo!()
}

/// `--memory-swap`: a size, or -1.
pub fn memory_swap(_text: &str) -> Result<i64> {
    todo!()
}

/// `--security-opt`, applied to the container; `read_file` reads the profile of `seccomp=FILE`.
pub fn security(_text: &str, _spec: &mut ContainerSpec) -> Result<()> {
    todo!()
}

/// `-e`: `NAME=VALUE`, or `NAME` taken from `lookup`; `None` when it is not set there.
pub fn env(_text: &str, _lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<(String, String)>> {
    todo!()
}

/// The text of an `--env-file`.
pub fn env_file(_text: &str, _lookup: &dyn Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>> {
    todo!()
}

/// `NAME=VALUE` of `--label` and `--sysctl`; without `=` the value is empty.
pub fn pair(_text: &str) -> (String, String) {
    todo!()
}

/// A capability's name as the kernel has it, without `CAP_`; `ALL` stays.
pub fn capability(_option: &'static str, _text: &str) -> Result<String> {
    todo!()
}

/// A signal by name, with or without `SIG`, or by number.
pub fn signal(_text: &str) -> Result<i32> {
    todo!()
}
