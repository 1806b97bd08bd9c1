# escape=`
FROM base:1
ENV P=C:\dir` x
RUN a `
 b
