# Bytes that are not ASCII in strings and comments: é ü 漢字 🙂
{ a = "é ü 漢字 🙂"; "ключ" = 1; b = ''
  多
''; }
