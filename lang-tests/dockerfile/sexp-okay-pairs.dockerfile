ENV a=1 b="x y" c='z w' d=m\ n e= f=${x:-y} g=h=i
ENV legacy one  two = 3   
ENV legacy	"quoted  text"
ENV name value=with=equals
ENV "quoted name"=x
ENV =x
LABEL "com.example vendor"="ACME Incorporated"
LABEL multi="a\
 b" c=d
label k v
ENV a=b\ c\\ d=e\"f
ENV a="b\" c" d='\' e=f
