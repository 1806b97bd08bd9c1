FROM a
RUN <<EOF
  one $x
EOF
RUN cat <<A 3<<-"B" > f
1
A
		2
	B
COPY <<E <<'F' src /d/
$e
E
$f
F
RUN echo "<<no" <<<no
ONBUILD RUN <<X
body
X
RUN cat << SPACED 3<<	"TAB" > /f
body
SPACED
other
TAB
