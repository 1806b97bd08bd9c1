throw ''
  first line
    second line
  third ''
