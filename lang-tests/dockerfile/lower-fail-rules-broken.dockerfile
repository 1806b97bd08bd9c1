# check=error=true
FROM base:1 AS Base
CMD x
