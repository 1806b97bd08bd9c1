"${./no-such-file-here}"
