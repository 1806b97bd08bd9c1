FROM a
   RUN one \   
  # dropped

    two \
   # also
  three # kept
RUN a \\
RUN last \