# The default of a selection that got as far as `port` fails: the selection is part of the trace.
let
  service = { port.http = 80; };
in
service.port.https or (throw "no secure port")
