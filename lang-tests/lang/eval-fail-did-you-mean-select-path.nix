{ outer.nested.value = 1; }.outer.nestd.value
