ARG upper_case_is_not_counted_here=1
arg mixed=1
FROM base:1 as Builder
from base:1 AS two
Run true
COPY --from=Builder /a /b
expose 80/TCP 81/udp
From base:1 as three
FROM base:1 AS Four
