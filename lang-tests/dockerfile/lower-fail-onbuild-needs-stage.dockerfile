FROM copytrigger:1
