{ a = ''no end; }
