builtins.length (let named = { a, b }: a; in named)
