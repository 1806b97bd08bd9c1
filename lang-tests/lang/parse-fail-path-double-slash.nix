[ a//b ./x//y ]
