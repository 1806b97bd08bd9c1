//! Links the released program at a fixed address (spec/decisions/0014-fixed-address.md).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let setting = |name: &str| std::env::var(name).unwrap_or_default();
    let linux = setting("CARGO_CFG_TARGET_OS") == "linux" && setting("CARGO_CFG_TARGET_ENV") == "gnu";
    if linux && setting("PROFILE") == "release" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
