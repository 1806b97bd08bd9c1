{
  x = y: throw "from the imported file";
}
