FROM base:1 AS tools
RUN tools
FROM copytrigger:1
