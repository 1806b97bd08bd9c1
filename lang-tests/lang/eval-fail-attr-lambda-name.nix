{ method = self: throw "called as attribute"; }.method 1
