FROM base:1
RUN <<EOF
  one $x
two
EOF
RUN <<-EOF
	#!/usr/bin/python
	print(1)
EOF
RUN cat <<A 3<<-B > f
1
A
	2
B
