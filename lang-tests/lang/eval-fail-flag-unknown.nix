"never evaluated"
