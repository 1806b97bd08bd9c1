FROM base:1
COPY . .
COPY ./ /x/
#@ ignore .*
