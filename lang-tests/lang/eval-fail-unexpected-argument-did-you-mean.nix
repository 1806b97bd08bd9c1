({ name, value ? 1 }: name) { name = 1; vlaue = 2; }
