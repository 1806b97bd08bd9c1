# Escape = `
# syntax=docker/dockerfile:1

#not a directive
  FROM a `
  # vanishes

   b
RUN a `  
`
b ``
RUN c:\ `
  d
ENV a=b` c d=\e
COPY --from=\x a b
RUN a#b # c
	# comment \
RUN last `