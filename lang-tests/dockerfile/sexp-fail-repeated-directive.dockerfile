# escape=`
# Escape=`
FROM a
