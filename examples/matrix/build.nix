# Two images from one function, a multi-stage build, and a Dockerfile used as a value.
#
#   buildc plan  -f examples/matrix/build.nix
#   buildc build -f examples/matrix/build.nix              both images, sharing what they have in common
#   buildc run   -f examples/matrix/build.nix -A plain     one of them
{ buildc, version ? "1.0" }:

let
  base = buildc.from "debian:bookworm";

  # The stage that compiles has what compiling needs; nothing of it gets into the images.
  compiler = buildc.run base "apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev";

  # A function: compiles one C file with some flags, and gives a tree that holds only the program.
  program =
    name: flags:
    let
      sources = buildc.copy compiler {
        from = ./src;
        include = [ "*.c" ];
        to = "/src/";
      };
      compiled = buildc.run sources "mkdir /out && gcc ${builtins.concatStringsSep " " flags} -o /out/${name} /src/greet.c";
    in
    buildc.copy buildc.scratch {
      from = compiled;
      paths = [ "/out/${name}" ];
      to = "/bin/";
    };

  # The Dockerfile next door, as it is.
  site = buildc.dockerfile {
    context = ./site;
    args.VERSION = version;
  };

  # A step in a string is mounted while the command runs, at the place that the string shows.
  index = buildc.run base "grep -c Version ${site}/srv/index.html > /count && cp ${site}/srv/index.html /index.html";

  image =
    flavour: flags:
    buildc.image {
      name = "example/greet-${flavour}:${version}";
      rootfs = buildc.copy (buildc.copy base {
        from = program "greet" flags;
        paths = [ "/bin/greet" ];
        to = "/usr/local/bin/";
      }) {
        from = index;
        paths = [ "/index.html" ];
        to = "/srv/";
      };
      config = {
        Cmd = [ "greet" ];
        Env.FLAVOUR = flavour;
        Labels."org.opencontainers.image.version" = version;
        WorkingDir = "/srv";
      };
    };
in
builtins.mapAttrs image {
  plain = [ "-O2" ];
  loud = [ "-O2" "-DLOUD" ];
}
