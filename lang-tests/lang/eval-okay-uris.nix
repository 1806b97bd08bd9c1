[ http://example.org/x?y=z mailto:a@b (x:x) ]
