http://x.example/y
