FROM base:1 AS builder
FROM bulider
