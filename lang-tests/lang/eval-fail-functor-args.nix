{ __functor = self: { needed }: needed; } { }
