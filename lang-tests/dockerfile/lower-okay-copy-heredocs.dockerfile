FROM base:1
ENV N=world
COPY <<EOF <<'RAW' plain /d/
hello $N "q" \n \$N
EOF
$N \n
RAW
COPY --chmod=755 <<-X /x
		indent
	X
