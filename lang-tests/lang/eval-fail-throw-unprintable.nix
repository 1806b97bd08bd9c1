let esc = builtins.fromJSON ''"\u001b"''; in
throw "a ${esc}]8;;http://x${esc}\\link${esc}]8;;${esc}\\ ${esc}(B ${esc}M ${esc}`\r\n é z"
