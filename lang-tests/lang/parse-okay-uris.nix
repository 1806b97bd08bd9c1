[ http://example.org/a?b=c&d=%20 mailto:someone@example.org x:y git+https://h.example/p.git a1+.-:b,c'd*e!f~g (x: x) ]
