# What a flake is to programs, of its lock file and its own tree. Each node of the lock is a flake, or files alone.
{ fetch, shown, tree, dir, flake, lock }:
let
  wanted = builtins.attrNames (
    removeAttrs (builtins.functionArgs flake.outputs // (flake.inputs or { })) [ "self" ]
  );
  locked = lock.nodes.${lock.root}.inputs or { };
  missing = builtins.filter (name: !(locked ? ${name})) wanted;

  # The node that an input leads to: named, or a way through the inputs of the root.
  follow = input: if builtins.isList input then builtins.foldl' step lock.root input else input;
  step = node: name: follow lock.nodes.${node}.inputs.${name};

  below = path: directory: if directory == "" then path else path + "/" + directory;

  treeOf = name: node:
    if name == lock.root then
      tree
    else if node ? parent && node.locked.type == "path" && builtins.substring 0 1 node.locked.path != "/" then
      let above = nodes.${follow node.parent}; in
      above.sourceInfo // { outPath = above.outPath + "/" + node.locked.path; }
    else
      fetch (removeAttrs node.locked [ "dir" ]);

  nodes = builtins.mapAttrs (
    name: node:
    let
      sourceInfo = treeOf name node;
      outPath = below sourceInfo.outPath (if name == lock.root then dir else node.locked.dir or "");
      source = if name == lock.root then flake else import (outPath + "/flake.nix");
      inputs = builtins.mapAttrs (_: input: nodes.${follow input}.result) (node.inputs or { });
      outputs = source.outputs (inputs // { self = result; });
      result =
        if node.flake or true then
          outputs // sourceInfo // { inherit outPath inputs outputs sourceInfo; _type = "flake"; }
        else
          sourceInfo // { inherit outPath sourceInfo; };
    in
    { inherit result sourceInfo outPath; }
  ) lock.nodes;
in
if missing != [ ] then
  throw "flake '${shown}' has inputs that its lock file does not have: ${builtins.concatStringsSep ", " missing} (`nix flake lock` writes them)"
else
  nodes.${lock.root}.result
