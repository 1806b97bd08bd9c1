builtins.fetchurl "file:///nonexistent/x"
