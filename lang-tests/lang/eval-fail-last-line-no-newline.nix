[ 1
  (throw "last")]