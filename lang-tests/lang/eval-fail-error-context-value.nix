[ (builtins.addErrorContext "outer context" { a = throw "lazily outside of the context"; }) ]
