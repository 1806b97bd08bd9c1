[
  (builtins.tryEval 1) (builtins.tryEval (throw "x")) (builtins.tryEval (assert false; 1)) (builtins.tryEval (assert true; 1)) (builtins.tryEval { a = throw "lazy"; }).success
  (builtins.tryEval (builtins.tryEval (throw "x"))) (builtins.tryEval (builtins.deepSeq [ (throw "x") ] 1)) (builtins.tryEval (builtins.seq (throw "y") 1)) (builtins.tryEval <no-such-thing-anywhere>).success
  (builtins.tryEval (builtins.addErrorContext "ctx" (throw "z")))
]
