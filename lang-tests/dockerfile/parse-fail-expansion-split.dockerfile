FROM a
ENV a=${x:-a b}
