# line
/* block */
/**/ /***/ /** doc */
[ # inside
  1 /* two */ 2
  /* multi
     line * / // # */
  3 # end
]
# last
