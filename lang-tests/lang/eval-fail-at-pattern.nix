(args@{ a, ... }: args.b) { a = 1; }
