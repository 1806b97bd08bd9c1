ENV A=1
FROM base:1
