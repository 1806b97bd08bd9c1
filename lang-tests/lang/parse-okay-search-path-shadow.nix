let __findFile = p: n: n; __nixPath = [ ]; in <a/b>
