ARG GLOBAL=1
FROM base:1
ARG buildarg
ARG other=$nothing
ENV PATH=$PAHT:/tmp/bin
ENV a=$buildarg b=$GLOBAL c=${unset:-default}
LABEL "$key"=v
COPY $from /x
COPY <<E /y/
$body
E
USER $user
RUN echo $not_judged
EXPOSE $not_judged
WORKDIR $work
ONBUILD COPY $not_judged /z
FROM trigger:1
COPY $TARGETPLATFROM /x
ARG TARGETPLATFORM
COPY $TARGETPLATFORM /x
