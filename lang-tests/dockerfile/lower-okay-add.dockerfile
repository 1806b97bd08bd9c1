FROM base:1
ADD a.tar /x
ADD --unpack=false b.tar /x
ADD --unpack https://h/c.tar /x/
ADD --checksum=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 https://h/p/d%20e?q=1 /y/
