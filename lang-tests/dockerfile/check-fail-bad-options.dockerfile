# check=skip=StageNameCasing;nothing
FROM base:1
