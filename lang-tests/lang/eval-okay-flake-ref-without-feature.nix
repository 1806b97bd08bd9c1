map builtins.parseFlakeRef [
  "git+http://x/y?rev=zz"
  "git+http://x/y?ref=a%5D&x=y&x=z"
  "git+file:a//b"
  "git+file:"
  "git://u:p%3Aq@x:080/y"
  "git+x://[2001:DB8::1]/a%2Fb"
  "hg+ssh:x?ref=a.lock&rev=007"
  "https://x!y/?dir=a&dir=b&narHash=&name=n&revCount=1a&lastModified=+07"
  "file+https:x?q=a+b"
  "file:"
  "http://@x/%7e%C3%A4?a[]=b c\"d"
  "http://x:?=&?=?"
]
