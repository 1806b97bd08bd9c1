# Parsing of system triples with tables and fallbacks.
let
  inherit (builtins) filter isString split length elemAt concatStringsSep mapAttrs attrNames hasAttr removeAttrs;
  cpus = mapAttrs (name: v: { inherit name; } // v) { x86_64 = { bits = 64; family = "x86"; }; i686 = { bits = 32; family = "x86"; }; aarch64 = { bits = 64; family = "arm"; }; armv7l = { bits = 32; family = "arm"; version = "7"; }; riscv64 = { bits = 64; family = "riscv"; }; wasm32 = { bits = 32; family = "wasm"; }; };
  kernels = mapAttrs (name: v: { inherit name; } // v) { linux = { exec = "elf"; }; darwin = { exec = "macho"; }; windows = { exec = "pe"; }; none = { exec = "unknown"; }; };
  parse = s: let l = filter isString (split "-" s); n = length l; at = elemAt l; in
    assert n >= 2 || throw "`${s}' has too few parts";
    { cpu = cpus.${at 0} or (throw "unknown cpu `${at 0}'"); kernel = kernels.${if n == 2 then at 1 else at 2} or kernels.none; vendor = if n >= 3 then at 1 else "unknown"; abi = if n >= 4 then at 3 else if (if n == 2 then at 1 else at 2) == "linux" then "gnu" else null; };
  double = p: "${p.cpu.name}-${p.kernel.name}";
  config = p: concatStringsSep "-" ([ p.cpu.name p.vendor p.kernel.name ] ++ (if p.abi == null then [ ] else [ p.abi ]));
  predicates = { is64 = p: p.cpu.bits == 64; isx86 = p: p.cpu.family == "x86"; isLinux = p: p.kernel.name == "linux"; isMusl = p: p.abi == "musl"; };
  elaborate = s: let p = parse s; final = { system = double p; config = config p; parsed = p; } // mapAttrs (n: f: f p) predicates // { emulator = if final.isx86 then "native" else if final.is64 then "qemu-${p.cpu.family}64" else "qemu"; }; in final;
in {
  list = map (s: removeAttrs (elaborate s) [ "parsed" ]) [ "x86_64-linux" "aarch64-apple-darwin" "armv7l-unknown-linux-musl" "i686-pc-windows" ];
  failures = map (s: (builtins.tryEval (builtins.deepSeq (elaborate s) 1)).success) [ "x86_64" "sparc-linux" "wasm32-none" ];
}
