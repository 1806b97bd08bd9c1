FROM rich:1 AS one
ENTRYPOINT ["e"]
FROM rich:1 AS two
CMD ["c"]
ENTRYPOINT ["e"]
FROM two
ENTRYPOINT []
