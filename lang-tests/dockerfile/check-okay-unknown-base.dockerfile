FROM nowhere.example/base:1 AS a
COPY $PYTHON_HOME /x
CMD maybe the base has a SHELL
FROM a
COPY $PYTHON_HOME /x
