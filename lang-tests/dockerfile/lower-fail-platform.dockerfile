FROM --platform=linux//x base:1
