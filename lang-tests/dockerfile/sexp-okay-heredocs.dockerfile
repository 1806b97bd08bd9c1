RUN <<EOF
not an instruction
EOF
RUN cat <<A 3<<-"B" > /f
a
A
	b
	B
COPY <<x <<'y' /d/
FROM a
x
FROM b
y
RUN ["<<EOF"]
CMD <<EOF
ONBUILD RUN <<EOF
c
EOF
ONBUILD ONBUILD RUN <<EOF
RUN echo "<<EOF" <<<EOF a<<EOF \<<EOF
RUN <<\EOF
d
EOF
RUN <<- E
	E
RUN cat <<$X
$X
