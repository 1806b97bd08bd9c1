{ a, b ? c }: a
