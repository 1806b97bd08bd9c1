"shared from b"
