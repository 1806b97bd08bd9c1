with { }: 1
