"known or not"
