({ some, other ? 1 }: some) { some = 1; othre = 2; }
