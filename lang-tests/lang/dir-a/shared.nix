"shared from a"
