# Elaboration of platforms: tables, parsing of names, predicates over patterns.
let
  inherit (builtins) filter isString split length elemAt head tail concatStringsSep mapAttrs attrNames attrValues listToAttrs foldl' isAttrs isList all any genList concatMap hasAttr toJSON stringLength;
  types = mapAttrs (type: mapAttrs (name: v: { _type = type; inherit name; } // v));
  tables = types {
    cpu = { x86_64 = { bits = 64; family = "x86"; endian = "little"; }; i686 = { bits = 32; family = "x86"; endian = "little"; }; i586 = { bits = 32; family = "x86"; endian = "little"; }; aarch64 = { bits = 64; family = "arm"; endian = "little"; version = "8"; }; armv7l = { bits = 32; family = "arm"; endian = "little"; version = "7"; }; armv6l = { bits = 32; family = "arm"; endian = "little"; version = "6"; }; riscv64 = { bits = 64; family = "riscv"; endian = "little"; }; powerpc64 = { bits = 64; family = "power"; endian = "big"; }; powerpc64le = { bits = 64; family = "power"; endian = "little"; }; s390x = { bits = 64; family = "s390"; endian = "big"; }; mips64el = { bits = 64; family = "mips"; endian = "little"; }; wasm32 = { bits = 32; family = "wasm"; endian = "little"; }; };
    kernel = { linux = { format = "elf"; families = [ "unix" ]; }; darwin = { format = "macho"; families = [ "unix" "bsd" ]; }; freebsd = { format = "elf"; families = [ "unix" "bsd" ]; }; windows = { format = "pe"; families = [ ]; }; wasi = { format = "wasm"; families = [ ]; }; none = { format = "unknown"; families = [ ]; }; };
    vendor = { apple = { }; pc = { }; unknown = { }; };
    abi = { gnu = { libc = "glibc"; }; musl = { libc = "musl"; }; gnueabihf = { libc = "glibc"; float = "hard"; }; musleabihf = { libc = "musl"; float = "hard"; }; msvc = { libc = "ucrt"; }; unknown = { libc = null; }; };
  };
  parse = name:
    let l = filter isString (split "-" name); n = length l; k = if n == 2 then elemAt l 1 else elemAt l 2; in {
      cpu = tables.cpu.${head l} or (throw "unknown cpu ${head l}");
      vendor = tables.vendor.${if n > 2 then elemAt l 1 else "unknown"} or tables.vendor.unknown;
      kernel = tables.kernel.${k} or tables.kernel.none;
      abi = if n > 3 then tables.abi.${elemAt l 3} else if k == "linux" then tables.abi.gnu else if k == "windows" then tables.abi.msvc else tables.abi.unknown;
    };
  matches = pattern: value: if isAttrs pattern then all (n: hasAttr n value && matches pattern.${n} value.${n}) (attrNames pattern) else if isList pattern then any (p: matches p value) pattern else pattern == value;
  patterns = {
    isi686 = { cpu.name = "i686"; }; isx86 = { cpu.family = "x86"; }; isAarch64 = { cpu = { family = "arm"; bits = 64; }; }; isAarch32 = { cpu = { family = "arm"; bits = 32; }; }; isRiscV = { cpu.family = "riscv"; }; isPower = { cpu.family = "power"; }; isMips = { cpu.family = "mips"; }; isWasm = { cpu.family = "wasm"; }; is64bit = { cpu.bits = 64; }; is32bit = { cpu.bits = 32; }; isBigEndian = { cpu.endian = "big"; }; isLittleEndian = { cpu.endian = "little"; }; isLinux = { kernel.name = "linux"; }; isDarwin = { kernel.name = "darwin"; }; isBSD = { kernel.families = [ [ "unix" "bsd" ] ]; }; isUnix = [ { kernel.families = [ [ "unix" ] [ "unix" "bsd" ] ]; } ]; isWindows = { kernel.name = "windows"; }; isMusl = { abi.libc = "musl"; }; isGnu = { abi.libc = "glibc"; }; isElf = { kernel.format = "elf"; }; isMacho = { kernel.format = "macho"; }; isHardFloat = { abi.float = "hard"; };
  };
  double = p: "${p.cpu.name}-${p.kernel.name}";
  config = p: concatStringsSep "-" ([ p.cpu.name p.vendor.name p.kernel.name ] ++ (if p.abi.name == "unknown" then [ ] else [ p.abi.name ]));
  elaborate = args:
    let
      final = rec {
        parsed = parse (if isString args then args else args.config);
        system = double parsed;
        config = builtins.seq parsed (config' parsed);
        libc = parsed.abi.libc;
        extensions = { library = if final.isDarwin then ".dylib" else if final.isWindows then ".dll" else ".so"; executable = if final.isWindows then ".exe" else ""; };
        uname = { system = { linux = "Linux"; darwin = "Darwin"; windows = "Windows"; freebsd = "FreeBSD"; }.${parsed.kernel.name} or null; processor = parsed.cpu.name; release = null; };
        qemu = if final.isAarch64 then "aarch64" else if final.isx86 && final.is32bit then "i386" else parsed.cpu.name;
        canExecute = other: other.parsed.kernel == parsed.kernel && (other.parsed.cpu == parsed.cpu || (final.isx86 && other.isx86 && final.is64bit));
      } // mapAttrs (n: p: if isList p then any (q: matches q final.parsed) p else matches p final.parsed) patterns // (if isAttrs args then args else { });
      config' = config;
    in final;
  names = concatMap (c: map (k: "${c}-${k}") [ "linux" "darwin" "freebsd" "windows" "none" "unknown-linux-musl" "pc-linux-gnu" "unknown-linux-gnueabihf" ]) (attrNames tables.cpu);
  round = i: foldl' (a: n: let e = elaborate n; in a + stringLength (toJSON (removeAttrs e [ "canExecute" "parsed" ]))) i names;
  cross = let es = map elaborate names; in length (filter (x: x) (concatMap (a: map (b: a.canExecute b) es) es));
in [ (foldl' (a: i: a + round i) 0 (genList (i: i) 25)) cross ]
