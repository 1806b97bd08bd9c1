# Nothing of the path was found, so only the default speaks.
let
  service = { port.http = 80; };
in
service.host.name or (throw "no host")
