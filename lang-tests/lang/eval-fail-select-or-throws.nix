{ a = throw "inside"; }.a or 2
