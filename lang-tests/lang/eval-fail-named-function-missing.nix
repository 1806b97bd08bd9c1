let greet = { greeting, name }: "${greeting} ${name}"; in greet { greeting = "hi"; }
