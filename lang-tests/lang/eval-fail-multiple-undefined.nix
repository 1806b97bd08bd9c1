[ aa bb ]
