{ a = { x, y ? x }@args: args; b = args@{ ... }: args; c = { }@e: e; d = x: { y }: x + y; }
