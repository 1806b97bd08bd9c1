[ __curPos (x: __curPos) ]
