ARG S=a
FROM base:1
COPY --from=$S /a /b
