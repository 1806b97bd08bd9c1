FROM base:1
COPY . .
#@ ignore *
