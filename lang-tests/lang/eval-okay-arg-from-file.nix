{ text, number }: text + toString number
