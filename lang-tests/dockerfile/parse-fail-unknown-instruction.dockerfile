FROM a
RNU make
copyy . .
MAKE x
