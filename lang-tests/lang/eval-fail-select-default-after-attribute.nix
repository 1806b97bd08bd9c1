let
  settings.network = null;
in
settings.network.port or (throw "no port")
